"""The program `wheelwitness`: commands for those who install. Exit codes are in DESIGN.md section 7.

Loads nothing that a command does not need: `--help` and completion answer at once.
"""

import os
import sys
import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from witness import __version__
from witness.cli.check import check
from witness.cli.show import show
from witness.cli.verify import verify
from witness.errors import InputError, Malformed, Unverified, WheelwitnessError

_INTERRUPTED = 130


class _Group(TyperGroup):
    """Turns every error into a message and an exit code; no traceback is ever the answer to bad input."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except WheelwitnessError as error:
            typer.echo(f"wheelwitness: {error}", err=True)
            if error.hint:
                typer.echo(f"  {error.hint}", err=True)
            raise typer.Exit(_code(error)) from None
        except KeyboardInterrupt:
            raise typer.Exit(_INTERRUPTED) from None


app = typer.Typer(
    name="wheelwitness",
    cls=_Group,
    help="Checks Python wheels against independent witnesses who rebuilt them.\n\n"
    "\b\nExamples:\n"
    "  wheelwitness check requirements.txt\n"
    "  wheelwitness verify demo-1.0-py3-none-any.whl --bundle evidence.jsonl\n"
    "  wheelwitness show demo-1.0-py3-none-any.whl",
    epilog="Every option has an environment variable: WHEELWITNESS_POLICY for --policy, and so on.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"wheelwitness {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    pass


app.command()(check)
app.command()(verify)
app.command()(show)


def main() -> None:
    """The entry point. Whatever is not foreseen is a mistake of ours, and never looks like a verdict."""
    try:
        app()
    except Exception as error:  # noqa: BLE001 - the last resort, so that no exit code is an accident
        if os.environ.get("WHEELWITNESS_DEBUG") == "1":
            traceback.print_exc()
        name = type(error).__name__
        typer.echo(f"wheelwitness: a mistake in the program itself ({name}); please report it.", err=True)
        typer.echo("  Set WHEELWITNESS_DEBUG=1 to see where; nothing was decided.", err=True)
        sys.exit(5)


def _code(error: WheelwitnessError) -> int:
    if isinstance(error, InputError | Malformed):
        return 2
    return 1 if isinstance(error, Unverified) else 5
