"""The options that commands share, with their environment variables. Imports nothing that is slow to load."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """How a report is written."""

    TEXT = "text"
    JSON = "json"


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
    Format, typer.Option("--format", envvar="WHEELWITNESS_FORMAT", help="How to write the report.")
]
FailOnOption = Annotated[
    str | None,
    typer.Option(
        "--fail-on",
        envvar="WHEELWITNESS_FAIL_ON",
        help="Outcomes, separated by commas, that become exit code 1 or 3; or none. Default: divergent, "
        "disputed, bad-signature, insufficient, unattempted, unbuildable, stale.",
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
        help="Write the report to this file instead of standard output.",
        show_default=False,
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
