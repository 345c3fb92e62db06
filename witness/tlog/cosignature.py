"""Timestamped Ed25519 cosignatures (`cosignature/v1`, algorithm 0x04) as of c2sp.org/tlog-cosignature.

A cosigner says: at this time, this was the largest consistent tree that I had seen of this origin.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self

from witness.errors import Unverified
from witness.keys import SIGNATURE_BYTES, PublicKey
from witness.note import Signature, check_name, format_vkey, hash_key, parse_vkey

COSIGNATURE: Final = 0x04
# The last second of the year 9999, beyond which RFC 3339 has no name for it.
MAX_TIME: Final = 253_402_300_799

_TIME_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class CosignerKey:
    """A cosigner's key: a `note.Verifier`. `CosignerKey.parse(key.text) == key`."""

    name: str
    public_key: PublicKey

    def __post_init__(self) -> None:
        check_name(self.name)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key in a `vkey` text. Raises `Malformed` for any other text or algorithm."""
        return cls(*parse_vkey(text, COSIGNATURE))

    @property
    def text(self) -> str:
        """The vkey."""
        return format_vkey(self.name, COSIGNATURE, self.public_key)

    @property
    def key_hash(self) -> bytes:
        """The 4 bytes that signature lines name the key by."""
        return hash_key(self.name, COSIGNATURE, self.public_key)

    def verify(self, text: str, signature: bytes) -> None:
        """Returns if `signature` is this key's cosignature of the note text `text`.

        Raises:
            Unverified: it is not, or its time cannot be told.
        """
        if len(signature) != _TIME_BYTES + SIGNATURE_BYTES:
            raise Unverified(f"a cosignature of {len(signature)} bytes")
        at = int.from_bytes(signature[:_TIME_BYTES], "big")
        if at > MAX_TIME:
            raise Unverified("a cosignature from beyond the year 9999")
        self.public_key.verify(message(text, at), signature[_TIME_BYTES:])

    def sign(self, text: str, at: int, sign: Callable[[bytes], bytes]) -> Signature:
        """The cosignature of `text` at `at`, where `sign` makes this key's Ed25519 signatures."""
        if not 0 <= at <= MAX_TIME:
            raise ValueError(f"no time of a cosignature: {at}")
        return Signature(self.name, self.key_hash, at.to_bytes(_TIME_BYTES, "big") + sign(message(text, at)))


def message(text: str, at: int) -> bytes:
    """What a cosigner signs: `text` is that of the note, `at` is in seconds since 1970."""
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def time_of(signature: Signature) -> int:
    """When a cosignature that held was made, in seconds since 1970."""
    return int.from_bytes(signature.data[:_TIME_BYTES], "big")
