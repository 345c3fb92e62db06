"""Signed notes as of c2sp.org/signed-note: a text, a blank line, and one line for each signature.

`encode(parse(data)) == data` for every `data` that parses. A parsed note is only well formed; what somebody signed
is an `OpenedNote`, which `open_note` alone makes. Keys of other algorithms plug in as further `Verifier`s
(witness.tlog.cosignature).
"""

import hashlib
import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol, Self, TypeAlias

from witness.base64text import decode_base64, encode_base64
from witness.errors import Malformed, Unverified
from witness.escape import printable
from witness.keys import MlDsaKey, PublicKey
from witness.limits import MAX_CHECKPOINT

ED25519: Final = 0x01
MAX_SIGNATURES: Final = 100
KEY_HASH_BYTES: Final = 4

_DASH: Final = "\u2014 "
KeyMaterial: TypeAlias = PublicKey | MlDsaKey

_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")  # all of C0 but the line feed
_NOT_IN_NAMES: Final = re.compile(r"[+\s\x00-\x1f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: the key's name and 4-byte hash, and what the key's algorithm calls a signature."""

    name: str
    key_hash: bytes
    data: bytes

    @property
    def line(self) -> str:
        """The line with its line feed."""
        return f"{_DASH}{self.name} {encode_base64(self.key_hash + self.data)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A well-formed note. `text` ends with a line feed. Nothing is said about its signatures' truth."""

    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """A text and the signatures on it that held, at least one, in the note's order. Made by `open_note`."""

    text: str
    signatures: tuple[Signature, ...]


class Verifier(Hashable, Protocol):
    """A key that a reader knows by name and hash. Two that are equal verify alike."""

    @property
    def name(self) -> str:
        """The key's name."""

    @property
    def key_hash(self) -> bytes:
        """The key's 4 bytes."""

    def verify(self, text: str, signature: bytes) -> None:
        """Returns if `signature` is this key's on `text`, and raises `Unverified` otherwise."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """An Ed25519 note key (algorithm 0x01). `VerifierKey.parse(key.text) == key`."""

    name: str
    public_key: PublicKey

    def __post_init__(self) -> None:
        check_name(self.name)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key in a `vkey` text. Raises `Malformed` for any other text or algorithm."""
        return cls(*parse_vkey(text, ED25519))

    @property
    def text(self) -> str:
        """The vkey: name, hex hash, and Base64 of algorithm and key, joined by `+`."""
        return format_vkey(self.name, ED25519, self.public_key)

    @property
    def key_hash(self) -> bytes:
        """The 4 bytes that signature lines name the key by."""
        return hash_key(self.name, ED25519, self.public_key)

    def verify(self, text: str, signature: bytes) -> None:
        """See `Verifier.verify`."""
        self.public_key.verify(text.encode(), signature)

    def sign(self, text: str, sign: Callable[[bytes], bytes]) -> Signature:
        """The signature of `text`, where `sign` makes this key's Ed25519 signatures."""
        return Signature(self.name, self.key_hash, sign(text.encode()))


# Bundles of one batch have the same checkpoint.
@lru_cache(maxsize=64)
def parse(data: bytes) -> Note:
    """The note in `data`.

    Raises:
        Malformed: too large, not UTF-8, control characters, no signature, too many, or a line that is none.
    """
    if len(data) > MAX_CHECKPOINT:
        raise Malformed(f"note: {len(data)} bytes, more than the {MAX_CHECKPOINT} allowed")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("note: not UTF-8") from None
    if _CONTROL.search(whole):
        raise Malformed("note: holds a control character")
    # The text may hold blank lines itself: the last one divides.
    body, divider, lines = whole.rpartition("\n\n")
    if not divider or not lines.endswith("\n"):
        raise Malformed("note: no signatures after a blank line")
    return Note(body + "\n", parse_signatures(lines))


def parse_signatures(lines: str) -> tuple[Signature, ...]:
    """The signatures of `lines`, at least one, each ended by a line feed. Raises `Malformed`."""
    if not lines.endswith("\n"):
        raise Malformed("note: signatures that do not end with a line feed")
    signatures = lines[:-1].split("\n")
    if len(signatures) > MAX_SIGNATURES:
        raise Malformed(f"note: {len(signatures)} signatures, more than the {MAX_SIGNATURES} allowed")
    return tuple(map(_parse_line, signatures))


def encode(note: Note | OpenedNote) -> bytes:
    """The bytes of `note`."""
    return (note.text + "\n" + "".join(signature.line for signature in note.signatures)).encode()


def open_note(note: Note, verifiers: Iterable[Verifier]) -> OpenedNote:
    """What the keys in `verifiers` signed.

    Signatures by other keys are left out. Every signature of a known key is checked, repeated ones too.

    Raises:
        Unverified: a signature by a known key does not hold, or there is none by a known key.
    """
    known = {(verifier.name, verifier.key_hash): verifier for verifier in verifiers}
    held = []
    for signature in note.signatures:
        verifier = known.get((signature.name, signature.key_hash))
        if verifier is None:
            continue
        try:
            _check(verifier, note.text, signature.data)
        except Unverified:
            raise Unverified(f"note: the signature by {printable(signature.name)} does not hold") from None
        held.append(signature)
    if not held:
        raise Unverified("note: not signed by any known key")
    return OpenedNote(note.text, tuple(held))


# What a bundle's checkpoint says is held against what was seen of its log before, by some of the same keys.
@lru_cache(maxsize=256)
def _check(verifier: Verifier, text: str, signature: bytes) -> None:
    verifier.verify(text, signature)


def check_name(name: str) -> None:
    """Raises `Malformed` unless `name` can name a key: not empty, no white space, no `+`, no control."""
    if not name or _NOT_IN_NAMES.search(name):
        raise Malformed(f"note: no name for a key: {printable(name, limit=80)!r}")


def parse_vkey(text: str, algorithm: int) -> tuple[str, PublicKey]:
    """Name and key of a vkey of `algorithm`, whose key material is an Ed25519 key. Raises `Malformed`."""
    name, found, raw = read_vkey(text)
    if found != algorithm:
        raise Malformed(f"vkey of {printable(name)}: not of algorithm 0x{algorithm:02x}")
    return name, PublicKey(raw)


def read_vkey(text: str) -> tuple[str, int, bytes]:
    """Name, algorithm and key material of a vkey.

    Raises:
        Malformed: not a vkey, or with a hash that is not its key's.
    """
    name, _, rest = text.partition("+")
    digest, _, material = rest.partition("+")
    check_name(name)
    raw = decode_base64(material, what=f"vkey of {printable(name)}")
    if not raw:
        raise Malformed(f"vkey of {printable(name)}: of no algorithm")
    if digest != hashlib.sha256(name.encode() + b"\n" + raw).digest()[:KEY_HASH_BYTES].hex():
        raise Malformed(f"vkey of {printable(name)}: the hash is not that of the key")
    return name, raw[0], raw[1:]


def format_vkey(name: str, algorithm: int, key: KeyMaterial) -> str:
    """The text that `read_vkey` reads."""
    digest = hash_key(name, algorithm, key).hex()
    return f"{name}+{digest}+{encode_base64(bytes([algorithm]) + key.raw)}"


def hash_key(name: str, algorithm: int, key: KeyMaterial) -> bytes:
    """The first 4 bytes of SHA-256(name, line feed, algorithm, key)."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([algorithm]) + key.raw).digest()[:KEY_HASH_BYTES]


def _parse_line(line: str) -> Signature:
    if not line.startswith(_DASH):
        raise Malformed("note: a signature line that does not begin with a dash")
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    check_name(name)
    data = decode_base64(encoded, what=f"note: the signature by {printable(name)}")
    if len(data) <= KEY_HASH_BYTES:
        raise Malformed(f"note: the signature by {printable(name)} is empty")
    return Signature(name, data[:KEY_HASH_BYTES], data[KEY_HASH_BYTES:])
