"""`rebuilder status`: how far a node is."""

import json as jsonlib

import typer

from rebuilders.cli.options import JsonOption, NodeArgument


def status(directory: NodeArgument, json: JsonOption = False) -> None:
    """Say what a node has queued, done and published.

    \b
    Example:
      rebuilder status node
    """
    from rebuilders.node.config import NodeDirectory
    from rebuilders.outbox import Outbox

    node = NodeDirectory(directory)
    config = node.load()
    ledger = node.ledger(config)
    counts = ledger.counts()
    ledger.close()
    states = {state: counts[state] for state in ("queued", "running", "done")}
    waiting = Outbox(node.outbox).waiting()
    hidden = sum(1 for _ in (node.state / "hidden" / "statements").glob("*.json"))
    if json:
        told = {"schema": "status/1", "name": config.name, **states, "unpublished": waiting, "hidden": hidden}
        typer.echo(jsonlib.dumps(told))
    else:
        rows = ", ".join(f"{count} {state}" for state, count in states.items())
        committed = f", and {hidden} committed to and not revealed" if hidden else ""
        typer.echo(f"{config.name}: {rows}; {waiting} observations not published yet{committed}")
