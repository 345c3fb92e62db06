"""The program `rebuilder`: commands for those who rebuild. Exit codes are in DESIGN.md section 7.

Loads nothing that a command does not need: `--help` and completion answer at once.
"""

from typing import Annotated

import typer

from rebuilders.cli.add import add, drop
from rebuilders.cli.aggregate import aggregate
from rebuilders.cli.backup import backup, restore
from rebuilders.cli.batch import batch
from rebuilders.cli.canaries import canaries
from rebuilders.cli.compare import compare
from rebuilders.cli.control import drain, pause, resume
from rebuilders.cli.cosign import cosign
from rebuilders.cli.definitions import definitions
from rebuilders.cli.doctor import doctor
from rebuilders.cli.farm import farm
from rebuilders.cli.gc import gc
from rebuilders.cli.init import init
from rebuilders.cli.keys import keys
from rebuilders.cli.mirror import mirror
from rebuilders.cli.plan import plan
from rebuilders.cli.publish import publish
from rebuilders.cli.push import push
from rebuilders.cli.queue import queue
from rebuilders.cli.rebuild import rebuild
from rebuilders.cli.run import run as run_node
from rebuilders.cli.serve import serve
from rebuilders.cli.site import site
from rebuilders.cli.spot_check import spot_check
from rebuilders.cli.static import static
from rebuilders.cli.status import status
from witness import __version__
from witness.program import Commands, run

app = typer.Typer(
    name="rebuilder",
    cls=Commands,
    help="Rebuilds published wheels from their sdists, and publishes signed observations of it.\n\n"
    "\b\nExamples:\n"
    "  rebuilder rebuild six==1.17.0\n"
    "  rebuilder compare published.whl mine.whl\n"
    "  rebuilder init node --name node-a --operator 'Operator A'",
    epilog="Every option has an environment variable: WHEELWITNESS_TIMEOUT for --timeout, and so on.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"rebuilder {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    pass


for command in (
    rebuild, batch, plan, static, compare, spot_check, init, add, drop, queue, publish, push, cosign, mirror,
    canaries, site, aggregate, serve, status, pause, resume, drain, gc, backup, restore, doctor, definitions,
):  # fmt: skip
    app.command()(command)
app.command("run")(run_node)
app.add_typer(keys)
app.add_typer(farm)


def main() -> None:
    """The entry point."""
    run("rebuilder", app)
