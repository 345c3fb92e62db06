"""The options that commands share, with their environment variables. Imports nothing that is slow to load."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """How a report is written."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    MARKDOWN = "markdown"
    CYCLONEDX = "cyclonedx"
    SVR = "svr"


class Lookup(StrEnum):
    """What a witness learns of what is asked (`witness.policy.LOOKUPS`)."""

    PREFIX = "prefix"
    PREFIX_OR_EXACT = "prefix-or-exact"
    EXACT = "exact"


PolicyOption = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        envvar="WHEELWITNESS_POLICY",
        help="Whom to believe. Default: policy.toml in your configuration directory.",
        show_default=False,
    ),
]
BundleOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--bundle",
        envvar="WHEELWITNESS_BUNDLE",
        help="Ask this file of bundles instead of the network. May be given several times.",
        show_default=False,
    ),
]
LookupOption = Annotated[
    Lookup | None,
    typer.Option(
        "--lookup",
        envvar="WHEELWITNESS_LOOKUP",
        help="What witnesses learn: the first bits of digests; whole digests of those that cannot be asked so; or "
        "whole digests of all. Default: as the policy says, or prefix.",
        show_default=False,
    ),
]
SnapshotOption = Annotated[
    Path | None,
    typer.Option(
        "--snapshot",
        envvar="WHEELWITNESS_SNAPSHOT",
        help="Ask this snapshot instead of the network; `wheelwitness snapshot` makes one.",
        show_default=False,
    ),
]
FormatOption = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        envvar="WHEELWITNESS_FORMAT",
        metavar="NAME[=FILE]",
        help="How to write the report, and where: text, json, sarif, markdown, cyclonedx, or svr, a summary that "
        "--sign-key signs. May be given several times; one at most without a file. Default: text.",
        show_default=False,
    ),
]
BaselineOption = Annotated[
    Path | None,
    typer.Option(
        "--baseline",
        envvar="WHEELWITNESS_BASELINE",
        help="A former report in JSON: what was no better then does not fail again.",
        show_default=False,
    ),
]
ProjectPolicyOption = Annotated[
    Path | None,
    typer.Option(
        "--project-policy",
        envvar="WHEELWITNESS_PROJECT_POLICY",
        help="A file of the project, such as pyproject.toml, that may ask for more than the policy, never for less.",
        show_default=False,
    ),
]
SignKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--sign-key",
        envvar="WHEELWITNESS_SIGN_KEY",
        help="The private key that signs the summary of --format svr.",
        show_default=False,
    ),
]
FailOnOption = Annotated[
    str | None,
    typer.Option(
        "--fail-on",
        envvar="WHEELWITNESS_FAIL_ON",
        help="Outcomes, separated by commas, that become exit code 1 or 3; or none. Default: what "
        "the policy's fail-on says, or else divergent, disputed, bad-signature, insufficient, unattempted, "
        "unbuildable, stale.",
        show_default=False,
    ),
]
QuietOption = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", envvar="WHEELWITNESS_QUIET", help="No progress, and no text if all is well."
    ),
]
VerboseOption = Annotated[
    bool,
    typer.Option(
        "--verbose", "-v", envvar="WHEELWITNESS_VERBOSE", help="Every row, not only the interesting ones."
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        envvar="WHEELWITNESS_OUTPUT",
        help="Write the report that has no file of its own to this one instead of standard output.",
        show_default=False,
    ),
]
MaxAgeOption = Annotated[
    int,
    typer.Option(
        "--max-age",
        envvar="WHEELWITNESS_MAX_AGE",
        min=0,
        max=86400,
        help="Seconds for which a verdict that was in favour may be used again without asking anyone. 0: ask always.",
    ),
]
StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        envvar="WHEELWITNESS_STATE",
        help="Where checkpoints that were seen, and evidence, are kept. Default: your state directory.",
        show_default=False,
    ),
]
