"""`rebuilder cosign`: peers' logs cosigned, and their cosignatures gathered."""

from typing import Annotated

import typer

from rebuilders.cli.options import NodeArgument, QuietOption


def cosign(
    directory: NodeArgument,
    listen: Annotated[
        str,
        typer.Option(
            envvar="WHEELWITNESS_LISTEN",
            help="Answer logs at this HOST:PORT until stopped, instead of asking the peers once.",
            show_default=False,
        ),
    ] = "",
    quiet: QuietOption = False,
) -> None:
    """Cosign the logs of the peers in node.toml, and gather their cosignatures of this node's log.

    \b
    Examples:
      rebuilder cosign node
      rebuilder cosign node --listen 127.0.0.1:8418

    Exit codes: 0 done, 1 a peer's log contradicts what was cosigned, 2 usage, 5 a peer could not be cosigned.
    """
    from rebuilders.node.config import NodeDirectory
    from rebuilders.node.cosigning import cosign as round_
    from rebuilders.node.cosigning import listen as serve
    from witness.errors import InputError

    node = NodeDirectory(directory)
    if listen:
        host, divider, port = listen.rpartition(":")
        if not divider or not port.isascii() or not port.isdecimal() or int(port) > 65535:
            raise InputError(f"--listen {listen}: not HOST:PORT", hint="Such as 127.0.0.1:8418.")
        serve(node, host, int(port), typer.echo)
        return
    told = round_(node)
    for line in () if quiet else told.done:
        typer.echo(line)
    for line in (*told.accused, *told.failed):
        typer.echo(f"rebuilder: {line}", err=True)
    if told.accused or told.failed:
        raise typer.Exit(1 if told.accused else 5)
