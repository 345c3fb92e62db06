"""The keys of a log, one after the other: a signature line that leads from the key that a reader knows to the newest.

A log is known by one key for good. When that is replaced, it signs a link: "trees of so many entries and more are
signed by that key", and signs none of more than so many any longer. Every checkpoint from then on has all links in one
line, and a line by the newest key. So whoever knows any of the keys verifies a checkpoint, a bundle or evidence by
itself, and needs nothing else for it.

The line is a signature of a note (c2sp.org/signed-note) of a type of our own, which others pass over, as they must; to
them the log has its newest key. Its bytes are the first key, and for each link a size in 8 bytes, the next key, and
the signature by the key before. What proves that a log said two things by it is in witness.tlog.contradiction.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Self

from witness.base64text import encode_base64
from witness.errors import Malformed
from witness.escape import printable
from witness.keys import KEY_BYTES, SIGNATURE_BYTES, PublicKey
from witness.note import KEY_HASH_BYTES, Note, Signature, VerifierKey

MAX_LINKS: Final = 32
_TYPE: Final = b"\xffwheelwitness log succession v1"  # c2sp.org/signed-note: a type without a number
_SIZE_BYTES: Final = 8
_LINK_BYTES: Final = _SIZE_BYTES + KEY_BYTES + SIGNATURE_BYTES


@dataclass(frozen=True, slots=True)
class Link:
    """Trees of `size` entries and more are signed by `key`: a `signature` by the key before says so.

    That of `size` entries by both: it was there when the keys changed.
    """

    size: int
    key: PublicKey
    signature: bytes

    @property
    def told(self) -> tuple[int, PublicKey]:
        """What it says."""
        return self.size, self.key


@dataclass(frozen=True, slots=True)
class Succession:
    """The keys of the log `origin`, from `first` on, in the form that a line has. Nothing is verified.

    `Succession.parse(value.line) == value`.
    """

    origin: str
    first: PublicKey
    links: tuple[Link, ...]

    def __post_init__(self) -> None:
        sizes = [link.size for link in self.links]
        if not 0 < len(sizes) <= MAX_LINKS or sizes != sorted(sizes) or sizes[-1] >= 1 << 63:
            raise Malformed(f"log succession: not 1 to {MAX_LINKS} links, in the order of their sizes")
        if len(set(self.keys)) != len(self.keys):
            raise Malformed("log succession: a key that comes twice")

    @classmethod
    def parse(cls, line: Signature) -> Self:
        """The succession in such a line. Raises `Malformed`."""
        data = line.data
        if len(data) < KEY_BYTES or (len(data) - KEY_BYTES) % _LINK_BYTES:
            raise Malformed(f"log succession: a line of {len(data)} bytes")
        parts = [data[at : at + _LINK_BYTES] for at in range(KEY_BYTES, len(data), _LINK_BYTES)]
        return cls(line.name, PublicKey(data[:KEY_BYTES]), tuple(map(_link, parts)))

    @property
    def keys(self) -> tuple[PublicKey, ...]:
        """All of them, the newest at the end."""
        return (self.first, *(link.key for link in self.links))

    @property
    def line(self) -> Signature:
        """The line for checkpoints."""
        links = (
            link.size.to_bytes(_SIZE_BYTES, "big") + link.key.raw + link.signature for link in self.links
        )
        return Signature(self.origin, _key_hash(self.origin), self.first.raw + b"".join(links))

    def after(self, key: PublicKey) -> tuple[Link, ...]:
        """The links that lead on from `key`, verified; none if it is not one of the log's.

        Raises:
            Unverified: one is not signed by the key before it.
        """
        if key not in self.keys:
            return ()
        at = self.keys.index(key)
        links = self.links[at:]
        for before, link in zip(self.keys[at:-1], links, strict=True):
            before.verify(_message(self.origin, *link.told), link.signature)
        return links


def begin(key: VerifierKey, size: int, new: PublicKey, sign: Callable[[bytes], bytes]) -> Succession:
    """The succession of the log of `key`, which `sign` signs by, to `new`. Raises `Malformed` for the same key."""
    return Succession(key.name, key.public_key, (_made(key.name, size, new, sign),))


def extend(held: Succession, size: int, new: PublicKey, sign: Callable[[bytes], bytes]) -> Succession:
    """`held` with one key more, where `sign` signs by its newest.

    Raises:
        Malformed: `new` was a key of the log, the trees were larger before, or there are as many keys as there may be.
    """
    return replace(held, links=(*held.links, _made(held.origin, size, new, sign)))


def succession_in(signed: Note, key: VerifierKey) -> Succession | None:
    """What a checkpoint of the log of `key` says of its keys, unverified. Raises `Malformed`."""
    wanted = (key.name, _key_hash(key.name))
    lines = {line for line in signed.signatures if (line.name, line.key_hash) == wanted}
    if len(lines) > 1:
        raise Malformed("log succession: two of them")
    return Succession.parse(lines.pop()) if lines else None


def lines_of_log(signed: Note, key: VerifierKey) -> tuple[Signature, ...]:
    """The lines of the checkpoint `signed` by which whoever knows the log by `key` verifies it.

    What leads to `key` itself is left out: any stranger can make a key whose successor it is.

    Raises:
        Malformed, Unverified: its keys do not follow from each other.
    """
    held = succession_in(signed, key)
    links = held.after(key.public_key) if held else ()
    newest = replace(key, public_key=links[-1].key) if links else key
    by_log = [line for line in signed.signatures if (line.name, line.key_hash) == (key.name, newest.key_hash)]
    lead = (Succession(key.name, key.public_key, links).line,) if links else ()
    return (*by_log[:1], *lead)


def quarrel(first: tuple[int, tuple[Link, ...]], second: tuple[int, tuple[Link, ...]]) -> str | None:
    """How two signed trees, each of a size, whose links lead on from one key, contradict each other; None if not."""
    (small, shorter), (_, longer) = sorted((first, second), key=lambda item: len(item[1]))
    for one, other in zip(shorter, longer, strict=False):
        if one.told != other.told:
            return "named two successors of one key"
    if len(shorter) < len(longer) and small > longer[len(shorter)].size:
        return f"signed {small} entries by a key that was replaced after {longer[len(shorter)].size}"
    return None


def _made(origin: str, size: int, new: PublicKey, sign: Callable[[bytes], bytes]) -> Link:
    return Link(size, new, sign(_message(origin, size, new)))


def _message(origin: str, size: int, new: PublicKey) -> bytes:
    """What the key before signs. Its first line has blanks, as no origin has: no checkpoint can be taken for it."""
    return f"wheelwitness log succession v1\n{origin}\n{size}\n{encode_base64(new.raw)}\n".encode()


def _key_hash(origin: str) -> bytes:
    return hashlib.sha256(origin.encode() + b"\n" + _TYPE).digest()[:KEY_HASH_BYTES]


def _link(data: bytes) -> Link:
    size = int.from_bytes(data[:_SIZE_BYTES], "big")
    key, signature = data[_SIZE_BYTES:-SIGNATURE_BYTES], data[-SIGNATURE_BYTES:]
    return Link(size, PublicKey(key), signature)


def described(links: tuple[Link, ...], key: VerifierKey) -> list[str]:
    """What follows on `key`, a printable line for each link."""
    keys = [replace(key, public_key=link.key) for link in links]
    return [
        f"{printable(held.text)} signs the log from {link.size} entries on"
        for held, link in zip(keys, links, strict=True)
    ]
