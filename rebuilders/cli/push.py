"""`rebuilder push`: copy a node's site to where it is served."""

from typing import Annotated

import typer

from rebuilders.cli.options import NodeArgument, QuietOption


def push(
    directory: NodeArgument,
    to: Annotated[
        str,
        typer.Option(
            envvar="WHEELWITNESS_TO",
            metavar="URL",
            help="Where to, instead of every [[destination]] of node.toml: file:///srv/www/node, s3://bucket/prefix, "
            "gs://…, az://…, rsync://host/module/path or user@host:path.",
            show_default=False,
        ),
    ] = "",
    again: Annotated[
        bool,
        typer.Option(
            "--again", envvar="WHEELWITNESS_AGAIN", help="Send every file, whatever is there already."
        ),
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Copy a node's site, what has changed of it, in an order in which readers find it consistent at every moment.

    The checkpoint comes last, and never replaces a newer one, or one of another history. An interrupted push is
    completed by the next.

    \b
    Example:
      rebuilder push node --to s3://bucket/prefix

    Exit codes: 0 done, 1 a destination has another history (both checkpoints are kept), 2 usage, 5 could not complete.
    """
    from rebuilders.node.config import NodeDirectory
    from rebuilders.node.pushing import destinations, push_all
    from witness.program import exit_code

    node = NodeDirectory(directory)
    places = destinations(node.load(), to)

    def tell(line: str) -> None:
        typer.echo(line, err=True)

    outcomes = push_all(node, places, tell, again=again)
    for outcome in outcomes:
        if outcome.error is not None:
            typer.echo(f"rebuilder: {outcome.text}", err=True)
            if outcome.error.hint:
                typer.echo(f"  {outcome.error.hint}", err=True)
        elif not quiet:
            typer.echo(outcome.text)
    codes = [exit_code(outcome.error) for outcome in outcomes if outcome.error is not None]
    for code in (2, 1, 5):
        if code in codes:
            raise typer.Exit(code)
