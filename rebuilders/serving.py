"""How each kind of a site's files is served: by `rebuilder serve`, and by whatever it is copied to. Pure."""

import re
from dataclasses import dataclass
from typing import Final

FOREVER: Final = "public, max-age=31536000, immutable"  # tlog-tiles: a tile never changes
BRIEFLY: Final = "public, max-age=10"
_BINARY: Final = "application/octet-stream"
_PLAIN: Final = "text/plain; charset=utf-8"

_TILE: Final = re.compile(r"tile/")
_LOOKUP: Final = re.compile(r"lookup/[0-9]+/[0-9a-f]{4}")

# By what the path ends in. Whatever else there is, is something to download, not to show.
_TYPES: Final = {
    "atom": "application/atom+xml",
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "ico": "image/vnd.microsoft.icon",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "jsonl": "application/jsonl",
    "png": "image/png",
    "svg": "image/svg+xml",
    "txt": _PLAIN,
    "woff2": "font/woff2",
    "xml": "application/xml",
}


@dataclass(frozen=True, slots=True)
class Served:
    """What a file is served with. `compressed`: whether it is worth storing in compressed form."""

    content_type: str
    cache_control: str
    compressed: bool = False


def served(path: str) -> Served:
    """How the site's file at `path` is served."""
    if _TILE.match(path):
        return Served(_BINARY, FOREVER)
    if _LOOKUP.fullmatch(path):
        return Served(_PLAIN, BRIEFLY, compressed=True)
    name = path.rpartition("/")[2]
    if name == "checkpoint":
        return Served(_PLAIN, BRIEFLY)
    stem, dot, ending = name.rpartition(".")
    return Served(_TYPES.get(ending, _BINARY) if stem and dot else _BINARY, BRIEFLY)
