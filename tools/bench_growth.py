"""How large a node's site gets: bytes and files of each part, for logs of a thousand observations and more.

    .venv/bin/python tools/bench_growth.py [--sizes 1000,10000] [--keep DIR]

The log, its shards and its lookup files are written by the code of a node. What is observed is made up, and as long as
what a rebuild of a small wheel says: three build requirements with their hashes, three variables.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.integration.trusted_nodes import NOW, Node, stated
from witness import statement
from witness.digest import sha256_hex
from witness.observation import Requirement
from witness.publish import publish_outbox
from witness.statement import Statement
from witness.store.directory import DirectoryStore

NODE = Node("node-a", "Operator A")
REQUIREMENTS = tuple(
    Requirement(name=name, version=version, sha256=sha256_hex(name.encode()))
    for name, version in (("setuptools", "80.9.0"), ("wheel", "0.45.1"), ("packaging", "25.0"))
)
VARIABLES = {"SOURCE_DATE_EPOCH": "1700000000", "TZ": "UTC", "LC_ALL": "C"}
BATCH = 10_000  # files in the outbox at once


def growth_rows(sizes: tuple[int, ...], root: Path) -> Iterator[tuple[int, dict[str, float]]]:
    """A row for each size, with the same site grown on below `root`: bytes by observation, and files."""
    outbox, site = root / "outbox", root / "site"
    outbox.mkdir(parents=True)
    done = 0
    for size in sizes:
        started = time.perf_counter()
        for low in range(done, size, BATCH):
            for number in range(low, min(low + BATCH, size)):
                data = statement.encode(_said(number))
                (outbox / f"{sha256_hex(data)}.json").write_bytes(data)
            publish_outbox(outbox, DirectoryStore(site), root / "state", NODE.signers, now=NOW)
        took, made, done = time.perf_counter() - started, size - done, size
        yield size, _sizes(site, size) | {"published/s": made / took}


def _said(number: int) -> Statement:
    filename = f"some-project-1.{number}.0-py3-none-any.whl"
    said = stated(NODE, sha256=sha256_hex(filename.encode()), filename=filename)
    environment = said.observation.environment
    if environment is None:
        raise TypeError("a rebuild has an environment")
    changed = environment.model_copy(update={"requirements": REQUIREMENTS, "variables": VARIABLES})
    return Statement(filename, said.sha256, said.observation.model_copy(update={"environment": changed}))


def _sizes(site: Path, size: int) -> dict[str, float]:
    """Of each part, bytes for an observation, files in all, and bytes of `lookup` as a web server compresses it."""
    row: dict[str, float] = {}
    for part, paths in _parts(site).items():
        row |= {
            f"{part}: B each": sum(path.stat().st_size for path in paths) / size,
            f"{part}: files": len(paths),
        }
    return row


def _parts(site: Path) -> dict[str, list[Path]]:
    paths = [path for path in sorted(site.rglob("*")) if path.is_file()]
    names = {path: path.relative_to(site).as_posix() for path in paths}
    return {
        "entries": [path for path in paths if names[path].startswith("tile/entries/")],
        "tiles": [
            path for path in paths if names[path].startswith("tile/") and "/entries/" not in names[path]
        ],
        "shards": [path for path in paths if names[path].startswith("observations/")],
        "lookup": [
            path for path in paths if names[path].startswith("lookup/") and not names[path].endswith(".json")
        ],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="1000,10000", help="observations, growing")
    parser.add_argument("--keep", type=Path, help="where the site is left")
    options = parser.parse_args()
    sizes = tuple(map(int, options.sizes.split(",")))
    with tempfile.TemporaryDirectory(prefix="wheelwitness-bench-growth-") as directory:
        for size, row in growth_rows(sizes, options.keep or Path(directory)):
            print(
                f"{size:>9,}", *(f"{name} {value:,.1f}" for name, value in row.items()), sep="  ", flush=True
            )


if __name__ == "__main__":
    main()
