"""`rebuilder compare`: two local wheels held against each other."""

import json as jsonlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rebuilders.cli.options import DiffoscopeOption, JsonOption, ReportOption
from witness.errors import InputError, Malformed
from witness.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rebuilders.report.document import Compared
    from witness.names import WheelName
    from witness.wheel.reader import Wheel


def compare(
    published: Annotated[Path, typer.Argument(help="The wheel that was published.")],
    rebuilt: Annotated[Path, typer.Argument(help="The wheel to hold against it.")],
    json: JsonOption = False,
    report: ReportOption = None,
    diffoscope: DiffoscopeOption = False,
) -> None:
    """Say how equal two wheels are, and what differs.

    The file names are compared as well, if both are names of wheels.

    \b
    Examples:
      rebuilder compare six-1.17.0-py2.py3-none-any.whl dist/six-1.17.0-py2.py3-none-any.whl
      rebuilder compare published.whl rebuilt.whl --report differences

    Exit codes: 0 match, 1 mismatch, 2 a file that cannot be read as a wheel, 5 could not complete.
    """
    from rebuilders.cli.reporting import Reporting
    from rebuilders.report.document import of_wheels
    from witness.compare.ladder import compare as compare_wheels

    reporting = Reporting.of(report, diffoscope=diffoscope)
    wheels = _read(published), _read(rebuilt)
    document = of_wheels(
        (published.name, rebuilt.name), *wheels, compare_wheels(*wheels, (_name(published), _name(rebuilt)))
    )
    assert document.compared is not None  # noqa: S101 - of_wheels compares
    typer.echo(jsonlib.dumps(_value(document.compared)) if json else "\n".join(_lines(document.compared)))
    written = reporting.write(document)  # last: whatever stands in its way, the result is told
    if written and not json:
        typer.echo(written)
    raise typer.Exit(0 if document.compared.outcome.matches else 1)


def _value(compared: "Compared") -> dict[str, Any]:
    outcome, comparison = compared.outcome, compared.outcome.comparison
    return {
        "schema": "compare/1",
        "result": "match" if outcome.matches else "mismatch",
        "level": outcome.level,
        "archiveExact": comparison.archive_exact,
        "rules": [rule.id for rule in comparison.rules],
        "differences": [found.wire() for found in compared.differences],
        "differencesTotal": comparison.differences_total,
        "findings": [finding.wire() for finding in comparison.findings or ()],
        "findingsTotal": comparison.findings_total or 0,
    }


def _lines(compared: "Compared") -> "Iterator[str]":
    from rebuilders.text import findings
    from witness.differences.classes import by_weight

    outcome, comparison = compared.outcome, compared.outcome.comparison
    exact = ", and the first file's bytes follow from the second" if comparison.archive_exact else ""
    yield (
        f"match ({outcome.level}{exact})" if outcome.matches else f"mismatch ({comparison.differences_total})"
    )
    for use in comparison.rules:
        yield f"  {use.id:18} {printable(use.path)}: {printable(use.published)} / {printable(use.rebuilt)}"
    for found in by_weight(compared.differences):
        yield f"  {found.line()}"
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
