"""Checkpoints as of c2sp.org/tlog-checkpoint: the note in which a log says how long it is and what it holds."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Self

from witness import note
from witness.base64text import decode_base64, encode_base64
from witness.errors import Malformed, Unverified
from witness.escape import printable
from witness.tlog import cosignature
from witness.tlog.cosignature import CosignerKey
from witness.tlog.merkle import EMPTY_ROOT, HASH_BYTES
from witness.tlog.succession import Link, succession_in

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree of `size` entries under `root`, in the log `origin`. `Checkpoint.parse(value.text) == value`."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """The checkpoint in the text of a note.

        Raises:
            Malformed: any other text, or an empty tree with a root that is not the empty one.
        """
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise Malformed("checkpoint: not at least three lines, none of them empty")
        origin, number, encoded, *extensions = lines[:-1]
        size = parse_number(number, what="checkpoint: size")
        root = decode_base64(encoded, what="checkpoint: root")
        if len(root) != HASH_BYTES:
            raise Malformed(f"checkpoint: a root of {len(root)} bytes instead of {HASH_BYTES}")
        if size == 0 and root != EMPTY_ROOT:
            raise Malformed("checkpoint: an empty tree with another root than the empty one")
        return cls(origin, size, root, tuple(extensions))

    @property
    def text(self) -> str:
        """The text to be signed, with its last line feed."""
        return "\n".join((self.origin, str(self.size), encode_base64(self.root), *self.extensions, ""))


@dataclass(frozen=True, slots=True)
class Cosignature:
    """That the holder of `key` cosigned at `at`, in seconds since 1970."""

    key: CosignerKey
    at: int


@dataclass(frozen=True, slots=True)
class VerifiedCheckpoint:
    """A checkpoint that its log signed, and the cosignatures by known keys that held. Made by `open_checkpoint`.

    `links` lead from the key that the reader knows to that which signed it.
    """

    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...]
    links: tuple[Link, ...] = ()


def open_checkpoint(
    data: bytes, log_key: note.VerifierKey, cosigners: Iterable[CosignerKey] = ()
) -> VerifiedCheckpoint:
    """The checkpoint of `log_key`'s log in the signed note `data`.

    That is signed by `log_key`, or by the key to which the note leads from it (witness.tlog.succession).

    Raises:
        Malformed: not a note, or not that of a checkpoint.
        Unverified: of another origin, not signed by the log, or a signature by a known key does not hold.
    """
    parsed = note.parse(data)
    checkpoint = Checkpoint.parse(parsed.text)
    if checkpoint.origin != log_key.name:
        raise Unverified(
            f"checkpoint: of the log {printable(checkpoint.origin)!r}, not of {printable(log_key.name)!r}"
        )
    succession = succession_in(parsed, log_key)
    links = succession.after(log_key.public_key) if succession else ()
    if links:
        log_key = replace(log_key, public_key=links[-1].key)
    if links and checkpoint.size < links[-1].size:
        raise Unverified(
            f"checkpoint: {checkpoint.size} entries, signed by the key for {links[-1].size} and more"
        )
    known = {(key.name, key.key_hash): key for key in cosigners}
    opened = note.open_note(parsed, (log_key, *known.values()))
    signers = [(signature.name, signature.key_hash) for signature in opened.signatures]
    if (log_key.name, log_key.key_hash) not in signers:
        raise Unverified(f"checkpoint: not signed by the log {printable(log_key.name)!r}")
    cosignatures = tuple(
        Cosignature(known[signer], cosignature.time_of(signature))
        for signer, signature in zip(signers, opened.signatures, strict=True)
        if signer in known
    )
    return VerifiedCheckpoint(checkpoint, cosignatures, links)


def parse_number(text: str, *, what: str) -> int:
    """A size or index below 2**63 in decimal without leading zeros. Raises `Malformed`."""
    if not _NUMBER.fullmatch(text) or int(text) >= 1 << 63:
        raise Malformed(f"{what}: not a number in canonical form: {printable(text, limit=40)!r}")
    return int(text)
