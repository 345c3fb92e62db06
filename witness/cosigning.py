"""A node among its peers: cosigns their logs, and gathers their cosignatures of its own.

Peers meet through static files. Each publishes what it cosigned (witness.log.cosigner.cosigned_path); the others fetch
that. So nobody needs to be reachable but for reading; whoever is can be asked at once besides (`add-checkpoint`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from witness import note
from witness.digest import sha256_hex
from witness.errors import Incomplete, InputError, Malformed, NotFound, Unverified, WheelwitnessError
from witness.escape import printable
from witness.fetch import Answer, HttpFetcher, Poster
from witness.limits import KIB, MAX_CHECKPOINT
from witness.log.cosigner import (
    Cosigner,
    Inconsistent,
    NotSigned,
    OtherSize,
    UnknownLog,
    cosigned_path,
    evidence_path,
    pull,
)
from witness.log.location import fetch_at
from witness.log.reader import LogReader, fetch_from
from witness.log.shards import refresh_all
from witness.log.writer import CHECKPOINT, COLLECTED, exclusive
from witness.note import Note, VerifierKey
from witness.signing.named import CheckpointCosigner
from witness.store.directory import DirectoryStore
from witness.store.interface import Store
from witness.tlog import contradiction
from witness.tlog.addition import (
    MAX_ADDITION,
    PATH,
    SIZE_TYPE,
    Addition,
    encode_lines,
    encode_size,
    parse_lines,
    parse_size,
)
from witness.tlog.checkpoint import VerifiedCheckpoint, open_checkpoint
from witness.tlog.cosignature import CosignerKey
from witness.tlog.succession import lines_of_log

# What the shell that serves `add-checkpoint` needs besides.
__all__ = [
    "MAX_ADDITION", "SIZE_TYPE", "Addition", "Cosigner", "Inconsistent", "NotSigned", "OtherSize", "OwnLog", "Peer",
    "Told", "UnknownLog", "accuse", "ask", "check_room", "cosign_peers", "encode_lines", "encode_size", "gather",
    "open_cosigner", "own_log", "parse_peer",
]  # fmt: skip

_PATIENCE: Final = 60.0  # seconds to wait for the process that publishes
# Of a checkpoint, for its text and the lines of the log itself and its own cosigner.
_OWN_BYTES: Final = 16 * KIB
_OWN_LINES: Final = 5


@dataclass(frozen=True, slots=True)
class Peer:
    """Another node: where its site is, its log, and, if they are known, its cosigner's keys and address."""

    url: str
    log_key: VerifierKey
    cosigner_keys: tuple[CosignerKey, ...] = ()
    ask: str | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return printable(self.log_key.name)


def parse_peer(url: str, log_key: str, cosigner_keys: Sequence[str] = (), ask: str = "") -> Peer:
    """The peer that a configuration says. Raises `InputError`."""
    try:
        key = VerifierKey.parse(log_key)
        return Peer(url, key, tuple(map(CosignerKey.parse, cosigner_keys)), ask or None)
    except Malformed as error:
        raise InputError(
            f"peer {printable(url)}: {error}", hint="Copy the whole key from the peer."
        ) from None


def check_room(peers: Sequence[Peer]) -> None:
    """Returns if a checkpoint can have a line of every cosigner of `peers`. Raises `InputError`."""
    keys = [key for peer in peers for key in peer.cosigner_keys]
    lines = [note.Signature(key.name, key.key_hash, bytes(key.cosignature_bytes)).line for key in keys]
    size = sum(len(line.encode()) for line in lines)
    if len(keys) + _OWN_LINES > note.MAX_SIGNATURES or size + _OWN_BYTES > MAX_CHECKPOINT:
        raise InputError(
            f"node.toml: {len(keys)} cosigner keys of peers, whose lines have no room in a checkpoint",
            hint="Leave the cosigner-key of some out: there is room for 95 of Ed25519, or for 14 of ML-DSA-44.",
        )


def open_cosigner(
    keys: Sequence[CheckpointCosigner], peers: Sequence[Peer], state: Path, site: Store
) -> Cosigner:
    """The cosigner of the logs of `peers`."""
    return Cosigner(keys, {peer.log_key.name: peer.log_key for peer in peers}, state, site)


@dataclass(slots=True)
class Told:
    """What a round did, a line each; `failed` and `accused` are for the exit code."""

    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    accused: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class OwnLog:
    """This node's log: its key, its site, and its state, where the writer's lock is. No private key."""

    key: VerifierKey
    site: Store
    state: Path


