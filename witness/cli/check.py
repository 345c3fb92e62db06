"""`wheelwitness check`: the gate in front of an installation."""

from typing import Annotated

import typer

from witness.cli.inputs import (
    EnvironmentOption,
    IndexOption,
    InputFormatOption,
    Inputs,
    OnlyNewOption,
    PlatformOption,
    PythonOption,
    read,
)
from witness.cli.options import (
    BaselineOption,
    BundleOption,
    FailOnOption,
    FormatOption,
    LookupOption,
    MaxAgeOption,
    OutputOption,
    PolicyOption,
    ProjectPolicyOption,
    QuietOption,
    SignKeyOption,
    SnapshotOption,
    StateOption,
    VerboseOption,
)


def check(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT",
            help="Lock files, requirements files with hashes, SBOMs, wheels, directories of wheels, pypi:FILENAME, "
            "sha256:HEX; - for standard input.",
            show_default=False,
        ),
    ] = None,
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
    only_new: OnlyNewOption = None,
    python: PythonOption = None,
    platform: PlatformOption = None,
    input_format: InputFormatOption = None,
    environment: EnvironmentOption = None,
    index: IndexOption = None,
    max_age: MaxAgeOption = 0,
    lookup: LookupOption = None,
    snapshot: SnapshotOption = None,
) -> None:
    """Checks everything that INPUT names against the witnesses of your policy.

    \b
    Examples:
      wheelwitness check uv.lock
      wheelwitness check requirements.txt --policy policy.toml
      wheelwitness check pylock.toml --python 3.12 --platform manylinux_2_28_x86_64
      wheelwitness check .venv
      wheelwitness check requirements.txt --format text --format sarif=report.sarif
      wheelwitness check requirements.txt --format json=report.json --baseline former.json
      git show origin/main:uv.lock | wheelwitness check uv.lock --only-new -
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

    given = Inputs(
        tuple(inputs or ()), environment, tuple(only_new or ()), python, platform, input_format, index
    )
    pins = read(given)
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
        max_age=max_age,
        lookup=lookup,
        snapshot=snapshot,
    )
    raise typer.Exit(judge(pins, settings))
