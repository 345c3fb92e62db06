"""Proofs that an entry is in a log, checkable offline, as of c2sp.org/tlog-proof@v1. The entry comes from elsewhere."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

from witness import note
from witness.base64text import decode_base64, encode_base64
from witness.errors import Malformed
from witness.limits import KIB, MAX_CHECKPOINT
from witness.tlog.checkpoint import VerifiedCheckpoint, open_checkpoint, parse_number
from witness.tlog.cosignature import CosignerKey
from witness.tlog.merkle import HASH_BYTES, leaf_hash, verify_inclusion

HEADER: Final = "c2sp.org/tlog-proof@v1"
MAX_HASHES: Final = 63  # a tree has less than 2**63 entries
MAX_PROOF: Final = MAX_CHECKPOINT + 8 * KIB


@dataclass(frozen=True, slots=True)
class Proof:
    """The entry's index, the hashes beside its path, and the signed checkpoint (a note's bytes) that they lead to.

    `Proof.parse(value.text) == value`. `extra` is what a log may add; we never write any.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """The proof in `text`, well formed down to its checkpoint's signature lines.

        Raises:
            Malformed: any other text.
        """
        if len(text) > MAX_PROOF:
            raise Malformed(f"proof: {len(text)} characters, more than the {MAX_PROOF} allowed")
        head, divider, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        if not divider or lines.pop(0) != HEADER:
            raise Malformed(f"proof: not in the form {HEADER}")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = decode_base64(lines.pop(0).removeprefix("extra "), what="proof: extra")
        if not lines or not lines[0].startswith("index "):
            raise Malformed("proof: no index")
        index = parse_number(lines.pop(0).removeprefix("index "), what="proof: index")
        if len(lines) > MAX_HASHES:
            raise Malformed(f"proof: {len(lines)} hashes, more than a tree can be high")
        hashes = tuple(map(_hash, lines))
        try:
            data = checkpoint.encode()
        except UnicodeEncodeError:
            raise Malformed("proof: the checkpoint is not text") from None
        note.parse(data)
        return cls(index, hashes, data, extra)

    @property
    def text(self) -> str:
        """The text, which ends with that of the checkpoint."""
        extra = [] if self.extra is None else [f"extra {encode_base64(self.extra)}"]
        lines = [HEADER, *extra, f"index {self.index}", *map(encode_base64, self.hashes), "", ""]
        return "\n".join(lines) + self.checkpoint.decode()


# The proofs of one log have most of their hashes in common.
@lru_cache(maxsize=4096)
def _hash(line: str) -> bytes:
    value = decode_base64(line, what="proof: hash")
    if len(value) != HASH_BYTES:
        raise Malformed(f"proof: a hash that is not {HASH_BYTES} bytes long")
    return value


def verify_proof(
    proof: Proof, entry: bytes, log_key: note.VerifierKey, cosigners: Iterable[CosignerKey] = ()
) -> VerifiedCheckpoint:
    """The checkpoint of `log_key`'s log under which `entry` is at `proof.index`.

    Raises:
        Malformed: what the proof holds is not a checkpoint.
        Unverified: the checkpoint or the proof does not hold (see `open_checkpoint`).
    """
    opened = open_checkpoint(proof.checkpoint, log_key, cosigners)
    tree = opened.checkpoint
    verify_inclusion(leaf_hash(entry), proof.index, tree.size, proof.hashes, tree.root)
    return opened
