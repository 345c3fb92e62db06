"""`wheelwitness check`: the gate in front of an installation."""

from typing import Annotated

import typer

from witness.cli.options import (
    BundleOption,
    FailOnOption,
    Format,
    FormatOption,
    LookupOption,
    OutputOption,
    PolicyOption,
    QuietOption,
    SnapshotOption,
    StateOption,
    VerboseOption,
)


def check(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT",
            help="Requirements files with hashes, wheels, directories of wheels.",
            show_default=False,
        ),
    ] = None,
    *,
    policy: PolicyOption = None,
    format_: FormatOption = Format.TEXT,
    fail_on: FailOnOption = None,
    bundle: BundleOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    output: OutputOption = None,
    state: StateOption = None,
    lookup: LookupOption = None,
    snapshot: SnapshotOption = None,
) -> None:
    """Checks everything that INPUT names against the witnesses of your policy.

    \b
    Examples:
      wheelwitness check requirements.txt
      wheelwitness check wheelhouse/ --policy policy.toml
      wheelwitness check requirements.txt --format json --output report.json
      wheelwitness check demo-1.0-py3-none-any.whl --bundle evidence.jsonl

    \b
    Exit codes:
      0  the policy is satisfied
      1  evidence against: divergent, disputed, bad signature
      2  usage, configuration or input that cannot be used
      3  not enough evidence
      4  nothing to check
      5  could not complete; trying again may help
    """
    from witness.cli.judging import Settings, judge
    from witness.errors import InputError
    from witness.pins.detect import SUPPORTED, read_inputs

    if not inputs:
        raise InputError("nothing was named to check", hint=f"Give {SUPPORTED}.")
    settings = Settings(
        policy, tuple(bundle or ()), format_, fail_on, quiet, verbose, output, state, lookup, snapshot
    )
    raise typer.Exit(judge(read_inputs(inputs), settings))
