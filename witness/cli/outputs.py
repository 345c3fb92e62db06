"""Where reports go, and in which format: several at once, of which one at most goes to standard output."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import typer

from witness.cli.options import Format
from witness.cli.written import write_whole
from witness.config import LoadedPolicy
from witness.errors import InputError
from witness.escape import printable
from witness.report.model import SATISFIED, Report
from witness.summary import Summary

Sign = Callable[[Summary], bytes]


@dataclass(frozen=True, slots=True)
class Output:
    """One report: its format and its file, or None for standard output."""

    format: Format
    path: Path | None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a report says besides its rows, and how it is shown. `sign` is there if a summary is to be signed."""

    exit_code: int
    now: datetime
    loaded: LoadedPolicy
    quiet: bool
    verbose: bool
    sign: Sign | None = None


def parse_outputs(formats: Sequence[str], output: Path | None) -> tuple[Output, ...]:
    """The outputs of `--format NAME` or `--format NAME=FILE`, each as often as is wanted, and of `--output FILE`.

    What has no file goes to `output`, or to standard output: text, if nothing else is said.

    Raises:
        InputError: no such format, two of them for one place, or a file twice.
    """
    found = [_parse(text) for text in formats]
    unplaced = [item for item in found if item.path is None]
    if len(unplaced) > 1:
        names = ", ".join(item.format for item in unplaced)
        hint = "Give each but one a file: --format sarif=report.sarif."
        raise InputError(f"--format: several for one place: {names}", hint=hint)
    main = unplaced[0].format if unplaced else Format.TEXT
    outputs = (*(item for item in found if item.path is not None), Output(main, output))
    paths = [item.path for item in outputs if item.path is not None]
    for path in paths:
        if paths.count(path) > 1:
            raise InputError(f"{printable(str(path))}: for two reports", hint="Give each its own file.")
    return outputs


def _parse(text: str) -> Output:
    name, separator, file = text.partition("=")
    if name not in list(Format):
        hint = f"Choose from {', '.join(Format)}; with a file as {Format.SARIF}=report.sarif."
        raise InputError(f"--format: no such format: {printable(name)!r}", hint=hint)
    if separator and not file:
        raise InputError(f"--format: {name}= without a file", hint=f"Write {name}, or {name}=FILE.")
    return Output(Format(name), Path(file) if separator else None)


def write(outputs: Sequence[Output], report: Report, circumstances: Circumstances) -> None:
    """Writes every report. Raises InputError if a file cannot be written."""
    for output in outputs:
        text_for_nobody = circumstances.quiet and circumstances.exit_code == SATISFIED
        if output == Output(Format.TEXT, None) and text_for_nobody:
            continue
        rendered = _render(output, report, circumstances)
        if output.path is not None:
            _write(output.path, rendered)
        elif rendered is not None:
            typer.echo(rendered, nl=False)


def on_colour_terminal() -> bool:
    """Whether standard output is a terminal that shows colours, and nobody has asked for none (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _render(output: Output, report: Report, circumstances: Circumstances) -> str | None:
    if output.format is Format.TEXT:
        from witness.report import paint, text

        painted = output.path is None and on_colour_terminal()
        return text.render(
            report, verbose=circumstances.verbose, paint=paint.coloured if painted else paint.plain
        )
    if output.format is Format.SARIF:
        from witness.report import sarif

        return sarif.render(report, root=Path.cwd(), exit_code=circumstances.exit_code)
    if output.format is Format.MARKDOWN:
        from witness.report import markdown

        return markdown.render(report)
    if output.format is Format.CYCLONEDX:
        from witness.report import cyclonedx

        return cyclonedx.render(report, now=circumstances.now)
    if output.format is Format.SVR:
        return _summary(report, circumstances)
    from witness.report import json

    return json.render(report)


def _summary(report: Report, circumstances: Circumstances) -> str | None:
    from witness.report.accepted import accepted

    files = accepted(report)
    if not files or circumstances.sign is None:
        typer.echo("wheelwitness: nothing was accepted, so there is no summary to sign", err=True)
        return None
    told = Summary(circumstances.now, circumstances.loaded.files, files)
    return circumstances.sign(told).decode() + "\n"


def _write(path: Path, rendered: str | None) -> None:
    if rendered is not None:
        write_whole(path, rendered, hint="Choose another file.")
        return
    try:
        path.unlink(missing_ok=True)  # a former one would speak for this run
    except OSError as error:
        shown = printable(str(path))
        raise InputError(f"{shown}: cannot be removed: {error.strerror}", hint="Remove it.") from None
