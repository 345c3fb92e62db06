"""`wheelwitness hashes`: requirements, or a lock, that allow only what the policy accepts."""

from enum import StrEnum
from typing import Annotated

import typer

from witness.cli.options import (
    BundleOption,
    FailOnOption,
    LookupOption,
    OutputOption,
    PolicyOption,
    QuietOption,
    SnapshotOption,
    StateOption,
)


class Written(StrEnum):
    """What is written."""

    REQUIREMENTS = "requirements"
    PYLOCK = "pylock"


def hashes(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT", help="What `check` takes; for pylock one pylock.toml.", show_default=False
        ),
    ],
    *,
    format_: Annotated[
        Written, typer.Option("--format", envvar="WHEELWITNESS_FORMAT", help="What to write.")
    ] = Written.REQUIREMENTS,
    skip: Annotated[
        bool,
        typer.Option(
            "--skip",
            envvar="WHEELWITNESS_SKIP",
            help="Leave out entries that are not accepted, with a comment, in place of writing nothing.",
        ),
    ] = False,
    policy: PolicyOption = None,
    fail_on: FailOnOption = None,
    bundle: BundleOption = None,
    quiet: QuietOption = False,
    output: OutputOption = None,
    state: StateOption = None,
    lookup: LookupOption = None,
    snapshot: SnapshotOption = None,
) -> None:
    """Writes INPUT with the hashes of those files alone that your policy accepts.

    \b
    Examples:
      wheelwitness hashes requirements.txt --output accepted.txt
      wheelwitness hashes requirements.txt --skip
      wheelwitness hashes pylock.toml --format pylock --output pylock.accepted.toml

    \b
    Exit codes, of which only 0 writes anything:
      0  every entry has a file that is accepted; with --skip, some entry has
      1  evidence against an entry of which no file is accepted
      2  usage, configuration or input that cannot be used
      3  not enough evidence for an entry
      4  nothing to check
      5  could not complete; trying again may help
    """
    from witness.cli.narrowing import Settings, write_narrowed

    settings = Settings(
        pylock=format_ is Written.PYLOCK,
        skip=skip,
        policy=policy,
        fail_on=fail_on,
        bundles=tuple(bundle or ()),
        quiet=quiet,
        output=output,
        state=state,
        lookup=lookup,
        snapshot=snapshot,
    )
    raise typer.Exit(write_narrowed(inputs, settings))
