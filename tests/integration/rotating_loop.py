"""Rotates a node's key again and again, and now and then revokes the one before, until it is killed. Run by
test_rotation_killed.py, which kills it.
"""

import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rebuilders.node import rotation
from rebuilders.node.config import NodeDirectory
from tests.integration.killing import serve_children

SECONDS = 20.0
MOST = 900  # of a node's key events; consumers read no more than 1024


def rotate_for_ever(root: Path, round_: int) -> None:
    node = NodeDirectory(root)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if len(rotation.listed(node).events) > MOST:
            time.sleep(SECONDS)
        rotation.rotate(node, datetime.now(UTC), None)
        if round_ % 3 == 0:
            before = rotation.listed(node).chain.spans[-2]
            rotation.revoke(node, before.key.text, None, "round", datetime.now(UTC))


if __name__ == "__main__":
    serve_children(partial(rotate_for_ever, Path(sys.argv[1])))
