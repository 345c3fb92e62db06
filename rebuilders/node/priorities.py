"""What comes first: each reason for a rebuild has a time within which it should be seen. Pure.

The ledger hands out what is due first. So nothing waits for ever behind what is new, and under more work than there is
time for, everything is late by as much.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from rebuilders.node.shares import Duty


@dataclass(frozen=True, slots=True)
class Priority:
    """`within`: the time from a want to its rebuild. `event`: the index has said that something happened."""

    within: timedelta
    event: bool = True


PRIORITIES: Final[dict[str, Priority]] = {
    # Somebody waits for it.
    "added": Priority(timedelta(0), event=False),
    # Never legitimate on PyPI, so nothing the index says is more urgent.
    "changed": Priority(timedelta(minutes=10)),
    # What is new is installed most, and least known.
    "new": Priority(timedelta(hours=1)),
    # Needs no rebuild, and answers whoever wonders why there is none.
    "deleted": Priority(timedelta(hours=1)),
    "quarantined": Priority(timedelta(hours=1)),
    # A wheel that joins a release long after it is looked at by nobody, and installed all the same.
    "late": Priority(timedelta(hours=3)),
    "back": Priority(timedelta(hours=3)),
    # The file is the same: what changes is what the observation says of the index.
    "yanked": Priority(timedelta(hours=6)),
    "unyanked": Priority(timedelta(hours=6)),
    # The operator's own lock files: he waits for them, but has not asked for this one.
    "pinned": Priority(timedelta(hours=12), event=False),
    # What was there before anybody looked.
    "backlog": Priority(timedelta(days=21), event=False),
    # Nobody waits for the second look.
    "again": Priority(timedelta(days=42), event=False),
}
WITHOUT_WORKER: Final = frozenset({"deleted", "quarantined"})
"""What is answered from the ledger, since there is nothing to rebuild."""

_OTHERS: Final = timedelta(days=365)  # behind everything of one's own


def within(why: str, duty: Duty = "mine") -> timedelta:
    """The time from a want to its rebuild; what is another node's share waits behind everything of one's own."""
    told = PRIORITIES.get(why, PRIORITIES["added"]).within
    return told if duty == "mine" else told + _OTHERS


def is_event(why: str) -> bool:
    """Whether the index has said that something happened."""
    return why in PRIORITIES and PRIORITIES[why].event
