"""What a node is to rebuild and what came of it: the one place of truth, in SQLite or PostgreSQL.

A target is queued, running, done or stuck. Whoever takes one gets a claim, a token that only the latest taker has, and
an outcome is recorded only with it: the target's new state and the observation are one transaction. So what runs when
a node, a worker or the database dies is a repeated build, and nothing else; and what was recorded reaches the outbox
(`Ledger.deliver`) once, however often it is tried.
"""

from rebuilders.node.ledger.pages import ABSENT, Also, Page, Pages, SeenFile
from rebuilders.node.ledger.queue import Ledger, Queued, Recorded, State, Taken, Want

__all__ = [
    "ABSENT",
    "Also",
    "Ledger",
    "Page",
    "Pages",
    "Queued",
    "Recorded",
    "SeenFile",
    "State",
    "Taken",
    "Want",
]
