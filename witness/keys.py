"""Public keys, as policies and nodes write them: Ed25519 (RFC 8032), `ed25519:` and the Base64 of 32 bytes; for
observations also ECDSA on P-256 with SHA-256 (FIPS 186-5), `ecdsa-p256:` and the Base64 of the compressed point
(SEC 1). And ML-DSA-44 (FIPS 204), for cosigners, whose keys are written as a `vkey` (witness.tlog.cosignature).

One key has one text, and one signature value one text: what ECDSA leaves open (the sign of s, the form of the DER) is
refused, so that nobody can make a second entry of a log from a first.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from witness.base64text import decode_base64, encode_base64
from witness.errors import Incomplete, Malformed, Unverified

KEY_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
ECDSA_KEY_BYTES: Final = 33
ML_DSA_KEY_BYTES: Final = 1312
ML_DSA_SIGNATURE_BYTES: Final = 2420
ML_DSA_HINT: Final = "Install the `cryptography` of PyPI, which has an OpenSSL of its own."

_PREFIX: Final = "ed25519:"
_ECDSA_PREFIX: Final = "ecdsa-p256:"
# SEC 2, section 2.4.2: the order of the group, and so of the halves that a signature has.
_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_MAX_DER: Final = (
    72  # of a P-256 signature: two numbers of up to 33 bytes with a header each, and one around them
)
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
    def spki(self) -> bytes:
        """The key's SubjectPublicKeyInfo in DER."""
        return _SPKI_PREFIX + self.raw

    @property
    def key_id(self) -> str:
        """The hex SHA-256 of `spki`."""
        return _id_of(self.spki)

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


@lru_cache(maxsize=256)
def _id_of(spki: bytes) -> str:
    return hashlib.sha256(spki).hexdigest()


@dataclass(frozen=True, slots=True)
class EcdsaKey:
    """A P-256 public key; `raw` is its compressed point, 33 bytes. `EcdsaKey.parse(key.text) == key`."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != ECDSA_KEY_BYTES:
            raise Malformed(f"a P-256 key of {len(self.raw)} bytes instead of {ECDSA_KEY_BYTES}")
        try:
            point = self._point().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        except ValueError:
            raise Malformed("a P-256 key that is no point of the curve") from None
        if point != self.raw:
            raise Malformed("a P-256 key in another form than the compressed one")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key in `ecdsa-p256:<Base64>`.

        Raises:
            Malformed: any other text, or a point that is not on the curve.
        """
        if not text.startswith(_ECDSA_PREFIX):
            raise Malformed(f"key: does not begin with {_ECDSA_PREFIX!r}")
        return cls(decode_base64(text.removeprefix(_ECDSA_PREFIX), what="key"))

    @classmethod
    def of(cls, key: ec.EllipticCurvePublicKey) -> Self:
        """The same key. Raises `Malformed` for one of another curve."""
        if not isinstance(key.curve, ec.SECP256R1):
            raise Malformed(f"an ECDSA key of the curve {key.curve.name}, not P-256")
        return cls(key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint))

    @property
    def text(self) -> str:
        """`ecdsa-p256:` and the canonical Base64 of `raw`."""
        return _ECDSA_PREFIX + encode_base64(self.raw)

    @property
    def spki(self) -> bytes:
        """The key's SubjectPublicKeyInfo in DER, with the point uncompressed, as others write it."""
        return self._point().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def key_id(self) -> str:
        """The hex SHA-256 of `spki`."""
        return hashlib.sha256(self.spki).hexdigest()

    def verify(self, message: bytes, signature: bytes) -> None:
        """Returns if `signature`, in DER and with the lower of the two values of s, is this key's on `message`.

        Raises:
            Unverified: it is not.
        """
        try:
            check_ecdsa_form(signature)
            self._point().verify(signature, message, ec.ECDSA(SHA256()))
        except (InvalidSignature, Malformed):
            raise Unverified(f"not a signature by {self.text}") from None

    def _point(self) -> ec.EllipticCurvePublicKey:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), self.raw)


ObservationKey: TypeAlias = PublicKey | EcdsaKey


def parse_key(text: str) -> ObservationKey:
    """The observation key that `text` is: `parse_key(key.text) == key`.

    Raises:
        Malformed: neither `ed25519:…` nor `ecdsa-p256:…`, or not a key.
    """
    if text.startswith(_ECDSA_PREFIX):
        return EcdsaKey.parse(text)
    if text.startswith(_PREFIX):
        return PublicKey.parse(text)
    raise Malformed(f"key: begins neither with {_PREFIX!r} nor with {_ECDSA_PREFIX!r}")


def read_public(data: bytes) -> ObservationKey:
    """The observation key that others write as a SubjectPublicKeyInfo, in PEM or DER.

    Raises:
        Malformed: it is none, or of another kind.
    """
    try:
        key = load_pem_public_key(data) if data.startswith(b"-----") else load_der_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise Malformed("not a public key in PEM or DER") from None
    if isinstance(key, Ed25519PublicKey):
        return PublicKey(key.public_bytes_raw())
    if isinstance(key, ec.EllipticCurvePublicKey):
        return EcdsaKey.of(key)
    raise Malformed("neither an Ed25519 key nor an ECDSA key on P-256")


def check_signature_form(signature: bytes) -> None:
    """Raises `Malformed` unless `signature` can be one by an observation key: 64 bytes, or the one DER of ECDSA."""
    if len(signature) != SIGNATURE_BYTES:
        check_ecdsa_form(signature)


def check_ecdsa_form(signature: bytes) -> None:
    """Raises `Malformed` unless `signature` is the one text of its value: DER, in range, and with the lower s."""
    if low_s(signature) != signature:
        raise Malformed("an ECDSA signature with the higher s")


def low_s(signature: bytes) -> bytes:
    """The P-256 signature with the lower of the two values of s that verify, in DER, as `signature` must be.

    Raises:
        Malformed: not DER, or out of range.
    """
    try:
        r, s = decode_dss_signature(signature) if len(signature) <= _MAX_DER else (0, 0)
        strict = 0 < r < _ORDER and 0 < s < _ORDER and encode_dss_signature(r, s) == signature
    except ValueError:
        strict = False
    if not strict:
        raise Malformed(f"a signature of {len(signature)} bytes that is neither Ed25519's nor ECDSA's in DER")
    return encode_dss_signature(r, min(s, _ORDER - s))


@dataclass(frozen=True, slots=True)
class MlDsaKey:
    """An ML-DSA-44 public key; `raw` is its 1312 bytes."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != ML_DSA_KEY_BYTES:
            raise Malformed(f"an ML-DSA-44 key of {len(self.raw)} bytes instead of {ML_DSA_KEY_BYTES}")

    def verify(self, message: bytes, signature: bytes) -> None:
        """Returns if `signature` is this key's on `message`, with an empty context.

        Raises:
            Unverified: it is not.
            Incomplete: the OpenSSL of this machine's `cryptography` is too old to tell.
        """
        try:
            MLDSA44PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            raise Unverified("not a signature by the ML-DSA-44 key") from None
        except UnsupportedAlgorithm:
            raise Incomplete("ML-DSA-44 cannot be verified here", hint=ML_DSA_HINT) from None
