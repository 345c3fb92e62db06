"""Makes a node's pages again and again until it is killed. Run by test_site_killed.py, which kills it."""

import sys
import time
from functools import partial
from pathlib import Path

from rebuilders.site.making import pages_of_node
from tests.integration.killing import serve_children

SECONDS = 20.0  # one that nobody kills ends by itself


def make_for_ever(root: Path, round_: int) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        pages_of_node(root / "site", root / "state")
        if round_ % 2:
            (root / "state" / "site.sqlite").unlink()  # so that it begins anew, over the pages that are there


if __name__ == "__main__":
    serve_children(partial(make_for_ever, Path(sys.argv[1])))
