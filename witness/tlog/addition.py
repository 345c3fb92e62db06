"""What a log and a cosigner say to each other: `add-checkpoint` of c2sp.org/tlog-witness, as texts.

The log sends the size that the cosigner knows, a proof that its new tree begins with that one, and its checkpoint. The
cosigner answers with lines to be added to the checkpoint. Nothing in here is verified (witness.log.cosigner does).
"""

from dataclasses import dataclass
from typing import Final, Self

from witness import note
from witness.base64text import decode_base64, encode_base64
from witness.errors import Malformed
from witness.limits import KIB, MAX_CHECKPOINT
from witness.note import Signature
from witness.tlog.checkpoint import parse_number
from witness.tlog.merkle import HASH_BYTES

PATH: Final = "add-checkpoint"
SIZE_TYPE: Final = "text/x.tlog.size"
MAX_HASHES: Final = 63
MAX_ADDITION: Final = MAX_CHECKPOINT + 8 * KIB
_MAX_SIZE_LINE: Final = 20


@dataclass(frozen=True, slots=True)
class Addition:
    """The body of a request: the tree of `old` entries, a consistency proof from it, and a signed checkpoint.

    `Addition.parse(value.data) == value`.
    """

    old: int
    proof: tuple[bytes, ...]
    checkpoint: bytes

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The request in `data`, well formed down to the checkpoint's signature lines. Raises `Malformed`."""
        if len(data) > MAX_ADDITION:
            raise Malformed(f"add-checkpoint: {len(data)} bytes, more than the {MAX_ADDITION} allowed")
        head, divider, checkpoint = data.partition(b"\n\n")
        if not divider or not head.isascii():
            raise Malformed("add-checkpoint: no checkpoint after a blank line")
        first, *lines = head.decode("ascii").split("\n")
        if not first.startswith("old "):
            raise Malformed("add-checkpoint: does not begin with the old size")
        old = parse_number(first.removeprefix("old "), what="add-checkpoint: old size")
        if len(lines) > MAX_HASHES:
            raise Malformed(f"add-checkpoint: {len(lines)} hashes, more than a tree can be high")
        proof = tuple(decode_base64(line, what="add-checkpoint: hash") for line in lines)
        if any(len(value) != HASH_BYTES for value in proof):
            raise Malformed(f"add-checkpoint: a hash that is not {HASH_BYTES} bytes long")
        note.parse(checkpoint)
        return cls(old, proof, checkpoint)

    @property
    def data(self) -> bytes:
        """The bytes of the request."""
        lines = (f"old {self.old}", *map(encode_base64, self.proof), "", "")
        return "\n".join(lines).encode() + self.checkpoint


def encode_lines(signatures: tuple[Signature, ...]) -> bytes:
    """The body of a cosigner's answer."""
    return "".join(signature.line for signature in signatures).encode()


def parse_lines(data: bytes) -> tuple[Signature, ...]:
    """The signatures in a cosigner's answer, at least one, unverified. Raises `Malformed`."""
    if len(data) > MAX_CHECKPOINT:
        raise Malformed(f"add-checkpoint: an answer of {len(data)} bytes")
    try:
        return note.parse_signatures(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise Malformed("add-checkpoint: an answer that is not UTF-8") from None


def encode_size(size: int) -> bytes:
    """The body of the answer that names the newest tree which the cosigner knows."""
    return f"{size}\n".encode()


def parse_size(data: bytes) -> int:
    """The size in such an answer. Raises `Malformed`."""
    if len(data) > _MAX_SIZE_LINE or not data.isascii() or not data.endswith(b"\n"):
        raise Malformed("add-checkpoint: no size in the answer")
    return parse_number(data[:-1].decode("ascii"), what="add-checkpoint: size")
