"""A node's site, asked over HTTP for one artifact at a time, and for its key events."""

from dataclasses import dataclass

from witness.bundle import shard_path
from witness.digest import parse_sha256
from witness.errors import NotFound
from witness.fetch import Fetcher, shown
from witness.keyevent import PATH
from witness.limits import MAX_KEYS, MAX_SHARD
from witness.sources.interface import split_events, split_lines


@dataclass(frozen=True, slots=True)
class HttpSource:
    """An `ObservationSource` and `KeyEventSource` over the static files at `url`."""

    url: str
    fetcher: Fetcher

    def lines(self, sha256: str) -> tuple[bytes, ...]:
        address = f"{self.url.rstrip('/')}/{shard_path(parse_sha256(sha256))}"
        body = self.fetcher.get(address, limit=MAX_SHARD, accept="application/jsonl, */*;q=0.5").body
        lines = split_lines(body, what=shown(address))
        if not lines:
            raise NotFound(f"{shown(address)}: empty")
        return lines

    def key_events(self) -> tuple[bytes, ...]:
        address = f"{self.url.rstrip('/')}/{PATH}"
        body = self.fetcher.get(address, limit=MAX_KEYS, accept="application/jsonl, */*;q=0.5").body
        lines = split_events(body, what=shown(address))
        if not lines:
            raise NotFound(f"{shown(address)}: empty")
        return lines
