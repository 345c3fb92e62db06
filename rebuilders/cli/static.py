"""`rebuilder static`: what follows from an sdist without building, for one target or a directory of files."""

import json as jsonlib
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from rebuilders.cli.options import (
    CacheOption,
    ContactOption,
    IndexOption,
    JsonOption,
    QuietOption,
    local_target,
    settings,
)
from witness.errors import Incomplete, InputError
from witness.names import TargetName

if TYPE_CHECKING:
    from rebuilders.checking import StaticReport

_PRECEDENCE: Final = (1, 5, 3, 0)


def static(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            help="name==version, a wheel's file name, a local wheel with --sdist, or a directory of both.",
        ),
    ],
    sdist: Annotated[
        Path | None,
        typer.Option(
            envvar="WHEELWITNESS_SDIST",
            help="A local sdist; TARGET is then a local wheel.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
    jobs: Annotated[
        int,
        typer.Option(
            envvar="WHEELWITNESS_JOBS",
            min=1,
            help="Processes, for a directory.",
            show_default="the number of cores",
        ),
    ] = os.cpu_count() or 1,
    index: IndexOption = "",
    cache: CacheOption = None,
    contact: ContactOption = "",
    quiet: QuietOption = False,
) -> None:
    """Say which members of a wheel follow from its sdist, without running anything. Nothing is signed.

    Needs no sandbox, and no network for local files. A directory's wheels are paired with its sdists by name; with
    --json, each pair is a line.

    \b
    Examples:
      rebuilder static six==1.17.0
      rebuilder static dist/demo-1.0-py3-none-any.whl --sdist dist/demo-1.0.tar.gz
      rebuilder static dist --json

    Exit codes: 0 match, 1 the wheel contradicts the sdist, 2 usage, 3 something is open, 5 could not complete.
    """
    if sdist is None and len(target) < 4096 and Path(target).is_dir():
        raise typer.Exit(_directory(Path(target), jobs, json=json, quiet=quiet))
    from rebuilders.result import EXIT, incomplete_json, static_result_of, static_to_json
    from rebuilders.text import rendered_static

    local = local_target(target, sdist)
    name = TargetName.parse(local.name if local else target)
    try:
        report = _check(name, local, sdist, index, cache, contact)
    except Incomplete as error:
        if json:
            typer.echo(jsonlib.dumps(incomplete_json(name, error, "static")))
        raise
    typer.echo(jsonlib.dumps(static_to_json(report, name)) if json else rendered_static(report, name))
    raise typer.Exit(EXIT[static_result_of(report)])


def _check(
    name: TargetName, local: Path | None, sdist: Path | None, index: str, cache: Path | None, contact: str
) -> "StaticReport":
    if local is not None and sdist is not None:
        from rebuilders.checking import check_target
        from rebuilders.inputs import from_files

        return check_target(lambda: from_files(local, sdist))
    from rebuilders.wiring import open_desk

    return open_desk(settings(index, cache, contact)).check(name)


def _directory(directory: Path, jobs: int, *, json: bool, quiet: bool) -> int:
    """Checks every pair of a directory; the exit code."""
    from rebuilders.inputs import local_pairs
    from rebuilders.result import EXIT, INCOMPLETE
    from rebuilders.survey import Survey

    pairs, alone = local_pairs(directory)
    if not pairs:
        raise InputError(
            f"{directory}: no wheel with the sdist of its release", hint="Name files as an index would."
        )
    counts: Counter[str] = Counter()
    codes = {0}
    for result in Survey(jobs).results(pairs):
        incomplete = result["failure"] is not None and result["failure"]["cause"] == INCOMPLETE
        counts["unreadable" if incomplete else result["result"]] += 1
        codes.add(5 if incomplete else EXIT[result["result"]])
        if json:
            typer.echo(jsonlib.dumps(result))
        elif result["result"] != "match":
            open_ = result["static"] and result["static"]["openTotal"]
            typer.echo(
                f"{result['target']['filename']}: {result['result']}{f' ({open_} open)' if open_ else ''}"
            )
    if not quiet:
        told = ", ".join(f"{count} {result}" for result, count in sorted(counts.items()))
        without = f"; {len(alone)} wheels have no sdist here" if alone else ""
        typer.echo(f"{len(pairs)} pairs: {told}{without}", err=json)
    return next(code for code in _PRECEDENCE if code in codes)
