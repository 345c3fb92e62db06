"""`rebuilder spot-check`: tries a sample of what another operator claims."""

import json as jsonlib
import secrets
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from rebuilders.cli.options import (
    CacheOption,
    ContactOption,
    IndexOption,
    InstallOption,
    QuietOption,
    TimeoutOption,
    settings,
)
from rebuilders.cli.written import write
from rebuilders.config import DEFAULT_TIMEOUT
from witness.escape import printable


def spot_check(
    location: Annotated[
        str,
        typer.Argument(
            metavar="LOG", help="The web address or directory of the log, or of a mirror.", show_default=False
        ),
    ],
    log_key: Annotated[
        str, typer.Option("--log-key", envvar="WHEELWITNESS_LOG_KEY", help="The log's key, as a vkey.")
    ],
    key: Annotated[
        list[str],
        typer.Option(
            "--key",
            envvar="WHEELWITNESS_KEY",
            help="A key that signs observations, as ed25519:…; may be given several times.",
        ),
    ],
    name: Annotated[str, typer.Option("--name", envvar="WHEELWITNESS_NAME", help="The witness's name.")],
    count: Annotated[
        int, typer.Option("--count", envvar="WHEELWITNESS_COUNT", min=1, max=100_000, help="Claims to try.")
    ] = 10,
    canaries: Annotated[
        Path | None,
        typer.Option(
            envvar="WHEELWITNESS_CANARIES",
            metavar="LIST",
            help="A file of targets that are known to differ, one a line: they are tried first.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        str,
        typer.Option(
            envvar="WHEELWITNESS_SEED",
            help="Draws the same sample again. Default: a new one.",
            show_default=False,
        ),
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(
            envvar="WHEELWITNESS_OUT", help="Write one JSON line for each claim.", show_default=False
        ),
    ] = None,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    index: IndexOption = "",
    cache: CacheOption = None,
    contact: ContactOption = "",
    install_pythons: InstallOption = False,
    quiet: QuietOption = False,
) -> None:
    """Rebuild a random sample of the matches that another operator claims, and say which do not hold here.

    \b
    Example:
      rebuilder spot-check mirror/site --log-key node-b.example/log+1a2b3c4d+AQ… --key ed25519:… --name node-b

    Exit codes: 0 none is refuted, 1 a claim is refuted, 2 usage, 3 none could be tried, 5 could not complete.
    """
    from rebuilders.batch import read_list
    from rebuilders.node.spotchecks import Suspect, draw_from, spots
    from rebuilders.spotcheck import Draw, worst
    from rebuilders.wiring import open_workshop

    known = frozenset(map(str, read_list(canaries))) if canaries else frozenset()
    draw = Draw(seed or secrets.token_hex(8), known)
    if out is not None:
        write(out, "w", "", option="--out")  # before anything runs
    sample = draw_from(Suspect(location, log_key, key, name), draw, count)
    if not quiet:
        shown = f"{printable(sample.origin)}, {sample.size} entries, {sample.candidates} claims"
        typer.echo(f"{shown}; trying {len(sample.claims)}, seed {printable(draw.seed)}")
    if sample.strange:
        typer.echo(f"rebuilder: {sample.strange} entries are no observations of this witness", err=True)
    workshop = open_workshop(settings(index, cache, contact, install_pythons=install_pythons))
    outcomes: Counter[str] = Counter()
    for spot in spots(sample, draw, workshop, timeout):
        outcomes[spot.outcome] += 1
        if out is not None:
            line = jsonlib.dumps(spot.wire(sample.origin, sample.size, draw.seed)) + "\n"
            write(out, "a", line, option="--out")
        if not quiet or spot.outcome == "refuted":
            mark = " (canary)" if spot.canary else ""
            typer.echo(f"{spot.outcome}: {printable(spot.said.filename)}{mark}: {printable(spot.reason)}")
        sys.stdout.flush()
    if not quiet:
        typer.echo(
            ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items())) or "no claims"
        )
    raise typer.Exit(worst(outcomes))
