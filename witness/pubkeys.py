"""Public keys as a user gives them on a command line: in one word, or as a file in PEM (SubjectPublicKeyInfo)."""

from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from witness.errors import InputError, Malformed
from witness.escape import printable
from witness.keys import EcdsaKey, ObservationKey, PublicKey, parse_key

_MAX_FILE: Final = 4096


def read_key(text: str) -> ObservationKey:
    """The key that `text` is, or the name of the file of. Raises InputError."""
    scheme, colon, _ = text.partition(":")
    if colon and len(scheme) > 1:  # one letter is a drive of Windows
        try:
            return parse_key(text)
        except Malformed as error:
            raise InputError(f"--key: {error}", hint="Copy the whole key, or give a file in PEM.") from None
    shown = printable(text)
    try:
        with Path(text).open("rb") as file:
            key = load_pem_public_key(file.read(_MAX_FILE))
    except OSError as error:
        raise InputError(f"{shown}: {error.strerror}", hint="Give ed25519:…, or a file in PEM.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise InputError(f"{shown}: not a public key in PEM") from None
    try:
        if isinstance(key, EllipticCurvePublicKey):
            return EcdsaKey.of(key)
    except Malformed as error:
        raise InputError(f"{shown}: {error}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(f"{shown}: neither an Ed25519 nor a P-256 key")
    return PublicKey(key.public_bytes_raw())
