"""`wheelwitness verify`: the same judgement for wheel files at hand."""

from pathlib import Path
from typing import Annotated

import typer

from witness.cli.options import (
    BaselineOption,
    BundleOption,
    FailOnOption,
    FormatOption,
    LookupOption,
    OutputOption,
    PolicyOption,
    ProjectPolicyOption,
    QuietOption,
    SignKeyOption,
    SnapshotOption,
    StateOption,
    VerboseOption,
)


def verify(
    files: Annotated[list[Path], typer.Argument(metavar="FILE.whl", help="Wheels.", show_default=False)],
    *,
    policy: PolicyOption = None,
    format_: FormatOption = None,
    fail_on: FailOnOption = None,
    bundle: BundleOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    output: OutputOption = None,
    state: StateOption = None,
    baseline: BaselineOption = None,
    sign_key: SignKeyOption = None,
    project_policy: ProjectPolicyOption = None,
    lookup: LookupOption = None,
    snapshot: SnapshotOption = None,
) -> None:
    """Verifies wheel files: by their bytes, against the witnesses of your policy, or against bundles at hand.

    \b
    Examples:
      wheelwitness verify demo-1.0-py3-none-any.whl
      wheelwitness verify dist/*.whl --bundle evidence.jsonl

    Exit codes are those of `wheelwitness check`.
    """
    from witness.cli.judging import Settings, judge
    from witness.pins.pin import Pins
    from witness.pins.wheels import read_wheel

    pins = Pins(tuple(read_wheel(path) for path in dict.fromkeys(files)))
    settings = Settings(
        policy,
        tuple(bundle or ()),
        tuple(format_ or ()),
        fail_on,
        quiet,
        verbose,
        output,
        state,
        baseline=baseline,
        sign_key=sign_key,
        project_policy=project_policy,
        lookup=lookup,
        snapshot=snapshot,
    )
    raise typer.Exit(judge(pins, settings))
