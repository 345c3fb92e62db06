"""`rebuilder run`: a node at work."""

from typing import Annotated

import typer

from rebuilders.cli.options import IndexOption, NodeArgument, QuietOption


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
    index: IndexOption = "",
    quiet: QuietOption = False,
) -> None:
    """Rebuild what is queued and publish what was seen, until stopped.

    \b
    Examples:
      rebuilder run node --once
      rebuilder run node --once --no-publish

    Exit codes: 0 done, 2 usage, 5 some targets could not be completed and stay queued.
    """
    from rebuilders.node.config import NodeDirectory

    tell = (lambda _: None) if quiet else typer.echo
    node = NodeDirectory(directory)
    if not once:
        from rebuilders.node.supervisor import Supervisor

        Supervisor(node, tell, index=index, keys=publish).run()
        return
    from rebuilders.node.once import run_once

    incomplete = run_once(node, tell, index=index, publish=publish)
    if incomplete:
        typer.echo(f"rebuilder: {incomplete} targets could not be completed and stay queued", err=True)
        raise typer.Exit(5)
