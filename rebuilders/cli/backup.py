"""`rebuilder backup` and `restore`: a node goes on where it was, on another disk."""

from pathlib import Path
from typing import Annotated

import typer

from rebuilders.cli.options import NodeArgument


def backup(
    directory: NodeArgument,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The new directory for the backup.")],
) -> None:
    """Copy what it takes to go on with a node: keys, configuration, ledger, and what waits to be signed.

    The node may be running. The backup holds its private keys: keep it as you keep them.

    \b
    Example:
      rebuilder backup node node-2026-11-24

    Exit codes: 0 done, 2 usage, 5 a disk failed, and nothing is left.
    """
    from rebuilders.node.backup import back_up
    from rebuilders.node.config import NodeDirectory

    count = back_up(NodeDirectory(directory), out)
    typer.echo(f"{out}: {count} files; the node's private keys are among them")


def restore(
    backup: Annotated[Path, typer.Argument(metavar="BACKUP", help="What `rebuilder backup` made.")],
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The new directory of the node.")],
    site: Annotated[
        list[str] | None,
        typer.Option(
            envvar="WHEELWITNESS_SITE",
            help="Where the log is published, or a copy of it: an address or a directory; may be given several times. "
            "Default: `url` of the backup's node.toml.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make a node from a backup, and from its log as it is published by now. It does not cosign others at first.

    \b
    Examples:
      rebuilder restore node-2026-11-24 node
      rebuilder restore node-2026-11-24 node --site https://mirror.example/node-a/

    Exit codes: 0 done, 1 the log has two histories, 2 usage, 5 somebody has seen more of the log than can be had.
    """
    from rebuilders.node.backup import restore as restore_node
    from rebuilders.node.config import NodeDirectory
    from witness.errors import Unverified

    try:
        done = restore_node(
            backup, NodeDirectory(directory), site or (), lambda line: typer.echo(line, err=True)
        )
    except Unverified as error:
        typer.echo(f"rebuilder: {error}\n{error.hint}", err=True)
        raise typer.Exit(1) from None
    typer.echo(
        f"{directory}: the log has {done.log.size} entries, {len(done.since.files)} observations more than the backup "
        f"knew of\nit cosigns nobody until you decide: see {directory}/state/cosigner-withheld"
    )
