"""The files of a log wherever it is served: at a web address, or in a local directory."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from witness.fetch import Fetcher
from witness.keyevent import PATH as KEYS
from witness.limits import MAX_KEYS, MAX_LOOKUP, MAX_SHARD
from witness.log.reader import fetch_from
from witness.store.directory import DirectoryStore
from witness.tlog.tiles import Fetch, limit_of

_LIMITS: Final = {"observations/": MAX_SHARD, "lookup/": MAX_LOOKUP, KEYS: MAX_KEYS}


def fetch_at(location: str, fetcher: Fetcher) -> Fetch:
    """The files of the site at `location`, an http(s) address or a directory: the log's, its shards, its lookups."""
    if urlsplit(location).scheme in ("http", "https"):
        prefix = location.rstrip("/")
        return lambda path: fetcher.get(f"{prefix}/{path}", limit=_limit(path)).body
    store = DirectoryStore(Path(location).expanduser())
    files = fetch_from(store)
    return lambda path: store.get(path, limit=_limit(path)) if _is_ours(path) else files(path)


def _is_ours(path: str) -> bool:
    """Whether a file is not the log's itself (c2sp.org/tlog-tiles), but made from it."""
    return any(path.startswith(start) for start in _LIMITS)


def _limit(path: str) -> int:
    return next((limit for start, limit in _LIMITS.items() if path.startswith(start)), limit_of(path))
