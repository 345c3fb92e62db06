"""Makes the pictures of `docs/images` that show the pages of a site: from made-up observations, with a Chromium.

Run it without arguments, after the pages have changed; a test runs it into a directory of its own.
"""

import sys
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rebuilders.site.making import pages_of_node, pages_of_several
from tests.chromium import browsing, served
from tests.integration.trusted_nodes import Node
from tests.site_logs import BEGIN, Release, grow, observations, observed, releases, reported

ROOT = Path(__file__).resolve().parent.parent
NODES = (
    Node("node-a.example", "Operator A"),
    Node("witness.example.org", "University of B"),
    Node("node-c.example", "Operator C"),
)
SLIPPED = Release("filelock", "3.2")
FOUND = (
    {"path": "filelock/_locks.py", "kind": "only-in-published", "class": "code-added", "severity": "runs",
     "detail": "import os, sys; from ._unix import UnixFileLock"},
    {"path": "filelock-3.2.dist-info/METADATA", "kind": "content", "class": "metadata", "severity": "tells",
     "detail": "Summary: 'A platform independent file lock.' instead of 'File lock.'"},
)  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """A page in a window of so many pixels."""

    name: str
    of: str
    page: str
    width: int
    height: int
    dark: bool = False


_FILE = f"file/{SLIPPED.sha256[:2]}/{SLIPPED.sha256}.html"
PICTURES = (
    Picture("site-overview", "node", "index.html", 1000, 1190),
    Picture("site-file", "network", _FILE, 1000, 910),
    Picture("site-network", "network", "index.html", 1000, 640),
    Picture("site-phone", "network", _FILE, 390, 820, dark=True),
    Picture("site-search", "node", "search.html?q=re", 1000, 420),
)


def make(images: Path) -> list[Path]:
    """Writes the pictures into `images`, and returns where."""
    with tempfile.TemporaryDirectory(prefix="wheelwitness-pictures-") as directory:
        root = Path(directory)
        sites = _sites(root)
        made = []
        with browsing(root / "profile") as page:
            for picture in PICTURES:
                with served(sites[picture.of]) as url:
                    page.window(picture.width, picture.height, dark=picture.dark)
                    page.open(url + picture.page)
                    if "?" in picture.page:
                        page.until("document.querySelectorAll('#found li').length")
                        page.evaluate("document.activeElement.blur()")
                    path = images / f"{picture.name}.png"
                    path.write_bytes(page.picture())
                    made.append(path)
    return made


def _sites(root: Path) -> dict[str, Path]:
    wanted = releases(360)
    for number, node in enumerate(NODES):
        said = observations(node, wanted[: 360 - 20 * number])
        for at, version in enumerate(("3.0", "3.1", "3.2")):
            result = "mismatch" if version == "3.2" and number < 2 else "match"
            when = BEGIN + timedelta(days=118 + at, hours=5 * number)
            said.append(observed(node, Release("filelock", version), result, "bitwise", finished=when))
        if said[-1].observation.result == "mismatch":
            said[-1] = reported(said[-1], FOUND, root / node.name / "site")
        grow(node, root / node.name, said, f"https://{node.name}/")
    pages_of_node(root / NODES[0].name / "site", root / NODES[0].name / "state")
    pages_of_several(
        root / "network", (), None, [root / node.name for node in NODES], title="Wheels of PyPI, rebuilt"
    )
    return {"node": root / NODES[0].name / "site", "network": root / "network" / "site"}


if __name__ == "__main__":
    for written in make(ROOT / "docs" / "images"):
        print(f"{written.relative_to(ROOT)}: {written.stat().st_size / 1000:.0f} kB")
