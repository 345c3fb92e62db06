"""`rebuilder pause`, `resume` and `drain`: what a running node is to do next."""

from pathlib import Path

import typer

from rebuilders.cli.options import NodeArgument


def pause(directory: NodeArgument) -> None:
    """Have a node hand out nothing more, until it is resumed. What runs is finished, signed and published.

    \b
    Example:
      rebuilder pause node
    """
    _say(directory, paused=True, draining=False)
    typer.echo("paused; `rebuilder resume` goes on")


def resume(directory: NodeArgument) -> None:
    """Take back a pause, or a drain.

    \b
    Example:
      rebuilder resume node
    """
    _say(directory, paused=False, draining=False)
    typer.echo("resumed")


def drain(directory: NodeArgument) -> None:
    """Have a node finish what runs, and then end. Before it is started again, resume it.

    \b
    Example:
      rebuilder drain node
    """
    _say(directory, paused=False, draining=True)
    typer.echo("draining; `rebuilder run` ends when nothing runs any more")


def _say(directory: Path, *, paused: bool, draining: bool) -> None:
    from rebuilders.node.config import NodeDirectory
    from rebuilders.node.control import DRAINING, PAUSED

    node = NodeDirectory(directory)
    ledger = node.ledger(node.load())
    try:
        ledger.say(PAUSED, "yes" if paused else "")
        ledger.say(DRAINING, "yes" if draining else "")
    finally:
        ledger.close()
