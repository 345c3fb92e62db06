"""When a page is asked for again. Pure."""

from typing import Final, Literal

Answer = Literal["changed", "unchanged", "absent"]

FIRST: Final = 600  # seconds: a release's files are uploaded one after the other
HINTED: Final = 14 * 86_400  # where something else tells what changed, and this only finds what it missed
ABSENT: Final = 7 * 86_400
MISSING: Final = 3 * 3600  # while a file is not listed any more, and may only have been left out
_FIRST_PAUSE: Final = 60
LONGEST_PAUSE: Final = 6 * 3600
SPREAD: Final = 1.2  # at most this times an interval is waited


def interval_after(answer: Answer, before: int, most: int, *, missing: bool = False) -> int:
    """Seconds until a page is asked for again: few after a change, and ever more, up to `most`, while there is none.

    `missing`: files are not listed any more, and it is not certain that they are gone.
    """
    if answer == "changed":
        return min(FIRST, most)
    longest = max(most, ABSENT) if answer == "absent" else most
    if missing:
        longest = min(longest, MISSING)
    return min(max(2 * before, FIRST), longest)


def pause_after(failures: int) -> int:
    """Seconds after so many failures in a row, at least one."""
    pause: int = _FIRST_PAUSE * 2 ** min(failures - 1, 20)
    return min(pause, LONGEST_PAUSE)


def jittered(seconds: float, chance: float) -> float:
    """Up to a fifth more or less, so that nodes that began together do not stay so. `chance` is from 0 to 1."""
    return seconds * (0.8 + 0.4 * chance)
