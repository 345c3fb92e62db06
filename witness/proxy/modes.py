"""What whoever runs a proxy chooses. Loaded for `--help`, so that it imports nothing of ours."""

from enum import StrEnum


class Sdists(StrEnum):
    """When sdists are offered: never, those of projects that the policy exempts, or always."""

    HIDE = "hide"
    EXEMPT = "exempt"
    OFFER = "offer"


class Files(StrEnum):
    """Where pages send clients for a file: straight to where the index has it, or through the proxy."""

    DIRECT = "direct"
    PROXY = "proxy"
