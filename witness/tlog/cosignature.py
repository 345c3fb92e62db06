"""Timestamped cosignatures as of c2sp.org/tlog-cosignature: Ed25519 (`cosignature/v1`, 0x04) and ML-DSA-44 (0x06).

A cosigner says: at this time, this was the largest consistent tree that I had seen of this origin.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

from witness.base64text import decode_base64
from witness.errors import Malformed, Unverified
from witness.escape import printable
from witness.keys import ML_DSA_SIGNATURE_BYTES, SIGNATURE_BYTES, MlDsaKey, PublicKey
from witness.note import KeyMaterial, Signature, check_name, format_vkey, hash_key, read_vkey

COSIGNATURE: Final = 0x04
ML_DSA_COSIGNATURE: Final = 0x06
# The last second of the year 9999, beyond which RFC 3339 has no name for it.
MAX_TIME: Final = 253_402_300_799

_TIME_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class CosignerKey:
    """A cosigner's key: a `note.Verifier`. `CosignerKey.parse(key.text) == key`."""

    name: str
    public_key: KeyMaterial

    def __post_init__(self) -> None:
        check_name(self.name)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key in a `vkey` text. Raises `Malformed` for any other text or algorithm."""
        name, algorithm, raw = read_vkey(text)
        if algorithm == COSIGNATURE:
            return cls(name, PublicKey(raw))
        if algorithm == ML_DSA_COSIGNATURE:
            return cls(name, MlDsaKey(raw))
        raise Malformed(f"vkey of {printable(name)}: not of algorithm 0x04 or 0x06")

    @property
    def algorithm(self) -> int:
        """The number by which C2SP knows the kind of signature."""
        return COSIGNATURE if isinstance(self.public_key, PublicKey) else ML_DSA_COSIGNATURE

    @property
    def text(self) -> str:
        """The vkey."""
        return format_vkey(self.name, self.algorithm, self.public_key)

    @property
    def key_hash(self) -> bytes:
        """The 4 bytes that signature lines name the key by."""
        return hash_key(self.name, self.algorithm, self.public_key)

    @property
    def cosignature_bytes(self) -> int:
        """How long a cosignature is: a time, and a signature."""
        ed25519 = self.algorithm == COSIGNATURE
        return _TIME_BYTES + (SIGNATURE_BYTES if ed25519 else ML_DSA_SIGNATURE_BYTES)

    def verify(self, text: str, signature: bytes) -> None:
        """Returns if `signature` is this key's cosignature of the note text `text`.

        Raises:
            Unverified: it is not, or its time cannot be told.
            Incomplete: its algorithm is not to be had here.
        """
        if len(signature) != self.cosignature_bytes:
            raise Unverified(f"a cosignature of {len(signature)} bytes")
        at = int.from_bytes(signature[:_TIME_BYTES], "big")
        if at > MAX_TIME:
            raise Unverified("a cosignature from beyond the year 9999")
        self.public_key.verify(self.message(text, at), signature[_TIME_BYTES:])

    def sign(self, text: str, at: int, sign: Callable[[bytes], bytes]) -> Signature:
        """The cosignature of `text` at `at`, where `sign` makes this key's signatures."""
        if not 0 <= at <= MAX_TIME:
            raise ValueError(f"no time of a cosignature: {at}")
        signed = sign(self.message(text, at))
        return Signature(self.name, self.key_hash, at.to_bytes(_TIME_BYTES, "big") + signed)

    def message(self, text: str, at: int) -> bytes:
        """What this key signs. Raises `Unverified` for a checkpoint that it cannot sign."""
        return message(text, at) if self.algorithm == COSIGNATURE else _subtree_message(self.name, text, at)


def message(text: str, at: int) -> bytes:
    """What an Ed25519 cosigner signs: `text` is that of the note, `at` is in seconds since 1970."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def time_of(signature: Signature) -> int:
    """When a cosignature that held was made, in seconds since 1970."""
    return int.from_bytes(signature.data[:_TIME_BYTES], "big")


def _subtree_message(name: str, text: str, at: int) -> bytes:
    """`cosigned_message` of the specification, for the whole tree of the checkpoint `text`."""
    try:
        origin, size, root = text.split("\n")[:3]
        start, end = (0).to_bytes(8, "big"), int(size).to_bytes(8, "big")
        head = b"subtree/v1\n\0" + _short(name) + at.to_bytes(_TIME_BYTES, "big")
        return head + _short(origin) + start + end + decode_base64(root, what="checkpoint: root")
    except (ValueError, OverflowError, Malformed):
        raise Unverified("a cosignature of what is no checkpoint") from None


def _short(text: str) -> bytes:
    data = text.encode()
    return bytes([len(data)]) + data
