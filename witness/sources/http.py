"""A node's site, asked over HTTP: for one artifact, for all whose digests begin alike, and for its key events."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, TypeVar

from witness import lookup
from witness.bundle import shard_path
from witness.digest import parse_sha256
from witness.errors import FetchFailed, Malformed, NotFound
from witness.fetch import Fetcher, shown
from witness.keyevent import PATH
from witness.limits import MAX_KEYS, MAX_LOOKUP, MAX_SHARD
from witness.sources.interface import ObservationSource, split_events, split_lines

T = TypeVar("T")
Held = Mapping[str, tuple[bytes, ...]]

_KEPT: Final = 8  # files of prefixes: as many as are asked for at once


@dataclass(frozen=True, slots=True)
class HttpSource:
    """An `ObservationSource` and `KeyEventSource` over the static files at `url`, which learns every digest."""

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


@dataclass(slots=True)
class PrefixSource:
    """An `ObservationSource` and `KeyEventSource` over the files at `url`, which learns prefixes of digests
    (witness.lookup).

    What is fetched is kept for those who ask about the same prefix soon: ask in the order of digests. `otherwise` is
    asked where the site has no files for lookups by prefix; None for nobody.
    """

    url: str
    fetcher: Fetcher
    otherwise: ObservationSource | None = None
    _width: "Future[int | None] | None" = field(default=None, init=False, repr=False)
    _files: "OrderedDict[tuple[int, str], Future[Held]]" = field(
        default_factory=OrderedDict, init=False, repr=False
    )
    _lock: Lock = field(default_factory=Lock, init=False, repr=False)

    def lines(self, sha256: str) -> tuple[bytes, ...]:
        parse_sha256(sha256)
        bits = self._bits()
        if bits is None:
            if self.otherwise is not None:
                return self.otherwise.lines(sha256)
            raise FetchFailed(
                f"{shown(self.url)}: has no files for lookups by prefix; it is only told whole digests with "
                'lookup = "prefix-or-exact" in the policy'
            )
        try:
            held = self._held(bits, sha256)
        except NotFound as missing:
            # The log may have grown beyond the width, and the files of the old one may have gone.
            if (now := self._bits(anew=True)) in (bits, None):
                raise FetchFailed(f"{missing}, though the site says that it has it") from None
            held = self._held(now, sha256)
        found = held.get(sha256)
        if not found:
            raise NotFound(f"{shown(self.url)}: has nothing about it")
        return found

    def key_events(self) -> tuple[bytes, ...]:
        return HttpSource(self.url, self.fetcher).key_events()

    def _bits(self, *, anew: bool = False) -> int | None:
        with self._lock:
            if self._width is None or (anew and self._width.done()):
                self._width, mine = Future(), True
            else:
                mine = False
            promise = self._width
        return _keep(promise, self._fetch_width) if mine else promise.result()

    def _fetch_width(self) -> int | None:
        address = f"{self.url.rstrip('/')}/{lookup.WIDTH_PATH}"
        try:
            return lookup.parse_width(self.fetcher.get(address, limit=lookup.MAX_WIDTH_FILE).body)
        except NotFound:
            return None
        except Malformed as error:
            raise FetchFailed(f"{shown(address)}: {error}") from None

    def _held(self, bits: int, sha256: str) -> Held:
        """The bundles in the file of the artifact's prefix, fetched once for all who ask at the same time."""
        key = bits, lookup.prefix_of(sha256, bits)
        with self._lock:
            promise = self._files.get(key)
            mine = promise is None
            if promise is None:
                promise = self._files[key] = Future()
                if len(self._files) > _KEPT:
                    self._files.popitem(last=False)
        return _keep(promise, lambda: self._fetch_file(*key)) if mine else promise.result()

    def _fetch_file(self, bits: int, prefix: str) -> Held:
        address = f"{self.url.rstrip('/')}/{lookup.path_of(bits, prefix)}"
        body = self.fetcher.get(address, limit=MAX_LOOKUP, accept="text/plain, */*;q=0.5").body
        try:
            return lookup.parse(body, bits, prefix)
        except lookup.Full as error:
            raise FetchFailed(
                f"{shown(address)}: {error}; take a snapshot, or ask by whole digests"
            ) from None
        except Malformed as error:
            raise FetchFailed(f"{shown(address)}: {error}") from None


def _keep(promise: "Future[T]", make: Callable[[], T]) -> T:
    """What `make` gives or raises, for those too who wait for `promise`."""
    try:
        value = make()
    except BaseException as error:
        promise.set_exception(error)
        raise
    promise.set_result(value)
    return value
