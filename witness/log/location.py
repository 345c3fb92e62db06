"""The files of a log wherever it is served: at a web address, or in a local directory."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from witness.fetch import Fetcher
from witness.limits import MAX_SHARD
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
    return lambda path: store.get(path, limit=MAX_SHARD) if path.startswith(_SHARDS) else files(path)


def _limit(path: str) -> int:
    return MAX_SHARD if path.startswith(_SHARDS) else limit_of(path)
