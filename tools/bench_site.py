"""`make bench`, the pages of a node: all of them anew, and after one observation more, as the log grows.

The logs are made up (tests/site_logs.py), with keys and signatures as real ones have, and five files of a project on
average. `s` is for everything, from an empty state; `s, nothing new` and `s, one more` are a run of the same
process again, and after one observation of a project that has files already. Opening the program is not in it, 0.5 s.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rebuilders.site.making import pages_of_node
from tests.integration.trusted_nodes import Node
from tests.site_logs import BEGIN, grow, observations, observed, releases

SIZES = (100, 1_000)
ROUNDS = 3


def site_rows(sizes: Sequence[int] = SIZES) -> dict[str, dict[str, float]]:
    """A row for each number of observations."""
    return {f"pages, {size:,} observations": _row(size) for size in sizes}


def _row(size: int) -> dict[str, float]:
    node = Node("bench.example", "Operator A")
    wanted = releases(size)
    with tempfile.TemporaryDirectory(prefix="wheelwitness-bench-site-") as directory:
        root = Path(directory)
        site = grow(node, root, observations(node, wanted))
        of_log = _measure(site)
        whole = _timed(lambda: pages_of_node(site, root / "state"))
        nothing = min(_timed(lambda: pages_of_node(site, root / "state")) for _ in range(ROUNDS))
        files, taken, bytes_ = (after - before for after, before in zip(_measure(site), of_log, strict=True))
        one = []
        for number in range(ROUNDS):
            again = wanted[len(wanted) // 2 + number]
            grow(
                node, root, [observed(node, again, "match", "bitwise", finished=BEGIN + timedelta(days=200))]
            )
            one.append(_timed(lambda: pages_of_node(site, root / "state")))
        return {
            "s": whole,
            "ms each": whole / size * 1e3,
            "files": files,
            "MB": bytes_ / 1e6,
            "MB on disk": taken / 1e6,
            "MB state": (root / "state" / "site.sqlite").stat().st_size / 1e6,
            "s, nothing new": nothing,
            "s, one more": sorted(one)[len(one) // 2],
        }


def _measure(root: Path) -> tuple[int, int, int]:
    files = taken = size = 0
    for folder, _, names in os.walk(root):
        for name in names:
            found = (Path(folder) / name).stat()
            files, taken, size = files + 1, taken + found.st_blocks * 512, size + found.st_size
    return files, taken, size


def _timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, help="observations, such as 1000 10000 100000"
    )
    for name, row in site_rows(parser.parse_args().sizes).items():
        print(name)
        for what, value in row.items():
            print(f"  {what:16}{value:12,.2f}", flush=True)


if __name__ == "__main__":
    main()
