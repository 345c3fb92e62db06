"""`rebuilder add` and `drop`: queue targets on a node, and take them out again."""

from pathlib import Path
from typing import Annotated

import typer

from rebuilders.cli.options import NodeArgument
from witness.errors import InputError
from witness.names import TargetName

TargetsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[TARGET]…", help="name==version or a wheel's file name.")
]
FileOption = Annotated[
    Path | None,
    typer.Option(
        "--file",
        envvar="WHEELWITNESS_FILE",
        metavar="LIST",
        help="A file with one target a line; # begins a comment.",
        show_default=False,
    ),
]


def add(directory: NodeArgument, targets: TargetsArgument = None, file: FileOption = None) -> None:
    """Queue targets to be rebuilt, or rebuilt again, before everything else.

    \b
    Examples:
      rebuilder add node six==1.17.0 idna==3.20
      rebuilder add node --file targets.txt
    """
    from rebuilders.node.config import NodeDirectory
    from rebuilders.node.ledger import Want

    names = _names(targets, file)
    node = NodeDirectory(directory)
    ledger = node.ledger(node.load())
    try:
        added = ledger.add(map(Want, names))
    finally:
        ledger.close()
    typer.echo(f"{added} queued, {len(names) - added} were already")


def drop(directory: NodeArgument, targets: TargetsArgument = None, file: FileOption = None) -> None:
    """Take targets that wait, or are stuck, out of a node's queue. What was observed of them stays.

    \b
    Example:
      rebuilder drop node six==1.17.0
    """
    from rebuilders.node.config import NodeDirectory

    names = _names(targets, file)
    node = NodeDirectory(directory)
    ledger = node.ledger(node.load())
    try:
        dropped = sum(ledger.drop(name) for name in names)
    finally:
        ledger.close()
    typer.echo(f"{dropped} dropped, {len(names) - dropped} did not wait")


def _names(targets: list[str] | None, file: Path | None) -> list[TargetName]:
    """Raises InputError for what is no target, and if there is none at all."""
    from rebuilders.batch import read_list

    names = [TargetName.parse(target) for target in targets or []]
    if file is not None:
        names += read_list(file)
    if not names:
        raise InputError("no target", hint="Name some, or a file with --file.")
    return list(dict.fromkeys(names))
