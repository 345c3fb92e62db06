"""`rebuilder compare`: two local wheels held against each other."""

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rebuilders.cli.options import JsonOption
from witness.errors import InputError, Malformed
from witness.escape import printable
from witness.limits import ARCHIVE

if TYPE_CHECKING:
    from witness.wheel.reader import Wheel


def compare(
    published: Annotated[Path, typer.Argument(help="The wheel that was published.")],
    rebuilt: Annotated[Path, typer.Argument(help="The wheel to hold against it.")],
    json: JsonOption = False,
) -> None:
    """Say how equal two wheels are, and what differs.

    \b
    Example:
      rebuilder compare six-1.17.0-py2.py3-none-any.whl dist/six-1.17.0-py2.py3-none-any.whl

    Exit codes: 0 match, 1 mismatch, 2 a file that cannot be read as a wheel.
    """
    from witness.compare.ladder import compare as compare_wheels

    outcome = compare_wheels(_read(published), _read(rebuilt))
    comparison = outcome.comparison
    if json:
        value = {
            "schema": "compare/1",
            "result": "match" if outcome.matches else "mismatch",
            "level": outcome.level,
            "archiveExact": comparison.archive_exact,
            "rules": [rule.id for rule in comparison.rules],
            "differences": [difference.wire() for difference in comparison.differences],
            "differencesTotal": comparison.differences_total,
        }
        typer.echo(jsonlib.dumps(value))
    else:
        exact = ", and the first file's bytes follow from the second" if comparison.archive_exact else ""
        typer.echo(
            f"match ({outcome.level}{exact})"
            if outcome.matches
            else f"mismatch ({comparison.differences_total})"
        )
        for use in comparison.rules:
            values = f"{printable(use.published)} / {printable(use.rebuilt)}"
            typer.echo(f"  {use.id:18} {printable(use.path)}: {values}")
        for difference in comparison.differences:
            typer.echo(f"  {difference.kind:18} {printable(difference.path) or '(the archive itself)'}")
    raise typer.Exit(0 if outcome.matches else 1)


def _read(path: Path) -> "Wheel":
    from witness.wheel.reader import read_wheel

    try:
        if path.stat().st_size > ARCHIVE.file:
            raise InputError(f"{path}: larger than the {ARCHIVE.file} bytes allowed")
        return read_wheel(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except Malformed as error:
        raise InputError(f"{path}: {error}", hint="Give two wheels.") from None