def own_log(log_key: str, origin: str, site: Store, state: Path) -> OwnLog:
    """The node's own log. Raises `InputError` if `log_key` is not the vkey of a log with that origin."""
    try:
        key = VerifierKey.parse(log_key)
    except Malformed as error:
        raise InputError(f"the log's own key: {error}") from None
    if key.name != origin:
        raise InputError(f"the log's own key is that of {printable(key.name)}, not of {printable(origin)}")
    return OwnLog(key, site, state)


def cosign_peers(cosigner: Cosigner, peers: Sequence[Peer], own: OwnLog, *, at: int, told: Told) -> None:
    """Cosigns the logs of `peers` as they are now; one peer's failure is told and hinders no other's."""
    fetcher = HttpFetcher()
    try:
        for peer in peers:
            try:
                reader = LogReader.open(fetch_at(peer.url, fetcher), peer.log_key)
                pull(cosigner, reader, peer.log_key, at=at)
            except Inconsistent as error:
                told.accused.append(accuse(error, own))
            except WheelwitnessError as error:
                told.failed.append(f"{peer.name}: not cosigned: {error}")
            else:
                told.done.append(f"{peer.name}: cosigned {reader.checkpoint.size} entries")
    finally:
        fetcher.close()


def accuse(error: Inconsistent, own: OwnLog) -> str:
    """One line about a log that was not cosigned, after the evidence, if there is any, was published."""
    if error.evidence is None:
        return str(error)
    path = evidence_path(error.evidence.log_key.name)
    # The first is enough: whoever has the log's key can make more than a disk holds.
    if not own.site.exists(path):
        own.site.put(path, contradiction.encode(error.evidence))
    return f"{error} (evidence: {path})"


def gather(own: OwnLog, peers: Sequence[Peer], *, told: Told) -> None:
    """Collects the peers' cosignatures of our log, adds them to its checkpoint, and proves bundles by it.

    Raises:
        Incomplete: another process writes to the log, or the disk failed.
        Unverified: a peer cosigned a tree that our log's key signed and that our log does not begin with.
    """
    asked = [peer for peer in peers if peer.cosigner_keys]
    keys = tuple(key for peer in asked for key in peer.cosigner_keys)
    if not keys or not own.site.exists(CHECKPOINT):
        return
    fetcher = HttpFetcher()
    try:
        found = list(_offered(own, asked, fetcher, told))
    finally:
        fetcher.close()
    best = _take(own, found, keys)
    if best is None:
        return
    signed, opened = best
    changed = refresh_all(
        own.site,
        DirectoryStore(own.state),
        LogReader(signed, opened, fetch_from(own.site)),
        own.key,
        keys,
        alone=lambda: exclusive(own.state, patience=_PATIENCE),
    )
    told.done.append(
        f"{printable(own.key.name)}: {opened.checkpoint.size} entries cosigned by "
        f"{len({item.key.name for item in opened.cosignatures})} peers; {changed} bundles proven anew"
    )


def _offered(own: OwnLog, peers: Sequence[Peer], fetcher: HttpFetcher, told: Told) -> Iterator[bytes]:
    """What each peer has cosigned of our log, unverified but well formed."""
    for peer in peers:
        try:
            if peer.ask is not None:
                yield ask(own, peer, fetcher)
                continue
            signed = fetch_at(peer.url, fetcher)(cosigned_path(own.key.name))
            note.parse(signed)
            yield signed
        except NotFound:
            told.done.append(f"{peer.name}: has not cosigned this log yet")
        except WheelwitnessError as error:
            told.failed.append(f"{peer.name}: no cosignature: {error}")


def ask(own: OwnLog, peer: Peer, poster: Poster) -> bytes:
    """Our checkpoint with the cosignature that `peer` gives when it is asked by `add-checkpoint`.

    Raises:
        Incomplete, Malformed: it refuses, or does not answer as it should.
    """
    reader = LogReader.open(fetch_from(own.site), own.key)
    store, path = DirectoryStore(own.state), f"asked/{sha256_hex(peer.log_key.text.encode())}"
    old = _number(store, path)
    held = note.parse(reader.signed)
    answer = _post(peer, Addition(min(old, reader.checkpoint.size), (), b""), reader, poster)
    if answer.status == 409:
        old = parse_size(answer.body)
        if old > reader.checkpoint.size:
            raise Unverified(f"it has cosigned {old} entries, and this log has {reader.checkpoint.size}")
        answer = _post(peer, Addition(old, (), b""), reader, poster)
    if answer.status != 200:
        raise Incomplete(f"add-checkpoint was answered {answer.status}")
    # Whatever else it wrote there, more than a note may hold even, is of no use to anybody.
    theirs = {(key.name, key.key_hash) for key in peer.cosigner_keys}
    given = {(item.name, item.key_hash): item for item in parse_lines(answer.body)}
    lines = tuple(item for key, item in given.items() if key in theirs)
    if not lines:
        raise Incomplete("add-checkpoint was answered without a line by the peer's cosigner-key")
    store.put(path, str(reader.checkpoint.size).encode())
    ours = tuple(item for item in held.signatures if item.name == own.key.name)
    return note.encode(Note(held.text, (*ours, *lines)))


