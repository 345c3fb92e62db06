"""A point in time by which a rebuild must be over, whatever it is waiting for."""

import time
from dataclasses import dataclass

from rebuilders.errors import NotBuilt


@dataclass(frozen=True, slots=True)
class Deadline:
    """Args: at: seconds on the monotonic clock; seconds: how long that was from the start."""

    at: float
    seconds: float

    @classmethod
    def after(cls, seconds: float) -> "Deadline":
        return cls(time.monotonic() + seconds, seconds)

    def remaining(self, phase: str) -> float:
        """The seconds left, more than 0. Raises NotBuilt when there are none, naming the phase it ended in."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise NotBuilt(
                f"not done within {self.seconds:g} s", result="build-failed", phase=phase, cause="time-limit"
            )
        return left
