"""Public keys: Ed25519 (RFC 8032), as policies and nodes write them (`ed25519:` and the Base64 of 32 bytes), and
ML-DSA-44 (FIPS 204), which cosigners elsewhere may have.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

from witness.base64text import decode_base64, encode_base64
from witness.errors import Malformed, Unverified

KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
ML_DSA_KEY_BYTES: Final = 1312
ML_DSA_SIGNATURE_BYTES: Final = 2420

_PREFIX: Final = "ed25519:"
# RFC 8410: what comes before the 32 bytes in the SubjectPublicKeyInfo of every Ed25519 key.
_SPKI_PREFIX: Final = bytes.fromhex("302a300506032b6570032100")


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 public key; `raw` is its 32 bytes. `PublicKey.parse(key.text) == key`."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != KEY_BYTES:
            raise Malformed(f"an Ed25519 key of {len(self.raw)} bytes instead of {KEY_BYTES}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key in `ed25519:<Base64>`.

        Raises:
            Malformed: any other text.
        """
        if not text.startswith(_PREFIX):
            raise Malformed(f"key: does not begin with {_PREFIX!r}")
        return cls(decode_base64(text.removeprefix(_PREFIX), what="key"))

    @property
    def text(self) -> str:
        """`ed25519:` and the canonical Base64 of `raw`."""
        return _PREFIX + encode_base64(self.raw)

    @property
    def key_id(self) -> str:
        """The hex SHA-256 of the key's SubjectPublicKeyInfo in DER."""
        return hashlib.sha256(_SPKI_PREFIX + self.raw).hexdigest()

    def verify(self, message: bytes, signature: bytes) -> None:
        """Returns if `signature` is this key's on `message`.

        Raises:
            Unverified: it is not.
        """
        try:
            _loaded(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            raise Unverified(f"not a signature by {self.text}") from None


@lru_cache(maxsize=256)
def _loaded(raw: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(raw)


@dataclass(frozen=True, slots=True)
class MlDsaKey:
    """An ML-DSA-44 public key; `raw` is its 1312 bytes."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != ML_DSA_KEY_BYTES:
            raise Malformed(f"an ML-DSA-44 key of {len(self.raw)} bytes instead of {ML_DSA_KEY_BYTES}")

    def verify(self, message: bytes, signature: bytes) -> None:
        """Returns if `signature` is this key's on `message`, with an empty context. Raises `Unverified`."""
        try:
            MLDSA44PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            raise Unverified("not a signature by the ML-DSA-44 key") from None
