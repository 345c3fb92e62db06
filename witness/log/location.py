"""The files of a log wherever it is served: at a web address, or in a local directory."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from witness.fetch import Fetcher
from witness.keyevent import PATH as KEYS
from witness.limits import MAX_KEYS, MAX_SHARD
from witness.log.reader import fetch_from
from witness.store.directory import DirectoryStore
from witness.tlog.tiles import Fetch, limit_of

_SHARDS: Final = "observations/"


def fetch_at(location: str, fetcher: Fetcher) -> Fetch:
    """The files of the site at `location`, an http(s) address or a directory: the log's, and its shards."""
    if urlsplit(location).scheme in ("http", "https"):
        prefix = location.rstrip("/")
        return lambda path: fetcher.get(f"{prefix}/{path}", limit=_limit(path)).body
    store = DirectoryStore(Path(location).expanduser())
    files = fetch_from(store)
    return lambda path: store.get(path, limit=_limit(path)) if _is_ours(path) else files(path)


def _is_ours(path: str) -> bool:
    """Whether a file is not the log's itself (c2sp.org/tlog-tiles), but made from it."""
    return path == KEYS or path.startswith(_SHARDS)


def _limit(path: str) -> int:
    if path == KEYS:
        return MAX_KEYS
    return MAX_SHARD if path.startswith(_SHARDS) else limit_of(path)
