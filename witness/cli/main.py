"""The program `wheelwitness`: commands for those who install. Exit codes are in DESIGN.md section 7.

Loads nothing that a command does not need: `--help` and completion answer at once.
"""

from typing import Annotated

import typer

from witness import __version__
from witness.cli.check import check
from witness.cli.diff import diff
from witness.cli.directory import directory
from witness.cli.hashes import hashes
from witness.cli.log import log
from witness.cli.policy import policy_commands
from witness.cli.proxy import proxy
from witness.cli.show import show
from witness.cli.snapshot import snapshot
from witness.cli.summary import summary
from witness.cli.trust import trust
from witness.cli.verify import verify
from witness.program import Commands, run

app = typer.Typer(
    name="wheelwitness",
    cls=Commands,
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
app.command()(diff)
app.command()(summary)
app.command()(hashes)
app.command()(proxy)
app.command()(snapshot)
app.add_typer(trust)
app.add_typer(policy_commands)
app.add_typer(log)
app.add_typer(directory)


def main() -> None:
    """The entry point."""
    run("wheelwitness", app)
