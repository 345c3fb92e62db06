"""Commits and reveals again and again until it is killed, for windows of an hour, with a clock that runs.

Run by test_committing_killed.py, which kills it. The clock is in a file, so that it never goes back.
"""

import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from tests.integration.killing import serve_children
from tests.signed_log import NOON, node
from witness import note
from witness.errors import NotFound
from witness.limits import MAX_CHECKPOINT
from witness.log.writer import exclusive
from witness.note import Note
from witness.publish import Committing, Published, publish_outbox
from witness.store.directory import DirectoryStore

SECONDS = 20.0  # a publisher that nobody kills ends by itself
STEP = timedelta(minutes=7)
NODE, PEER = node(), node("node-b")
HOURLY = Committing(1)


def clock(root: Path) -> datetime:
    """The time, a step later than when it was last asked for."""
    store = DirectoryStore(root)
    try:
        now = datetime.fromtimestamp(int(store.get("clock", limit=20)), UTC) + STEP
    except NotFound:
        now = NOON
    store.put("clock", str(int(now.timestamp())).encode())
    return now


def publish(root: Path, now: datetime) -> Published:
    site = DirectoryStore(root / "site")
    return publish_outbox(
        root / "outbox", site, root / "state", NODE,
        now=now, committing=HOURLY, cosigner_keys=[PEER.cosigner.key.text],
    )  # fmt: skip


def cosign(root: Path, now: datetime) -> None:
    """The peer cosigns what is published, and the node takes the line, alone with its log."""
    site = DirectoryStore(root / "site")
    with exclusive(root / "state"):
        try:
            parsed = note.parse(site.get("checkpoint", limit=MAX_CHECKPOINT))
        except NotFound:
            return
        if any(line.name == PEER.cosigner.name for line in parsed.signatures):
            return
        line = PEER.cosigner.sign(parsed.text, int(now.timestamp()))
        site.put("checkpoint", note.encode(Note(parsed.text, (*parsed.signatures, line))))


def work(root: Path, _round: int) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        now = clock(root)
        publish(root, now)
        cosign(root, now)


if __name__ == "__main__":
    serve_children(partial(work, Path(sys.argv[1])))
