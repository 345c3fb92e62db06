"""Pushes a site again and again until it is killed. Run by test_push_killed.py, which kills it."""

import sys
import time
from pathlib import Path

from rebuilders.destinations.opening import open_destination
from rebuilders.destinations.push import push
from tests.integration.killing import serve_children
from tests.pushed import Site
from tests.s3_server import VARIABLES
from witness.errors import Incomplete

SECONDS = 20.0  # one that nobody kills ends by itself


def push_for_ever(root: Path, url: str, endpoint: str) -> None:
    end = time.monotonic() + SECONDS
    source = Site.source_of(root)
    destination = open_destination(url, VARIABLES, endpoint=endpoint)
    while time.monotonic() < end:
        try:
            push(source, destination, root / "pushed", patience=0.02, grace=0.0)
        except Incomplete:  # the site grew too fast, say
            time.sleep(0.01)


if __name__ == "__main__":
    root, url, endpoint = sys.argv[1:]
    serve_children(lambda _round: push_for_ever(Path(root), url, endpoint))
