"""Publishes an outbox again and again until it is killed. Run by test_publish_killed.py, which kills it.

For each line on standard input one publisher is forked, whose process id is the answer; when it has died, so is "dead".
"""

import os
import sys
import time
from datetime import timedelta
from pathlib import Path

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


def answer(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    root = Path(sys.argv[1])
    for round_, _ in enumerate(sys.stdin):
        child = os.fork()
        if child == 0:
            publish_for_ever(root, round_)
            os._exit(0)
        answer(str(child))
        _, status = os.waitpid(child, 0)
        answer(f"dead {status}")


if __name__ == "__main__":
    main()
