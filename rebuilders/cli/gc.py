"""`rebuilder gc`: room on a node's disk."""

from typing import Annotated

import typer

from rebuilders.cli.options import JsonOption, NodeArgument


def gc(
    directory: NodeArgument,
    quota: Annotated[
        int | None,
        typer.Option(
            "--quota-mb",
            envvar="WHEELWITNESS_QUOTA_MB",
            min=0,
            help="What the cache may hold. Default: `cache-mb` of node.toml.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Throw away what of a node's cache was used least lately, down to its quota. A running node does so by itself.

    \b
    Examples:
      rebuilder gc node
      rebuilder gc node --quota-mb 500

    Exit codes: 0 done, 2 usage, 5 the cache was in use all the time.
    """
    import json as jsonlib
    import sys

    from rebuilders.cache import Cache
    from rebuilders.node.config import NodeDirectory
    from witness.errors import Incomplete
    from witness.limits import MIB

    config = NodeDirectory(directory).load()
    wanted = (config.settings.quota or sys.maxsize) if quota is None else quota * MIB
    collected = Cache(config.settings.cache_path).collect(wanted)
    if collected is None:
        raise Incomplete("the cache is in use", hint="Try again, or pause the node first.")
    if json:
        typer.echo(
            jsonlib.dumps(
                {"before": collected.before, "after": collected.after, "entries": collected.entries}
            )
        )
    else:
        freed = (collected.before - collected.after) // MIB
        typer.echo(
            f"{collected.after // MIB} MB are left; {collected.entries} entries with {freed} MB were thrown away"
        )
