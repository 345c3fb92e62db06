"""`rebuilder site`: the pages of a node, for people."""

import typer

from rebuilders.cli.options import NodeArgument, QuietOption


def site(directory: NodeArgument, quiet: QuietOption = False) -> None:
    """Make pages of what a node has published, into DIR/site; or bring them up to date.

    Shows what is in the node's log, verified, and nothing else. Needs no key. What it remembers is in
    DIR/state/site.sqlite, and may be thrown away.

    \b
    Example:
      rebuilder site node

    Exit codes: 0 done, 1 the log is not what it should be, 2 usage, 5 could not complete.
    """
    from rebuilders.cli.telling import on_a_line
    from rebuilders.node import reports
    from rebuilders.node.config import NodeDirectory
    from rebuilders.site.making import pages_of_node

    node = NodeDirectory(directory)
    node.load()
    reports.publish(node)
    with on_a_line(quiet=quiet) as tell:
        made = pages_of_node(node.site, node.state, tell=tell)
    if not quiet:
        typer.echo(f"{made.text}; see {node.site / 'index.html'}")
