"""`rebuilder rebuild`: one target, from the index or from disk."""

import json as jsonlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rebuilders.cli.options import (
    CacheOption,
    ContactOption,
    DiffoscopeOption,
    IndexOption,
    InstallOption,
    JsonOption,
    QuietOption,
    ReportOption,
    TimeoutOption,
    local_target,
    settings,
)
from rebuilders.config import DEFAULT_TIMEOUT
from witness.errors import Incomplete, InputError
from witness.names import TargetName

if TYPE_CHECKING:
    from rebuilders.pipeline import Report


def rebuild(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET", help="name==version, a wheel's file name, or a local wheel with --sdist."
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
    keep: Annotated[
        Path | None,
        typer.Option(
            envvar="WHEELWITNESS_KEEP",
            help="Keep the rebuilt wheel, its recipe and log in this directory.",
            show_default=False,
        ),
    ] = None,
    report: ReportOption = None,
    diffoscope: DiffoscopeOption = False,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    index: IndexOption = "",
    cache: CacheOption = None,
    contact: ContactOption = "",
    install_pythons: InstallOption = False,
    quiet: QuietOption = False,
) -> None:
    """Rebuild one wheel from its sdist, compare, and say why. Nothing is signed.

    \b
    Examples:
      rebuilder rebuild six==1.17.0
      rebuilder rebuild requests-2.34.2-py3-none-any.whl --json
      rebuilder rebuild six==1.17.0 --report six-report
      rebuilder rebuild dist/demo-1.0-py3-none-any.whl --sdist dist/demo-1.0.tar.gz

    Exit codes: 0 match, 1 mismatch, 2 usage, 3 not built, 5 could not complete.
    """
    from rebuilders.cli.reporting import Reporting
    from rebuilders.report.document import of_rebuild
    from rebuilders.result import EXIT, incomplete_json, result_of, to_json
    from rebuilders.text import rendered
    from rebuilders.wiring import open_workshop

    local = local_target(target, sdist)
    name = TargetName.parse(local.name if local else target)
    if report is not None or diffoscope:
        Reporting.of(report, diffoscope=diffoscope and report is None)  # before the index is asked
    try:
        workshop = open_workshop(settings(index, cache, contact, install_pythons=install_pythons))
        reporting = Reporting.of(report, diffoscope=diffoscope, sandbox=workshop.ports.sandbox)
        if not quiet and sys.stderr.isatty():
            typer.echo(f"rebuilding {name} …", err=True)
        found = (
            workshop.rebuild_files(local, sdist, timeout)
            if local and sdist
            else workshop.rebuild(name, timeout)
        )
    except Incomplete as error:
        if json:
            typer.echo(jsonlib.dumps(incomplete_json(name, error)))
        raise
    if keep is not None:
        _keep(keep, found)
    typer.echo(jsonlib.dumps(to_json(found, name)) if json else rendered(found, name))
    written = reporting.write(of_rebuild(found, name))  # last: whatever stands in its way, the result is told
    if written and not json:
        typer.echo(written)
    raise typer.Exit(EXIT[result_of(found)])


def _keep(directory: Path, report: "Report") -> None:
    from dataclasses import asdict

    log = report.best.built.log if report.best else report.failure.log if report.failure else b""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "build.log").write_bytes(log)
        if report.best is not None:
            (directory / report.best.built.filename).write_bytes(report.best.built.data)
            (directory / "recipe.json").write_text(jsonlib.dumps(asdict(report.best.recipe), indent=2) + "\n")
    except OSError as error:
        raise InputError(
            f"{directory}: cannot be written: {error.strerror}", hint="Choose another --keep."
        ) from None
