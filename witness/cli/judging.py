"""What `check` and `verify` have in common: judge pins, write the reports, say the exit code."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import typer

from witness import gate
from witness.cli.notes import tell_notes
from witness.cli.options import Format
from witness.cli.outputs import Circumstances, Output, Sign, parse_outputs, write
from witness.cli.progress import progress_bar
from witness.config import load_policy, with_project
from witness.errors import InputError
from witness.escape import printable
from witness.pins.pin import Pins
from witness.report.acceptance import stops_at
from witness.report.baseline import MAX_BASELINE, Baseline
from witness.report.baseline import parse as parse_baseline
from witness.report.model import parse_fail_on
from witness.wiring import open_client


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of `check` and `verify`, as given."""

    policy: Path | None
    bundles: tuple[Path, ...]
    formats: tuple[str, ...]
    fail_on: str | None
    quiet: bool
    verbose: bool
    output: Path | None
    state: Path | None
    baseline: Path | None = None
    sign_key: Path | None = None
    project_policy: Path | None = None
    max_age: int = 0
    lookup: str | None = None
    snapshot: Path | None = None


def judge(pins: Pins, settings: Settings) -> int:
    """The exit code for `pins`, after the reports have been written.

    Raises:
        InputError: the policy, a bundle file or an option cannot be used.
    """
    # Whatever can be wrong with the options is said before anybody is asked.
    outputs = parse_outputs(settings.formats, settings.output)
    sign = _sign(settings, outputs)
    baseline = None if settings.baseline is None else _baseline(settings.baseline)
    given = None if settings.fail_on is None else parse_fail_on(settings.fail_on)
    loaded = with_project(load_policy(settings.policy), settings.project_policy, Path.cwd())
    tell_notes(loaded)
    now = datetime.now(UTC)
    total = sum(len(pin.sha256) for pin in pins.pins) * len(loaded.policy.everyone)
    with (
        _uncollected(),
        progress_bar(total, quiet=settings.quiet) as advance,
        open_client(
            loaded,
            bundles=settings.bundles,
            snapshot=settings.snapshot,
            progress=advance,
            state=settings.state,
            max_age=settings.max_age,
            lookup=settings.lookup,
        ) as client,
    ):
        report = gate.check(pins, client, now)
    if client.memory is not None and client.memory.trouble:
        typer.echo(f"wheelwitness: {client.memory.trouble}", err=True)
    if baseline is not None:
        report = baseline.applied(report)
    code = report.exit_code(stops_at(given, loaded.policy))
    write(outputs, report, Circumstances(code, now, loaded, settings.quiet, settings.verbose, sign))
    return code


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without searches for circles of objects: what is heard makes none, and most of it is kept until the end."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.freeze()
            gc.enable()


def _sign(settings: Settings, outputs: tuple[Output, ...]) -> Sign | None:
    wanted = any(output.format is Format.SVR for output in outputs)
    if wanted and settings.sign_key is None:
        raise InputError("--format svr: nothing to sign with", hint="Give --sign-key FILE.")
    if settings.sign_key is None:
        return None
    if not wanted:
        raise InputError("--sign-key: nothing to sign", hint="Give --format svr=FILE, too.")
    from witness import summary
    from witness.signing.keyfile import load

    signer = load(settings.sign_key)
    return lambda told: summary.sign(told, signer.public_key, signer.sign)


def _baseline(path: Path) -> Baseline:
    shown = printable(str(path))
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BASELINE + 1)
    except OSError as error:
        hint = "A baseline is what --format json=FILE wrote."
        raise InputError(f"{shown}: {error.strerror}", hint=hint) from None
    return parse_baseline(data, name=shown)
