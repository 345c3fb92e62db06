"""What ends a rebuild without a comparison. The pipeline turns each into a result; none is a disagreement."""

from typing import Literal

from witness.errors import WheelwitnessError


class WantedElsewhere(Exception):
    """Another worker has the Python `minor`, which is nearer to what the wheel was built with than any here."""

    def __init__(self, minor: str) -> None:
        super().__init__(f"wants Python {minor}, which another worker has")
        self.minor = minor


class NotBuilt(WheelwitnessError):
    """No wheel came out. `result` tells whether a build was tried; `phase` and `cause` are stable words.

    Args:
        message: what happened, for people, already printable.
        result: "build-failed" or "not-attempted".
        phase: where: locate, read, plan, resolve, install, hook, build, output.
        cause: why, in one or two words joined by hyphens.
        log: the end of the build's log, raw.
    """

    def __init__(
        self,
        message: str,
        *,
        result: Literal["build-failed", "not-attempted"],
        phase: str,
        cause: str,
        log: bytes = b"",
    ) -> None:
        super().__init__(message)
        self.result: Literal["build-failed", "not-attempted"] = result
        self.phase = phase
        self.cause = cause
        self.log = log
