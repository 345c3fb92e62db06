"""A verified copy of a log, so that what a witness said stays readable when its node is gone.

Every tile and entry is hashed up to the signed checkpoint before it is written. The shards are made anew from the
entries: what a node shows or withholds in its own has no influence. A consumer names the copy's site in his policy in
place of the node's address; nothing in it needs to be believed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from witness import note
from witness.errors import Incomplete, InputError, Malformed, NotFound, Unverified
from witness.fetch import Fetcher
from witness.limits import MAX_CHECKPOINT
from witness.log.location import fetch_at
from witness.log.reader import LogReader, fetch_from
from witness.log.seen import Caught, SeenLog
from witness.log.shards import add_bundles, refresh_all
from witness.log.writer import CHECKPOINT, exclusive, grow, last_bundle
from witness.note import Note, VerifierKey
from witness.store.directory import DirectoryStore
from witness.store.interface import Store
from witness.tlog.checkpoint import Checkpoint, open_checkpoint
from witness.tlog.contradiction import Fork
from witness.tlog.cosignature import CosignerKey
from witness.tlog.edge import WIDTH, Edge
from witness.tlog.merkle import EMPTY_ROOT
from witness.tlog.succession import lines_of_log
from witness.tlog.tiles import Fetch, limit_of, read_edge

_STEP: Final = 16 * WIDTH  # entries that are held in memory at once


@dataclass(frozen=True, slots=True)
class Mirrored:
    """The entries that the copy has now, how many of them are new, and what was ever proven against the log."""

    size: int
    added: int
    caught: tuple[Caught, ...] = ()


def mirror(
    fetch: Fetch,
    directory: Path,
    log_key: VerifierKey,
    cosigners: Sequence[CosignerKey] = (),
    *,
    progress: Callable[[int], None] = lambda _: None,
    lookups: bool = True,
) -> Mirrored:
    """Brings the copy in `directory` up to the log that `fetch` reads, or leaves it if the log contradicts itself.

    What a run that was interrupted has copied is not fetched again, only verified again. With `lookups`, the copy has
    files for lookups by prefix, which only those need who ask over a network.

    The copy is in `site/`; `state/` has what was seen of the log, and evidence. Of the checkpoint's signature lines
    only those by the log and `cosigners` are kept: one that does not hold would make consumers refuse the whole.

    Raises:
        Incomplete: the log is older than the copy, a file could not be had, or another process is at it.
        Unverified, Malformed: a file is not what the log's checkpoint says.
        InputError: the directory cannot be used.
    """
    site, state = DirectoryStore(directory / "site"), directory / "state"
    with exclusive(state):
        signed = only_by(fetch(CHECKPOINT), log_key, cosigners)
        verified = open_checkpoint(signed, log_key, cosigners)
        seen = SeenLog(state, log_key)
        seen.see(signed)
        seen.save()  # before anything of it is copied: a log that forks meanwhile is convicted by it
        here = _tree(site, log_key)
        if verified.checkpoint.size < here.size:
            raise Incomplete(
                f"{log_key.name}: serves {verified.checkpoint.size} entries, the copy has {here.size}"
            )
        reader = LogReader(signed, verified, _resumed(fetch, site))
        root = reader.root_at(here.size)
        if root != here.root:
            seen.convict(Fork(log_key, _signed(site), signed, root, reader.consistency(here.size)))
        if not seen.convictions:
            seen.compare(fetch)
        if seen.convictions:
            return Mirrored(here.size, 0, seen.convictions)
        _copy(reader, site, here, progress, lookups=lookups)
        if cosigners:
            copied = LogReader(signed, verified, fetch_from(site))
            refresh_all(site, DirectoryStore(state), copied, log_key, cosigners, lookups=lookups)
        site.put(CHECKPOINT, signed)
        seen.save()
    return Mirrored(verified.checkpoint.size, verified.checkpoint.size - here.size)


def _resumed(fetch: Fetch, site: Store) -> Fetch:
    """`fetch`, but for complete tiles that are in the copy already. A reader verifies them like any other."""

    def get(path: str) -> bytes:
        if path.startswith("tile/") and ".p/" not in path:
            try:
                return site.get(path, limit=limit_of(path))
            except NotFound:
                pass
        return fetch(path)

    return get


def copy_from(
    location: str, fetcher: Fetcher, directory: Path, log_key: str, cosigner_keys: Sequence[str] = ()
) -> Mirrored:
    """`mirror` of the log at `location`, a web address or a directory, with keys as vkeys."""
    try:
        key = VerifierKey.parse(log_key)
        cosigners = tuple(map(CosignerKey.parse, cosigner_keys))
    except Malformed as error:
        raise InputError(f"key: {error}", hint="Copy the whole key from the witness.") from None
    return mirror(fetch_at(location, fetcher), directory, key, cosigners)


def only_by(signed: bytes, log_key: VerifierKey, cosigners: Sequence[CosignerKey]) -> bytes:
    """The signed note without the lines of others. Raises `Malformed`, and `Unverified` if none is left."""
    parsed = note.parse(signed)
    known = {(key.name, key.key_hash) for key in cosigners}
    lines = [item for item in parsed.signatures if (item.name, item.key_hash) in known]
    kept = (*lines_of_log(parsed, log_key), *lines)
    if not kept:
        raise Unverified("note: not signed by any known key")
    return note.encode(Note(parsed.text, kept))


def _copy(
    reader: LogReader, site: Store, here: Checkpoint, progress: Callable[[int], None], *, lookups: bool
) -> None:
    fetch = fetch_from(site)
    edge = read_edge(here.size, here.root, fetch)
    size = reader.checkpoint.size
    while edge.size < size:
        # Up to the next multiple, so that few partial tiles are written that the log never had.
        stop = min(size, (edge.size // _STEP + 1) * _STEP)
        entries = list(reader.entries(edge.size, stop))
        growth = grow(edge, last_bundle(edge, fetch), entries)
        for path, data in growth.files:
            site.add(path, data)
        for path in growth.outdated:
            site.remove(path)
        edge = growth.edge
        progress(len(entries))
    _check(edge, reader.checkpoint)
    copied = LogReader(reader.signed, reader.verified, fetch)
    for low in range(here.size, size, _STEP):
        part = copied.entries(low, min(low + _STEP, size))
        add_bundles(site, copied, enumerate(part, low), lookups=lookups)


def _check(edge: Edge, tree: Checkpoint) -> None:
    if edge.root != tree.root:
        raise Unverified(f"{tree.origin}: what was copied leads to another root")


def _tree(site: Store, log_key: VerifierKey) -> Checkpoint:
    signed = _signed(site)
    return open_checkpoint(signed, log_key).checkpoint if signed else Checkpoint(log_key.name, 0, EMPTY_ROOT)


def _signed(site: Store) -> bytes:
    try:
        return site.get(CHECKPOINT, limit=MAX_CHECKPOINT)
    except NotFound:
        return b""
