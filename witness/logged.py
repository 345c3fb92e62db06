"""What a witness's log says of published files, in the log's order, for whoever shows it to people.

Of a copy in a local directory: a node's own site, or a mirror. Every entry is hashed up to the checkpoint that the
log's key signed. Its signature is checked by the keys that the identity names and those that the log leads to from
there; that of a witness who signs in a name, by Sigstore, is not: the log's key answers for those.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from witness import bundle, commitment, dsse, keyevent, nodeinfo, note, statement
from witness.bundle import Bundle
from witness.config import load_policy
from witness.digest import sha256_hex
from witness.entry import statement_in
from witness.errors import Incomplete, InputError, Malformed, NotFound, Unverified
from witness.escape import printable
from witness.keychain import follow, verify_logged
from witness.limits import MAX_CHECKPOINT, MAX_KEYS
from witness.log.reader import LogReader, fetch_from
from witness.nodeinfo import MAX_NODE
from witness.statement import Statement
from witness.store.directory import DirectoryStore
from witness.tlog.checkpoint import Checkpoint, VerifiedCheckpoint
from witness.tlog.edge import WIDTH
from witness.verification import WitnessIdentity

_CHECKPOINT: Final = "checkpoint"
_KEPT: Final = 32  # bundles of entries that are held in memory, some 700 kB each


@dataclass(frozen=True, slots=True)
class Source:
    """Whose log is read, where its files are, and the web address at which they are served, or an empty one."""

    identity: WitnessIdentity
    site: Path
    url: str = ""

    @property
    def name(self) -> str:
        """The witness's name."""
        return self.identity.name

    @property
    def operator(self) -> str:
        """Who runs it."""
        return self.identity.operator

    @property
    def reports(self) -> Path:
        """Where a node publishes its difference reports."""
        return self.site / "reports"

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        """What each public key is for, and its text."""
        identity = self.identity
        named = [] if identity.sigstore is None else [("observations, by Sigstore", identity.sigstore.text)]
        cosigner = [] if identity.cosigner_key is None else [("cosigner", identity.cosigner_key.text)]
        keys = [("observations", key.text) for key in identity.keys]
        return *keys, *named, ("log", identity.log_key.text), *cosigner


@dataclass(frozen=True, slots=True)
class Said:
    """What the entry `index` is: a statement that counts, so many `commitments`, or what else, in words, in `other`."""

    index: int
    statement: Statement | None = None
    commitments: int = 0
    other: str = ""


