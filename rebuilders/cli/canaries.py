"""`rebuilder canaries`: what a node has committed to and keeps back."""

from typing import Annotated

import typer

from rebuilders.cli.options import NodeArgument


def canaries(
    directory: NodeArgument,
    reveal: Annotated[
        list[str] | None,
        typer.Option(
            "--reveal",
            envvar="WHEELWITNESS_REVEAL",
            metavar="FILENAME",
            help="Reveal this one when the node publishes next; may be given several times.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """List the mismatches that a node keeps hidden, for spot checks, or let some of them go.

    \b
    Example:
      rebuilder canaries node
    """
    from rebuilders.node.canaries import names, release
    from rebuilders.node.config import NodeDirectory
    from witness.escape import printable

    node = NodeDirectory(directory)
    if reveal:
        for name in release(node, reveal):
            typer.echo(f"{printable(name)}: will be revealed", err=True)
    else:
        for name in names(node):
            typer.echo(printable(name))
