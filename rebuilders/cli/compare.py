"""`rebuilder compare`: two local wheels held against each other."""

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rebuilders.cli.options import JsonOption
from witness.errors import InputError, Malformed
from witness.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from witness.compare.ladder import Outcome
    from witness.names import WheelName
    from witness.wheel.reader import Wheel


def compare(
    published: Annotated[Path, typer.Argument(help="The wheel that was published.")],
    rebuilt: Annotated[Path, typer.Argument(help="The wheel to hold against it.")],
    json: JsonOption = False,
) -> None:
    """Say how equal two wheels are, and what differs.

    The file names are compared as well, if both are names of wheels.

    \b
    Example:
      rebuilder compare six-1.17.0-py2.py3-none-any.whl dist/six-1.17.0-py2.py3-none-any.whl

    Exit codes: 0 match, 1 mismatch, 2 a file that cannot be read as a wheel.
    """
    from witness.compare.ladder import compare as compare_wheels

    names = (_name(published), _name(rebuilt))
    outcome = compare_wheels(_read(published), _read(rebuilt), names)
    typer.echo(jsonlib.dumps(_value(outcome)) if json else "\n".join(_lines(outcome)))
    raise typer.Exit(0 if outcome.matches else 1)


def _value(outcome: "Outcome") -> dict[str, object]:
    comparison = outcome.comparison
    return {
        "schema": "compare/1",
        "result": "match" if outcome.matches else "mismatch",
        "level": outcome.level,
        "archiveExact": comparison.archive_exact,
        "rules": [rule.id for rule in comparison.rules],
        "differences": [difference.wire() for difference in comparison.differences],
        "differencesTotal": comparison.differences_total,
        "findings": [finding.wire() for finding in comparison.findings or ()],
        "findingsTotal": comparison.findings_total or 0,
    }


def _lines(outcome: "Outcome") -> "Iterator[str]":
    from rebuilders.text import findings

    comparison = outcome.comparison
    exact = ", and the first file's bytes follow from the second" if comparison.archive_exact else ""
    if outcome.matches:
        yield f"match ({outcome.level}{exact})"
    else:
        yield f"mismatch ({comparison.differences_total})"
    for use in comparison.rules:
        values = f"{printable(use.published)} / {printable(use.rebuilt)}"
        yield f"  {use.id:18} {printable(use.path)}: {values}"
    for difference in comparison.differences:
        yield f"  {difference.kind:18} {printable(difference.path) or '(the archive itself)'}"
    yield from findings(comparison)


def _name(path: Path) -> "WheelName | None":
    from witness.names import WheelName

    try:
        return WheelName.parse(path.name)
    except Malformed:
        return None


def _read(path: Path) -> "Wheel":
    from rebuilders.inputs import read_local
    from witness.wheel.reader import read_wheel

    try:
        return read_wheel(read_local(path))
    except Malformed as error:
        raise InputError(f"{printable(str(path))}: {error}") from None
