"""What `hashes` does: judge, narrow, write."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import typer

from witness import gate, pylock, requirements
from witness.cli.notes import tell_notes
from witness.cli.progress import progress_bar
from witness.cli.written import write_whole
from witness.config import load_policy
from witness.errors import InputError
from witness.escape import printable
from witness.limits import MIB
from witness.narrowing import Narrowed, narrow
from witness.pins.detect import read_inputs
from witness.report import text
from witness.report.acceptance import stops_at
from witness.report.model import SATISFIED, Report, parse_fail_on
from witness.wiring import open_client

_MAX_LOCK: Final = 64 * MIB


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of `hashes`, as given."""

    pylock: bool
    skip: bool
    policy: Path | None
    fail_on: str | None
    bundles: tuple[Path, ...]
    quiet: bool
    output: Path | None
    state: Path | None
    lookup: str | None = None
    snapshot: Path | None = None


def write_narrowed(inputs: Sequence[str], settings: Settings) -> int:
    """The exit code, after what passes of `inputs` was written, or why it was not.

    Raises:
        InputError: an input, the policy or an option cannot be used.
    """
    if settings.pylock and len(inputs) != 1:
        raise InputError("--format pylock: more than one input", hint="Give one pylock.toml.")
    given = None if settings.fail_on is None else parse_fail_on(settings.fail_on)
    loaded = load_policy(settings.policy)
    tell_notes(loaded)
    fail_on = stops_at(given, loaded.policy)
    pins = read_inputs(inputs)
    total = sum(len(pin.sha256) for pin in pins.pins) * len(loaded.policy.everyone)
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
        narrowed = narrow(gate.check(pins, client, datetime.now(UTC)), fail_on)
    code = narrowed.exit_code(fail_on, skip=settings.skip)
    if not settings.quiet or code != SATISFIED:
        _tell(narrowed)
    if code == SATISFIED:
        _write(_render(inputs, narrowed, settings), settings.output)
    return code


def _render(inputs: Sequence[str], narrowed: Narrowed, settings: Settings) -> str:
    path = Path(inputs[0])
    if settings.pylock:
        if path.stat().st_size > _MAX_LOCK:
            raise InputError(f"{printable(inputs[0])}: larger than any lock")
        return pylock.filtered(path.read_text("utf-8"), narrowed.digests, name=printable(inputs[0]))
    if len(inputs) == 1 and path.is_file() and path.name.endswith((".txt", ".in")):
        return requirements.rewritten(path, narrowed)
    return requirements.listed(narrowed)


def _tell(narrowed: Narrowed) -> None:
    """On standard error: entries that fail, and files that are no longer allowed though witnesses compared them."""
    if narrowed.failing:
        typer.echo(text.render(Report(narrowed.failing)), nl=False, err=True)
    for row, digests in narrowed.kept.items():
        for file in row.files:
            if file.compared and file.artifact.sha256 not in digests:
                typer.echo(
                    f"{printable(row.name)}: no longer allowed: sha256:{file.artifact.sha256}: {file.outcome}: "
                    f"{printable(file.reason)}",
                    err=True,
                )


def _write(rendered: str, output: Path | None) -> None:
    if output is None:
        typer.echo(rendered, nl=False)
    else:
        write_whole(output, rendered, hint="Choose another --output.")
