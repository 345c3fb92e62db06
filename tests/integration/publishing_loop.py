"""Publishes an outbox again and again until it is killed. Run by test_publish_killed.py, which kills it."""

import sys
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

from tests.integration.killing import serve_children
from tests.signed_log import NOON, node
from witness.publish import publish_outbox
from witness.store.directory import DirectoryStore

SECONDS = 20.0  # a publisher that nobody kills ends by itself


def publish_for_ever(root: Path, round_: int) -> None:
    end = time.monotonic() + SECONDS
    now = NOON + timedelta(minutes=round_)
    while time.monotonic() < end:
        publish_outbox(root / "outbox", DirectoryStore(root / "site"), root / "state", node(), now=now)
        now += timedelta(seconds=1)


if __name__ == "__main__":
    serve_children(partial(publish_for_ever, Path(sys.argv[1])))
