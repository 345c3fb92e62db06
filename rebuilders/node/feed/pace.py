"""How often the index may be asked: a bucket that fills with one turn each so many seconds, and pauses.

Turns are for one request at a time, since PyPI asks for serial requests.
"""

import time
from collections.abc import Callable
from typing import Final

_BURST: Final = 5.0  # turns that may be taken at once after a quiet while


class Pace:
    """Gives out turns, `rate` a second.

    Args:
        clock: seconds that never go back.
        wait: waits for so many seconds, or shorter if the program is to end.
    """

    def __init__(
        self,
        rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self._rate, self._clock, self._wait = rate, clock, wait
        self._turns, self._at = 1.0, clock()
        self._until = clock()

    def turn(self) -> None:
        """Waits until a request may be made."""
        self._fill()
        if self._turns < 1.0:
            self._wait((1.0 - self._turns) / self._rate)
            self._fill()
        self._turns -= 1.0

    def pause(self, seconds: float) -> None:
        """Has nothing asked for so long; what is left of a longer pause stays."""
        self._until = max(self._until, self._clock() + seconds)

    def resting(self) -> float:
        """Seconds that are left of a pause."""
        return max(0.0, self._until - self._clock())

    def _fill(self) -> None:
        now = self._clock()
        self._turns = min(self._turns + (now - self._at) * self._rate, _BURST)
        self._at = now
