"""Shards in a site's store: what is there, and what must be added or proven anew."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from witness import bundle, canonical, keyevent, note, statement
from witness.bundle import Bundle, artifact_of
from witness.commitment import Opening
from witness.digest import sha256_hex
from witness.entry import statement_in
from witness.errors import Malformed, NotFound
from witness.limits import KIB, MAX_CHECKPOINT, MAX_SHARD
from witness.log.lookups import update
from witness.log.reader import LogReader, fetch_from
from witness.note import VerifierKey
from witness.store.interface import Store
from witness.tlog.checkpoint import Checkpoint, open_checkpoint
from witness.tlog.cosignature import CosignerKey
from witness.tlog.edge import WIDTH
from witness.tlog.tiles import ENTRIES, fetch_entries, tile_of

_CHECKPOINT: Final = "checkpoint"
_REFRESHED: Final = "refreshed"
_BATCH: Final = 1024  # entries whose bundles are proven anew at once


def read_shard(site: Store, path: str) -> tuple[Bundle, ...]:
    """The bundles at `path`, none if there is no file. Raises `Malformed`."""
    try:
        return bundle.parse_shard(site.get(path, limit=MAX_SHARD))
    except NotFound:
        return ()


def add_bundles(
    site: Store,
    reader: LogReader,
    entries: Iterable[tuple[int, bytes]],
    openings: Mapping[bytes, Opening] = MappingProxyType({}),
    *,
    lookups: bool = True,
) -> None:
    """Puts a bundle for each of `entries`, pairs of index and bytes, into its artifact's shard, unless it is there.

    `openings` are of entries that were committed to before. The files for lookups by prefix follow, with `lookups`.
    """
    shards = by_shard(entries)
    for path, indexed in shards.items():
        held = read_shard(site, path)
        known = {item.entry for item in held}
        added = [
            Bundle(entry, reader.proof(index), openings.get(entry))
            for index, entry in indexed.items()
            if entry not in known
        ]
        if added:
            put_shard(site, path, (*held, *added))
    if lookups:
        _update_lookups(site, reader, shards)


def refresh(
    site: Store,
    reader: LogReader,
    entries: Iterable[tuple[int, bytes]],
    log_key: VerifierKey,
    cosigners: Iterable[CosignerKey],
    *,
    lookups: bool = True,
) -> int:
    """Proves the bundles of `entries` by the reader's checkpoint, those that fewer of `cosigners` have cosigned.

    Returns how many were changed.
    """
    keys = tuple(cosigners)
    cosigned: dict[bytes, int] = {}

    def count(signed: bytes) -> int:
        if signed not in cosigned:
            opened = open_checkpoint(signed, log_key, keys)
            cosigned[signed] = len({item.key for item in opened.cosignatures})
        return cosigned[signed]

    changed = 0
    shards = by_shard(entries)
    for path, indexed in shards.items():
        held = read_shard(site, path)
        bundles = [
            replace(item, proof=reader.proof(item.proof.index))
            if item.proof.index in indexed and count(item.proof.checkpoint) < count(reader.signed)
            else item
            for item in held
        ]
        here = sum(new is not old for new, old in zip(bundles, held, strict=True))
        if here:
            put_shard(site, path, bundles)
        changed += here
    if lookups:
        _update_lookups(site, reader, shards)
    return changed


def refresh_all(
    site: Store,
    state: Store,
    reader: LogReader,
    log_key: VerifierKey,
    cosigners: Iterable[CosignerKey],
    *,
    alone: Callable[[], AbstractContextManager[None]] = nullcontext,
    lookups: bool = True,
) -> int:
    """`refresh` of every entry of the reader's tree, without those that `state` says have as many cosigners already.

    Each batch of entries is done `alone`, so that others can write between two of them.
    """
    keys = tuple(cosigners)
    opened = open_checkpoint(reader.signed, log_key, keys)
    count, size = len({item.key for item in opened.cosignatures}), reader.checkpoint.size
    names = sha256_hex("\n".join(sorted({key.text for key in keys})).encode())
    done = _refreshed(state, names)
    start = max((held for number, held in done.items() if number >= count), default=0)
    changed = 0
    for low in range(start, size, _BATCH):
        entries = reader.entries(low, min(low + _BATCH, size))
        with alone():
            changed += refresh(site, reader, enumerate(entries, low), log_key, keys, lookups=lookups)
    if size > start:
        covered = {str(number): held for number, held in {**done, count: size}.items()}
        state.put(_REFRESHED, canonical.dumps({"cosigners": names, "sizes": covered}))
    return changed


def put_shard(site: Store, path: str, bundles: Iterable[Bundle]) -> None:
    """Writes a shard of the newest of `bundles`: consumers read no more, and the log keeps the others."""
    lines = [bundle.encode(item) + b"\n" for item in bundles]
    total = sum(map(len, lines))
    dropped = 0
    while total > MAX_SHARD:
        total -= len(lines[dropped])
        dropped += 1
    site.put(path, b"".join(lines[dropped:]))


def by_shard(entries: Iterable[tuple[int, bytes]]) -> Mapping[str, dict[int, bytes]]:
    """`entries`, pairs of index and bytes, by the path of their artifact's shard, or of the key events.

    What is neither an observation nor a key event has none.
    """
    paths: dict[str, dict[int, bytes]] = {}
    for index, entry in entries:
        try:
            paths.setdefault(_path_of(entry), {})[index] = entry
        except Malformed:
            continue
    return paths


def _path_of(entry: bytes) -> str:
    if keyevent.is_event(entry):
        keyevent.read(entry)
        return keyevent.PATH
    return bundle.shard_path(statement.parse(statement_in(entry)).sha256)


def _artifacts(shards: Iterable[str]) -> set[str]:
    """Those whose shards are among the files `shards`."""
    return {artifact_of(path) for path in shards if path != keyevent.PATH}


def _update_lookups(site: Store, reader: LogReader, shards: Iterable[str]) -> None:
    # A reader may be of an older tree, which cosigners had time for; a site's own checkpoint may not be there yet.
    size, fetch = max(reader.checkpoint.size, _published(site)), fetch_from(site)

    def everything() -> Iterator[set[str]]:
        for number in range(-(-size // WIDTH)):
            entries = fetch_entries(fetch, tile_of(ENTRIES, number, size))
            yield _artifacts(by_shard(enumerate(entries)))

    update(site, size, _artifacts(shards), everything)


def _published(site: Store) -> int:
    try:
        return Checkpoint.parse(note.parse(site.get(_CHECKPOINT, limit=MAX_CHECKPOINT)).text).size
    except NotFound:
        return 0


def _refreshed(state: Store, cosigners: str) -> dict[int, int]:
    """How many entries from the first on have bundles with at least so many of those whose keys have that digest."""
    try:
        data = state.get(_REFRESHED, limit=KIB)
        value = canonical.loads(data, what=_REFRESHED, limit=KIB)
        if value["cosigners"] != cosigners:
            return {}  # what others cosigned is nothing to those who know these
        return {int(number): int(size) for number, size in value["sizes"].items()}
    except (NotFound, Malformed, ValueError, AttributeError, KeyError, TypeError):
        return {}  # everything is looked at again
