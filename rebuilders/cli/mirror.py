"""`rebuilder mirror`: a verified copy of another node's log."""

from pathlib import Path
from typing import Annotated

import typer

from rebuilders.cli.options import ContactOption, QuietOption


def mirror(
    location: Annotated[
        str,
        typer.Argument(metavar="LOG", help="The web address or directory of the log.", show_default=False),
    ],
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where the copy is, or will be.", show_default=False)
    ],
    log_key: Annotated[
        str, typer.Option("--log-key", envvar="WHEELWITNESS_LOG_KEY", help="The log's key, as a vkey.")
    ],
    cosigner_key: Annotated[
        list[str] | None,
        typer.Option(
            "--cosigner-key",
            envvar="WHEELWITNESS_COSIGNER_KEY",
            help="A cosigner's vkey whose cosignatures are kept; may be given several times.",
            show_default=False,
        ),
    ] = None,
    contact: ContactOption = "",
    quiet: QuietOption = False,
) -> None:
    """Copy a log, verified, with its shards made anew; or bring the copy up to date. DIR/site can be served.

    \b
    Example:
      rebuilder mirror https://node-b.example/ copy --log-key node-b.example/log+1a2b3c4d+AQ…

    Exit codes: 0 done, 1 the log contradicts itself (evidence is in DIR/state/evidence), 2 usage, 5 could not complete.
    """
    from rebuilders.node.mirroring import mirror as copy

    done = copy(location, directory, log_key, cosigner_key or (), contact=contact)
    for caught in done.caught:
        typer.echo(f"rebuilder: {caught.text}", err=True)
    if done.caught:
        raise typer.Exit(1)
    if not quiet:
        typer.echo(f"{directory}: {done.added} entries more; the copy has {done.size}")
