"""`rebuilder status`: how far a node is."""

import json as jsonlib
import sys
import time
from typing import Annotated

import typer

from rebuilders.cli.options import JsonOption, NodeArgument


def status(
    directory: NodeArgument,
    json: JsonOption = False,
    watch: Annotated[
        float,
        typer.Option(
            envvar="WHEELWITNESS_WATCH",
            metavar="SECONDS",
            min=0.0,
            help="Say it again every so many seconds, until stopped. 0: once.",
        ),
    ] = 0.0,
) -> None:
    """Say what a node does, what it has queued, done and published, and what is in its way.

    \b
    Examples:
      rebuilder status node
      rebuilder status node --watch 5
    """
    from datetime import UTC, datetime

    from rebuilders.node.config import NodeDirectory
    from rebuilders.node.standing import read_standing
    from rebuilders.node.standing_told import as_json, as_text

    node = NodeDirectory(directory)
    config = node.load()
    while True:
        standing = read_standing(node, config, datetime.now(UTC))
        if json:
            typer.echo(jsonlib.dumps(as_json(standing)))
        else:
            if watch and sys.stdout.isatty():
                typer.echo("\x1b[2J\x1b[H", nl=False)
            typer.echo(as_text(standing))
        if not watch:
            return
        time.sleep(watch)