class LoggedWitness:
    """The log of a `Source` as of its checkpoint. Methods raise `Unverified`, `Malformed` or `Incomplete`."""

    def __init__(self, source: Source, reader: LogReader, events: Sequence[Bundle]) -> None:
        self.source = source
        self._reader, self._chain = reader, follow(source.identity, events).chain
        self._events = frozenset(event.proof.index for event in events)
        self._entries = lru_cache(maxsize=_KEPT)(self._read)

    @classmethod
    def open(cls, source: Source) -> Self:
        """Raises `Incomplete` if files are missing, `Unverified` or `Malformed` if they are not the log's."""
        store = DirectoryStore(source.site)
        cosigners = () if source.identity.cosigner_key is None else (source.identity.cosigner_key,)
        try:
            reader = LogReader.open(fetch_from(store), source.identity.log_key, cosigners)
        except NotFound:
            raise InputError(
                f"{source.site}: no log here", hint="A node has one as soon as it has published something."
            ) from None
        try:
            events = bundle.parse_shard(store.get(keyevent.PATH, limit=MAX_KEYS))
        except NotFound:
            events = ()
        for event in events:
            verify_logged(event, source.identity)
        return cls(source, reader, events)

    @property
    def size(self) -> int:
        """How many entries the log has."""
        return self._reader.checkpoint.size

    @property
    def verified(self) -> VerifiedCheckpoint:
        """The checkpoint."""
        return self._reader.verified

    @property
    def time(self) -> datetime | None:
        """When the witness itself last cosigned the checkpoint."""
        times = [item.at for item in self.verified.cosignatures]
        return datetime.fromtimestamp(max(times), UTC) if times else None

    @property
    def authority(self) -> str:
        """A digest of what decides which entries count, but for keys that only speak from later entries on."""
        identity, spans = self.source.identity, self._chain.spans
        revoked = sorted((span.key.text, span.revoked) for span in spans if span.revoked)
        pinned = sorted(key.text for key in identity.keys)
        return sha256_hex(repr((identity.name, identity.log_key.text, pinned, revoked)).encode())

    def check_continues(self, size: int, root: str) -> None:
        """Returns if the log begins with the tree of `size` entries under `root`, in hex. Raises `Unverified`."""
        if size > self.size:
            raise Incomplete(f"{self.source.site}: has {self.size} entries, and {size} were shown before")
        if self.root_at(size) != root:
            raise Unverified(f"{self.source.site}: is not the log that was shown before")

    def root_at(self, size: int) -> str:
        """The root of the tree of the first `size` entries, in hex."""
        return self._reader.root_at(size).hex()

    def between(self, start: int, stop: int) -> Iterator[Said]:
        """What each entry is, from `start` until before `stop`."""
        for index in range(start, stop):
            yield self._said(index, self._entry(index))

    def statement(self, index: int) -> Statement:
        """The statement that is entry `index`. Raises `Unverified` if that is something else."""
        said = self._said(index, self._entry(index))
        if said.statement is None:
            raise Unverified(f"{self.source.site}: entry {index} is no observation that counts")
        return said.statement

    def _entry(self, index: int) -> bytes:
        return self._entries(index // WIDTH)[index % WIDTH]

    def _read(self, number: int) -> tuple[bytes, ...]:
        return tuple(self._reader.entries(number * WIDTH, (number + 1) * WIDTH))

    def _said(self, index: int, entry: bytes) -> Said:
        if keyevent.is_event(entry):
            if index not in self._events:
                raise Incomplete(f"{self.source.site}: {keyevent.PATH} lacks the key event of entry {index}")
            return Said(index, other="a key event")
        try:
            if commitment.is_commitments(entry):
                return Said(index, commitments=len(commitment.parse(entry).digests))
            return Said(index, self._counted(index, entry))
        except (Malformed, Unverified) as error:
            return Said(index, other=str(error))

    def _counted(self, index: int, entry: bytes) -> Statement:
        identity = self.source.identity
        if identity.sigstore is None:
            keys = [span.key for span in self._chain.spans]
            opened = dsse.open_envelope(dsse.parse(entry), keys)
            said = statement.parse(opened.payload)
            self._chain.check(opened.signer, index, said.observation.attempt.finished_at)
        else:
            said = statement.parse(statement_in(entry))
        name = said.observation.builder.name
        if name != identity.name:
            raise Unverified(f"entry {index}: made by {printable(name)!r}")
        return said


def of_node(site: Path) -> Source:
    """The node whose `node.json` is in `site`. Whoever names a directory as his own node's believes it.

    Raises:
        InputError: there is none, or it does not name a node's keys.
    """
    try:
        told = nodeinfo.parse(DirectoryStore(site).get("node.json", limit=MAX_NODE))
    except NotFound:
        raise InputError(f"{site}: no node.json here", hint="`rebuilder init` makes a node.") from None
    except Malformed as error:
        raise InputError(f"{site}: {error}", hint="`rebuilder init` writes it.") from None
    return Source(told.identity, site, told.url)


def of_policy(named: Path | None, sites: Sequence[Path]) -> list[Source]:
    """The witnesses of a policy, in its order, whose logs are in `sites`; without any, those with a local address.

    `sites` are a node's site each, or what `rebuilder mirror` made. Whose log one is, its checkpoint says; that is
    believed as soon as the key that the policy has for it verifies it.

    Raises:
        InputError: one is of no witness of the policy, or there is none.
    """
    loaded = load_policy(named)
    shown = printable(str(loaded.path))
    copies = {origin_of(site): site for site in map(_site_in, sites)}
    sources = []
    for witness in loaded.policy.witnesses:
        web = urlsplit(witness.url).scheme in ("http", "https")
        copy = copies.pop(witness.identity.log_key.name, None)
        if copy is None and not sites and not web:
            copy = _site_in(Path(loaded.location(witness)))
        if copy is not None:
            sources.append(Source(witness.identity, copy, witness.url if web else ""))
    for origin, site in copies.items():
        raise InputError(f"{site}: the log {printable(origin)}, which {shown} does not name")
    if not sources:
        hint = "Copy their logs with `rebuilder mirror`, and name the copies."
        raise InputError(f"{shown}: no witness whose log is here", hint=hint)
    return sources


def origin_of(site: Path) -> str:
    """The name of the log in `site`, as its checkpoint has it, unverified. Raises `InputError` if there is none."""
    try:
        signed = DirectoryStore(site).get(_CHECKPOINT, limit=MAX_CHECKPOINT)
        return Checkpoint.parse(note.parse(signed).text).origin
    except (NotFound, Malformed) as error:
        raise InputError(
            f"{site}: no log here: {error}", hint="Name a node's site, or what `rebuilder mirror` made."
        ) from None


def _site_in(path: Path) -> Path:
    """`path` itself, or the site in it if it is a node's or a mirror's directory."""
    return path if (path / _CHECKPOINT).exists() or not (path / "site").is_dir() else path / "site"
