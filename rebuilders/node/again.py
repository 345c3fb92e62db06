"""When a target is tried or observed again, by what came of it. Pure."""

from datetime import timedelta
from typing import Final

_FIRST_RETRY: Final = timedelta(minutes=1)
MAX_RETRY: Final = timedelta(hours=6)
MAX_FAILURES: Final = 12  # about a day and a half of trying


def retry_after(failures: int, chance: float) -> timedelta | None:
    """How long a target waits that could not be completed, having failed `failures` times in a row before.

    None: it is stuck, until somebody adds it again. `chance`, from 0 to 1, spreads what failed together.
    """
    if failures + 1 >= MAX_FAILURES:
        return None
    wait: timedelta = min(_FIRST_RETRY * 2**failures, MAX_RETRY)
    return wait * (0.75 + 0.5 * chance)
