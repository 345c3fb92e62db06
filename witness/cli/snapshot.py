"""`wheelwitness snapshot`: copies of all logs of a policy, to be asked without a network."""

from pathlib import Path
from typing import Annotated

import typer

from witness.cli.options import PolicyOption, QuietOption, StateOption


def snapshot(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where the snapshot is, or will be.", show_default=False)
    ],
    *,
    policy: PolicyOption = None,
    limit: Annotated[
        int,
        typer.Option(
            envvar="WHEELWITNESS_LIMIT",
            min=1,
            metavar="MIB",
            help="How much to fetch of each log in this run.",
        ),
    ] = 4096,
    state: StateOption = None,
    quiet: QuietOption = False,
) -> None:
    """Copies the log of every witness of your policy into DIR, verified; or brings the copies up to date.

    \b
    Examples:
      wheelwitness snapshot witnesses
      wheelwitness check requirements.txt --snapshot witnesses

    \b
    Exit codes:
      0  every log was copied
      1  evidence against a log: it contradicts itself, or its checkpoint does not verify
      2  usage, configuration, or a directory that cannot be used
      5  a log could not be copied: unreachable, damaged, too large for one run; its copy is as old as it was
    """
    from datetime import UTC, datetime

    from witness.config import default_state_path, load_policy
    from witness.escape import printable
    from witness.fetch import HttpFetcher
    from witness.limits import MIB
    from witness.observation import format_time
    from witness.snapshot import Copied, exit_code, take

    def tell(item: Copied) -> None:
        who = f"{printable(item.witness.name)} ({printable(item.witness.operator)})"
        for line in item.against:
            typer.echo(f"AGAINST  {who}: {line}")
        if item.missed:
            typer.echo(f"wheelwitness: {who}: {item.missed}", err=True)
        if item.seen is None:
            typer.echo(f"{who}: not in the snapshot")
        elif item.against or item.missed:
            typer.echo(f"{who}: {item.seen.entries} entries, as of {format_time(item.seen.seen)}")
        elif not quiet:
            typer.echo(f"{who}: {item.added} entries more; the copy has {item.seen.entries}")

    loaded = load_policy(policy)
    fetcher = HttpFetcher()
    done = []
    memory = state or default_state_path()
    try:
        for item in take(
            loaded, directory, fetcher, now=lambda: datetime.now(UTC), state=memory, limit=limit * MIB
        ):
            tell(item)
            done.append(item)
    finally:
        fetcher.close()
    raise typer.Exit(exit_code(done))
