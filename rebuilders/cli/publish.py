"""`rebuilder publish`: sign and publish what waits in a node's outbox."""

import typer

from rebuilders.cli.options import NodeArgument


def publish(directory: NodeArgument) -> None:
    """Sign and log the observations that wait, in the process that holds the keys.

    \b
    Example:
      rebuilder publish node
    """
    from rebuilders.node.config import NodeDirectory
    from rebuilders.node.signer import publish_apart

    published = publish_apart(NodeDirectory(directory))
    for refused in published["refused"]:
        typer.echo(f"not signed: {refused['name']}: {refused['reason']}", err=True)
    if published["committed"]:
        typer.echo(f"committed to {published['committed']} observations, to be revealed later")
    typer.echo(f"published {published['count']} observations; the log has {published['size']}")
