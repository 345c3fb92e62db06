"""`rebuilder add`: queue targets on a node."""

from typing import Annotated

import typer

from rebuilders.cli.options import NodeArgument
from witness.names import TargetName


def add(
    directory: NodeArgument,
    targets: Annotated[
        list[str], typer.Argument(metavar="TARGET…", help="name==version or a wheel's file name.")
    ],
) -> None:
    """Queue targets to be rebuilt, or rebuilt again.

    \b
    Example:
      rebuilder add node six==1.17.0 idna==3.20
    """
    from rebuilders.node.config import NodeDirectory
    from rebuilders.node.ledger import Want

    names = [TargetName.parse(target) for target in targets]
    node = NodeDirectory(directory)
    ledger = node.ledger(node.load())
    added = ledger.add(map(Want, names))
    ledger.close()
    typer.echo(f"{added} queued, {len(names) - added} were already")
