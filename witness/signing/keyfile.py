"""Private keys in files: PKCS#8 in PEM, unencrypted, readable by their owner alone. Ed25519; P-256 for observations, if
an operator has made one; ML-DSA-44 for cosigners, as its seed alone (RFC 9881).
"""

import os
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from witness import files
from witness.errors import InputError, Malformed
from witness.keys import ML_DSA_HINT, EcdsaKey, MlDsaKey, PublicKey, low_s

_MAX_FILE: Final = 4096


class KeyFile:
    """An `Ed25519Signer` whose key was read from a file."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self._public_key = PublicKey(key.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"KeyFile({self._public_key.text})"

    @property
    def public_key(self) -> PublicKey:
        """See `Signer.public_key`."""
        return self._public_key

    def sign(self, message: bytes) -> bytes:
        """See `Signer.sign`."""
        return self._key.sign(message)


class EcdsaKeyFile:
    """A `Signer` whose P-256 key was read from a file. Raises `Malformed` for another curve."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self._public_key = EcdsaKey.of(key.public_key())

    def __repr__(self) -> str:
        return f"EcdsaKeyFile({self._public_key.text})"

    @property
    def public_key(self) -> EcdsaKey:
        """See `Signer.public_key`."""
        return self._public_key

    def sign(self, message: bytes) -> bytes:
        """See `Signer.sign`."""
        return low_s(self._key.sign(message, ec.ECDSA(SHA256())))


class MlDsaKeyFile:
    """A `CosignerSigner` whose ML-DSA-44 key was read from a file."""

    def __init__(self, key: MLDSA44PrivateKey) -> None:
        self._key = key
        self._public_key = MlDsaKey(key.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"MlDsaKeyFile({self._public_key.raw[:8].hex()}…)"

    @property
    def public_key(self) -> MlDsaKey:
        """See `Signer.public_key`."""
        return self._public_key

    def sign(self, message: bytes) -> bytes:
        """See `CosignerSigner.sign`."""
        return self._key.sign(message)


def create(path: Path) -> KeyFile:
    """A new Ed25519 key, written to `path`, which must not exist, with mode 0600, and flushed to disk.

    Raises:
        InputError: something is there already, or the file cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    _write(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return KeyFile(key)


def create_ml_dsa(path: Path) -> MlDsaKeyFile:
    """A new ML-DSA-44 key, as `create`. Raises `InputError` where there is no ML-DSA, too."""
    try:
        key = MLDSA44PrivateKey.generate()
    except UnsupportedAlgorithm:
        raise InputError("ML-DSA-44 keys cannot be made here", hint=ML_DSA_HINT) from None
    _write(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return MlDsaKeyFile(key)


def _write(path: Path, data: bytes) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise InputError(
            f"{path}: is there already, and keys are never overwritten", hint="choose another file"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot write the key: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        files.flush_directory(path.parent)
    except OSError as error:
        path.unlink(missing_ok=True)  # half a key would be in the way of a whole one
        raise InputError(f"{path}: cannot write the key: {error.strerror}") from None


def load(path: Path) -> KeyFile | EcdsaKeyFile:
    """The key in `path`, for observations.

    Raises:
        InputError: no such file, not a regular file, open to group or others, or not an unencrypted key of a kind that
            signs observations.
    """
    key = _load(path)
    if isinstance(key, MlDsaKeyFile):
        raise InputError(f"{path}: neither an Ed25519 key nor an ECDSA key on P-256")
    return key


def load_ed25519(path: Path) -> KeyFile:
    """The key in `path`, for a log. Raises `InputError` as `load` does, and for other kinds of keys."""
    key = _load(path)
    if not isinstance(key, KeyFile):
        raise InputError(f"{path}: not an Ed25519 key", hint="Logs have Ed25519 keys alone.")
    return key


def load_cosigner(path: Path) -> KeyFile | MlDsaKeyFile:
    """The key in `path`, for a cosigner. Raises `InputError` as `load` does, and for other kinds of keys."""
    key = _load(path)
    if isinstance(key, EcdsaKeyFile):
        raise InputError(f"{path}: not a cosigner's key", hint="Those are of Ed25519 or ML-DSA-44.")
    return key


def _load(path: Path) -> KeyFile | EcdsaKeyFile | MlDsaKeyFile:
    data = read_private(path)
    try:
        key = load_pem_private_key(data, password=None)
        if isinstance(key, Ed25519PrivateKey):
            return KeyFile(key)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            return EcdsaKeyFile(key)
        if isinstance(key, MLDSA44PrivateKey):
            return MlDsaKeyFile(key)
    except TypeError:
        raise InputError(f"{path}: the key is encrypted, and nobody is there to type a password") from None
    except (ValueError, UnsupportedAlgorithm):
        raise InputError(f"{path}: not a private key in PEM") from None
    except Malformed as error:
        raise InputError(f"{path}: {error}") from None
    raise InputError(f"{path}: neither an Ed25519 key nor an ECDSA key on P-256, nor one of ML-DSA-44")


def read_private(path: Path) -> bytes:
    """The first bytes of a file that is its owner's alone. Raises `InputError` for any other."""
    try:
        # Without O_NONBLOCK, opening a pipe would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise InputError(f"{path}: cannot read the key: {error.strerror}") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path}: not a regular file")
        if status.st_mode & 0o077:
            raise InputError(
                f"{path}: open to others than its owner", hint=f"run: chmod 600 {path}, or make a new key"
            )
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(_MAX_FILE)
    finally:
        os.close(descriptor)
