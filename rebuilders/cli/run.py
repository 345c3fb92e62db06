"""`rebuilder run`: a node at work."""

import sys
from enum import Enum
from typing import Annotated, Literal

import typer

from rebuilders.cli.options import IndexOption, NodeArgument, QuietOption
from witness.errors import InputError


class Log(Enum):
    """How lines of the log are written."""

    text = "text"
    json = "json"


def run(
    directory: NodeArgument,
    once: Annotated[
        bool,
        typer.Option("--once", envvar="WHEELWITNESS_ONCE", help="End when the queue has been worked off."),
    ] = False,
    publish: Annotated[
        bool,
        typer.Option(
            "--publish/--no-publish",
            envvar="WHEELWITNESS_PUBLISH",
            help="Whether to sign what was seen and to cosign, or to leave it to another machine, where the keys are.",
        ),
    ] = True,
    part: Annotated[
        str,
        typer.Option(
            envvar="WHEELWITNESS_PART",
            metavar="NAME",
            help="Be one part alone, such as signer, for a unit of its own.",
            show_default=False,
        ),
    ] = "",
    log: Annotated[
        Log | None,
        typer.Option(
            envvar="WHEELWITNESS_LOG",
            help="How lines are written. Default: json where the output is no terminal; text with --once.",
            show_default=False,
        ),
    ] = None,
    index: IndexOption = "",
    quiet: QuietOption = False,
) -> None:
    """Rebuild what is queued and publish what was seen, until stopped.

      \b
      Examples:
        rebuilder run node --once
        rebuilder run node --once --no-publish
    rebuilder run node --part signer --log json

      Exit codes: 0 done, 2 usage, 5 some targets could not be completed and stay queued.
    """
    from rebuilders.node.config import NodeDirectory

    if part and (once or not publish):
        raise InputError("--part with --once or --no-publish", hint="A part is one, and lasts.")
    chosen = Log.text if once or sys.stdout.isatty() else Log.json
    form: Literal["text", "json"] = "json" if (log or chosen) is Log.json else "text"
    write = (lambda _: None) if quiet else typer.echo
    node = NodeDirectory(directory)
    if not once:
        from rebuilders.node.supervisor import Supervisor, become

        if part:
            become(node, part, index=index, form=form)
        Supervisor(node, write, index=index, keys=publish, form=form).run()
        return
    from rebuilders.node.logs import teller
    from rebuilders.node.once import run_once

    tell = write if quiet else teller("once", form, write)
    incomplete = run_once(node, tell, index=index, publish=publish)
    if incomplete:
        typer.echo(f"rebuilder: {incomplete} targets could not be completed and stay queued", err=True)
        raise typer.Exit(5)
