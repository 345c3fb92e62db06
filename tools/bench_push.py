"""`make bench`, pushing a site: to a local directory, each file flushed; and to a server that speaks S3, on loopback.

Of the site's files, half are shards of as many observations, with the tiles and lookup files that go with them; the
rest are pages. For each size: files a second of the first push; seconds of a push without anything new, with one
observation more, and without its manifest, from a listing. The S3 server is moto's, written in Python, on the same
machine: its speed is what is measured there. It is only there if `make objects` brought it.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rebuilders.destinations.directory import DirectoryDestination
from rebuilders.destinations.interface import Destination
from rebuilders.destinations.objects import open_objects
from rebuilders.destinations.push import push
from tests.pushed import Site
from tests.s3_server import VARIABLES, python_with_moto, s3_server
from witness.store.directory import DirectoryStore
from witness.store.memory import MemoryStore

SIZES = (1_000, 10_000)
BATCH = 1024


class _Quick(MemoryStore):
    """Does not look whether a file is in the way of a directory, which takes longer the more there are."""

    def put(self, path: str, data: bytes) -> None:
        self.files[path] = bytes(data)


def push_rows(sizes: tuple[int, ...] = SIZES) -> dict[str, dict[str, float]]:
    """A row for each size and kind of destination."""
    rows: dict[str, dict[str, float]] = {}
    with ExitStack() as stack:
        service = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wheelwitness-bench-s3-")))
        server = stack.enter_context(s3_server(service)) if python_with_moto() else None
        if server is None:
            print("bench: no server that speaks S3; `make objects` brings it; skipped", file=sys.stderr)
        for size in sizes:
            root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wheelwitness-bench-push-")))
            site = _site(root / "node", size)
            local = DirectoryDestination(root / "there")
            rows[f"push of {size:,} files to a directory"] = _row(site, local, root / "local")
            if server is not None:
                remote = open_objects(f"s3://site/{size}", VARIABLES, endpoint=server.endpoint)
                rows[f"push of {size:,} files to S3"] = _row(site, remote, root / "remote")
    return rows


def _site(root: Path, size: int) -> Site:
    quick = _Quick()
    site = Site(root, store=quick)
    while site.said < size // 2:
        site.grow(min(BATCH, size // 2 - site.said))
    for path, data in quick.files.items():
        (site.path / path).parent.mkdir(parents=True, exist_ok=True)
        (site.path / path).write_bytes(data)
    for number in range(size - len(quick.files)):
        page = site.path / "project" / f"{number % 256:02x}" / f"{number}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_bytes(b"<p>%d</p>\n" % number * 100)
    site.store = DirectoryStore(site.path)
    return site


def _row(site: Site, destination: Destination, state: Path) -> dict[str, float]:
    def pushed() -> int:
        return push(site.source, destination, state).sent

    first, sent = _timed(pushed)
    idle, _ = _timed(pushed)
    site.grow()
    one, few = _timed(pushed)
    for manifest in state.glob("manifest.sqlite*"):
        manifest.unlink()
    listed, again = _timed(pushed)
    assert again == 0
    destination.close()
    return {
        "files/s first": sent / first,
        "s nothing new": idle,
        f"s one new ({few} files)": one,
        "s from a listing": listed,
    }


def _timed(call: Callable[[], int]) -> tuple[float, int]:
    started = time.perf_counter()
    value = call()
    return time.perf_counter() - started, value


if __name__ == "__main__":
    for name, row in push_rows(tuple(map(int, sys.argv[1:])) or SIZES).items():
        print(f"{name:40}" + "".join(f"{value:10.2f} {unit}" for unit, value in row.items()), flush=True)
