"""What `check` and `verify` have in common: judge pins, write the report, say the exit code."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import typer

from witness import gate
from witness.cli.options import Format
from witness.cli.progress import progress_bar
from witness.config import load_policy
from witness.errors import InputError
from witness.escape import printable
from witness.pins.pin import Pins
from witness.report import json, text
from witness.report.model import DEFAULT_FAIL_ON, SATISFIED, Report, parse_fail_on
from witness.wiring import open_client


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of `check` and `verify`, as given."""

    policy: Path | None
    bundles: tuple[Path, ...]
    format: Format
    fail_on: str | None
    quiet: bool
    verbose: bool
    output: Path | None
    state: Path | None
    lookup: str | None = None
    snapshot: Path | None = None


def judge(pins: Pins, settings: Settings) -> int:
    """The exit code for `pins`, after the report has been written.

    Raises:
        InputError: the policy, a bundle file or an option cannot be used.
    """
    fail_on = DEFAULT_FAIL_ON if settings.fail_on is None else parse_fail_on(settings.fail_on)
    loaded = load_policy(settings.policy)
    for note in loaded.policy.notes:
        typer.echo(f"wheelwitness: {printable(note)}", err=True)
    total = sum(len(pin.sha256) for pin in pins.pins) * len(loaded.policy.witnesses)
    with (
        progress_bar(total, quiet=settings.quiet) as advance,
        open_client(
            loaded,
            bundles=settings.bundles,
            snapshot=settings.snapshot,
            progress=advance,
            state=settings.state,
            lookup=settings.lookup,
        ) as client,
    ):
        report = gate.check(pins, client, datetime.now(UTC))
    code = report.exit_code(fail_on)
    _write(report, settings, code)
    return code


def _write(report: Report, settings: Settings, code: int) -> None:
    if settings.format is Format.JSON:
        rendered = json.render(report)
    elif settings.quiet and code == SATISFIED and settings.output is None:
        return
    else:
        rendered = text.render(report, verbose=settings.verbose)
    if settings.output is None:
        typer.echo(rendered, nl=False)
        return
    try:
        settings.output.write_text(rendered, encoding="utf-8")
    except OSError as error:
        shown = printable(str(settings.output))
        raise InputError(
            f"{shown}: cannot be written: {error.strerror}", hint="Choose another --output."
        ) from None
