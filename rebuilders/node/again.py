"""When a target is tried again that could not be completed, and observed again that was: two tables. Pure.

What could not be completed says nothing of the target; it is tried until it can be, or is stuck. What was observed may
come out otherwise later: build requirements are uploaded and deleted, and limits are met on a busy machine.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

Cause = Literal["index", "unlisted", "lost", "sandbox", "mistake", "answer"]
"""Why a target could not be completed.

`index`: the index or the network failed. `unlisted`: the index has listed the file, and does not know it (yet). `lost`:
whoever worked on it has gone. `sandbox`: none works here. `mistake`: of this program. `answer`: what a worker said
cannot be used. What gives no cause is taken for `index`.
"""


@dataclass(frozen=True, slots=True)
class Retry:
    """The pause after the first failure, which doubles up to `most`; `tries` in a row, or without end if None."""

    first: timedelta
    most: timedelta
    tries: int | None


# Whatever fails several targets at once has them wait, and none of them is to blame for it.
RETRIES: Final[dict[Cause, Retry]] = {
    # An outage of days must not leave everything stuck: this is ten days of trying, or more.
    "index": Retry(timedelta(minutes=1), timedelta(hours=6), 60),
    # A cache between us and the index is behind by minutes, by hours if it is broken.
    "unlisted": Retry(timedelta(minutes=5), timedelta(hours=6), 12),
    # Once may be the kernel's choice among many processes; again and again, it is the target.
    "lost": Retry(timedelta(minutes=1), timedelta(hours=6), 8),
    # The machine's fault, and its operator's to mend.
    "sandbox": Retry(timedelta(minutes=5), timedelta(hours=1), None),
    # It will happen again until there is another version.
    "mistake": Retry(timedelta(hours=1), timedelta(hours=24), 4),
    "answer": Retry(timedelta(minutes=5), timedelta(hours=6), 6),
}
MAX_ENDED: Final = 12  # times in a row that a node may end while it is at a target
MAX_RETRY: Final = max(retry.most for retry in RETRIES.values()) * 1.25


def retry_after(failures: int, chance: float, cause: Cause = "index") -> timedelta | None:
    """How long a target waits that could not be completed, having failed `failures` times in a row before.

    None: it is stuck, until somebody adds it again. `chance`, from 0 to 1, spreads what failed together.
    """
    retry = RETRIES[cause]
    if retry.tries is not None and failures + 1 >= retry.tries:
        return None
    wait: timedelta = min(retry.first * 2 ** min(failures, 20), retry.most)
    return wait * (0.75 + 0.5 * chance)


@dataclass(frozen=True, slots=True)
class Again:
    """Which observations are made again, `after` how many days: once for each number, as long as nothing changes.

    Args:
        results: what was observed.
        told: whether a failure's phase and cause are of this row.
        share: of so many files one, chosen by the file's digest.
    """

    results: tuple[str, ...]
    after: tuple[int, ...]
    told: Callable[[str, str], bool] = lambda _phase, _cause: True
    share: int = 1


# The first row that fits decides.
AGAIN: Final = (
    # Whether what once came out still does. Of twenty matches one is enough to tell.
    Again(("match",), (180,), share=20),
    # A difference is an accusation: it should not rest on one afternoon, nor be repeated for ever.
    Again(("mismatch",), (30, 180)),
    # A requirement is often uploaded hours after what requires it, by the same people.
    Again(("build-failed",), (1, 7, 30, 90), lambda phase, _: phase == "resolve"),
    # A limit, on a machine that had other work; and whatever else may be otherwise with other versions of tools.
    Again(("build-failed",), (7, 30, 90)),
    # Limits are told as not attempted where they were met before a build. What is not attempted otherwise depends on
    # the files alone, and the feed sees when there are others.
    Again(("not-attempted",), (7, 30, 90), lambda _, cause: cause.endswith("-limit")),
)


def observe_again(
    sha256: str, result: str, *, phase: str = "", cause: str = "", repeats: int = 0
) -> timedelta | None:
    """How long after an observation of the file `sha256` the next is made; None: none is, unless something happens.

    `repeats`: how often in a row the same result had been observed before. The time is spread by the file's digest, and
    the same for the same file wherever it is asked for.
    """
    row = next((row for row in AGAIN if result in row.results and row.told(phase, cause)), None)
    if row is None or repeats >= len(row.after) or _number(sha256, 0) % row.share:
        return None
    spread = _number(sha256, 8) / 2**32
    return timedelta(days=row.after[repeats]) * (0.95 + 0.1 * spread)


def _number(sha256: str, at: int) -> int:
    return int(sha256[at : at + 8], 16)
