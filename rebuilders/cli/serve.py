"""`rebuilder serve`: a node's site over HTTP, for a try-out; any web server can do the same."""

from typing import Annotated

import typer

from rebuilders.cli.options import NodeArgument


def serve(
    directory: NodeArgument,
    host: Annotated[
        str, typer.Option(envvar="WHEELWITNESS_HOST", help="The address to listen at.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="WHEELWITNESS_PORT", min=0, max=65535, help="0: any free one.")
    ] = 8417,
) -> None:
    """Serve a node's site. Nothing but files: its keys and queue are out of reach.

    \b
    Example:
      rebuilder serve node --port 8417
    """
    from rebuilders.node.config import NodeDirectory
    from rebuilders.node.server import serve_site

    node = NodeDirectory(directory)
    node.load()
    serve_site(node.site, host, port, typer.echo)
