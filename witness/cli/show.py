"""`wheelwitness show`: everything that witnesses said of one file."""

from typing import Annotated

import typer

from witness.cli.options import BundleOption, LookupOption, PolicyOption, SnapshotOption, StateOption


def show(
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="sha256:<hex>, or a wheel file.", show_default=False)
    ],
    *,
    policy: PolicyOption = None,
    bundle: BundleOption = None,
    state: StateOption = None,
    lookup: LookupOption = None,
    snapshot: SnapshotOption = None,
) -> None:
    """Shows who saw what of TARGET, whether it counts and why, and how it was built.

    \b
    Examples:
      wheelwitness show demo-1.0-py3-none-any.whl
      wheelwitness show sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
    """
    from datetime import UTC, datetime

    from witness.cli.notes import tell_notes
    from witness.config import load_policy
    from witness.pins.detect import read_target
    from witness.report.details import render
    from witness.verdict import decide
    from witness.wiring import open_client

    artifact = read_target(target)
    loaded = load_policy(policy)
    tell_notes(loaded)
    with open_client(
        loaded, bundles=tuple(bundle or ()), snapshot=snapshot, state=state, lookup=lookup
    ) as client:
        (evidence,) = client.gather([artifact])
    verdict = decide(artifact, evidence, loaded.policy, datetime.now(UTC))
    typer.echo(render(verdict, evidence, client.as_of), nl=False)