def _post(peer: Peer, wanted: Addition, reader: LogReader, poster: Poster) -> Answer:
    held = note.parse(reader.signed)
    # Cosignatures are of no use to a cosigner, and would swell the request.
    ours = tuple(item for item in held.signatures if item.name == reader.checkpoint.origin)
    body = Addition(wanted.old, reader.consistency(wanted.old), note.encode(Note(held.text, ours)))
    return poster.post(f"{(peer.ask or '').rstrip('/')}/{PATH}", body.data, limit=MAX_CHECKPOINT)


def _number(store: Store, path: str) -> int:
    try:
        return int(store.get(path, limit=20))
    except (NotFound, ValueError):
        return 0


def _take(
    own: OwnLog, found: Sequence[bytes], keys: tuple[CosignerKey, ...]
) -> tuple[bytes, VerifiedCheckpoint] | None:
    """The best of `found` and of what was collected before, which is remembered, and published if it is of now."""
    fetch, state = fetch_from(own.site), DirectoryStore(own.state)
    with exclusive(own.state, patience=_PATIENCE):
        current = fetch(CHECKPOINT)
        reader = LogReader(current, open_checkpoint(current, own.key), fetch)
        best = _best(reader, [*found, *_collected(state)], own.key, keys)
        if best is not None:
            state.put(COLLECTED, best[0])
            if best[1].checkpoint == reader.checkpoint:
                own.site.put(CHECKPOINT, _merged([current, best[0]]))
        return best


def _best(
    reader: LogReader, found: Sequence[bytes], log_key: VerifierKey, keys: tuple[CosignerKey, ...]
) -> tuple[bytes, VerifiedCheckpoint] | None:
    """The tree that most of the cosigners vouch for together, the largest of such, as a signed checkpoint."""
    by_text: dict[str, list[bytes]] = {}
    for signed in found:
        by_text.setdefault(note.parse(signed).text, []).append(signed)
    candidates = []
    for notes in by_text.values():
        opened = _valid(notes, log_key, keys)
        if not opened or opened[1].checkpoint.size > reader.checkpoint.size:
            continue
        tree = opened[1].checkpoint
        if reader.root_at(tree.size) != tree.root:
            raise Unverified(f"{printable(log_key.name)}: another tree of {tree.size} entries was cosigned")
        candidates.append(opened)
    return max(
        candidates,
        key=lambda item: (len({held.key for held in item[1].cosignatures}), item[1].checkpoint.size),
        default=None,
    )


def _valid(
    notes: Sequence[bytes], log_key: VerifierKey, keys: tuple[CosignerKey, ...]
) -> tuple[bytes, VerifiedCheckpoint] | None:
    """Notes of one text as one, without those in which a signature does not hold; None if no peer cosigned it."""
    known = {(key.name, key.key_hash) for key in keys}
    good = []
    for signed in notes:
        try:
            if not open_checkpoint(signed, log_key, keys).cosignatures:
                continue
        except (Malformed, Unverified):
            continue
        # Whatever else a peer wrote there, a line in our own cosigner's name say, does not get into our files.
        held = note.parse(signed)
        lines = [item for item in held.signatures if (item.name, item.key_hash) in known]
        good.append(note.encode(Note(held.text, (*lines_of_log(held, log_key), *lines))))
    if not good:
        return None
    signed = _merged(good)
    return signed, open_checkpoint(signed, log_key, keys)


def _merged(notes: Sequence[bytes]) -> bytes:
    """Notes of one text as one, with the newest line of each key, in the order in which keys come first."""
    parsed = [note.parse(signed) for signed in notes]
    lines: dict[tuple[str, bytes], note.Signature] = {}
    for signature in (item for each in parsed for item in each.signatures):
        key = signature.name, signature.key_hash
        # A cosignature begins with its time; all others of a key are equal.
        lines[key] = max(lines.get(key, signature), signature, key=lambda item: item.data)
    return note.encode(Note(parsed[0].text, tuple(lines.values())))


def _collected(state: Store) -> Sequence[bytes]:
    try:
        return [state.get(COLLECTED, limit=MAX_CHECKPOINT)]
    except NotFound:
        return []
