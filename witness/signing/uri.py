"""Private keys that somebody else keeps: an HSM, a cloud's key service, a vault, by the URIs of securesystemslib.

Nothing that is signed there is believed: each signature is verified with the public key that the configuration names
before it leaves. The library is imported when a key is opened, and what its back ends need, when they sign.
"""

import re
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any, Final, Generic, TypeVar

from cryptography.hazmat.primitives.serialization import load_der_public_key

from witness.errors import Incomplete, InputError, Malformed, Unverified
from witness.escape import printable
from witness.keys import EcdsaKey, ObservationKey, low_s
from witness.signing.keyfile import read_private

K = TypeVar("K", bound=ObservationKey)

_SCHEME: Final = re.compile(r"[a-z][a-z0-9]*")
_HIDDEN: Final = "…"
# Its signatures are of OpenPGP, over something else than the message.
_UNFIT: Final = frozenset({"gnupg"})


class UriSigner(Generic[K]):
    """A `Signer` whose key is reached by a URI. `secret` gives the PIN, or whatever else the back end asks for."""

    def __init__(self, signer: Any, public_key: K, scheme: str, secret: Callable[[], str]) -> None:
        self._signer = signer
        self._public_key = public_key
        self._scheme = scheme
        self._secret = secret
        self._lock = Lock()  # back ends share sessions

    def __repr__(self) -> str:
        return f"UriSigner({self._scheme}:, {self._public_key.text})"

    @property
    def public_key(self) -> K:
        """See `Signer.public_key`."""
        return self._public_key

    def sign(self, message: bytes) -> bytes:
        """See `Signer.sign`."""
        try:
            with self._lock:
                signature = bytes.fromhex(self._signer.sign(message).signature)
        except InputError:
            raise  # the PIN cannot be had
        except Exception as error:  # noqa: BLE001 - any error of any driver; the library says to expect just that
            raise Incomplete(f"the signer {self._scheme}: cannot sign: {self._shown(error)}") from None
        try:
            if isinstance(self._public_key, EcdsaKey):
                signature = low_s(signature)
            self._public_key.verify(message, signature)
        except (Malformed, Unverified):
            raise Incomplete(
                f"the signer {self._scheme}: makes signatures that are not by {self._public_key.text}",
                hint="Is the public-key that of this signer?",
            ) from None
        return signature

    def _shown(self, error: Exception) -> str:
        return _shown(error, self._secret)


def open_uri(uri: str, public_key: K, secret: Callable[[], str]) -> UriSigner[K]:
    """The signer at `uri`, such as `hsm:2?label=node-a`, whose key is `public_key`.

    Raises:
        InputError: no such kind of signer, or it cannot be had here; and what to install.
    """
    scheme = uri.partition(":")[0]
    if not _SCHEME.fullmatch(scheme) or scheme in _UNFIT:
        raise InputError(f"signer: {printable(scheme, limit=40)}: not a kind of signer that we can use")
    try:
        library = import_module("securesystemslib.signer")
    except ImportError:
        raise InputError(
            f"signer: {scheme}: needs securesystemslib",
            hint="Install the extra `signers`, or `hsm` for PKCS#11: pip install 'wheelwitness[node,hsm]'.",
        ) from None
    if scheme not in library.SIGNER_FOR_URI_SCHEME:
        known = ", ".join(sorted(set(library.SIGNER_FOR_URI_SCHEME) - _UNFIT))
        raise InputError(f"signer: {scheme}: no such kind of signer", hint=f"There are {known}.")
    try:
        key = library.SSlibKey.from_crypto(load_der_public_key(public_key.spki))
        opened = library.Signer.from_priv_key_uri(uri, key, lambda _: secret())
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - as in `sign`
        raise InputError(f"signer: {scheme}: cannot be opened: {_shown(error, secret)}") from None
    return UriSigner(opened, public_key, scheme, secret)


def read_secret(path: Path) -> str:
    """The PIN in a file that its owner alone can read, without the line feed at its end. Raises `InputError`."""
    try:
        secret = read_private(path).decode().removesuffix("\n")
    except UnicodeDecodeError:
        secret = ""
    if not secret or not secret.isprintable():
        raise InputError(f"{path}: not a PIN, on one line")
    return secret


def _shown(error: Exception, secret: Callable[[], str]) -> str:
    """`error` for people, without the PIN, should a driver ever put it there."""
    text = f"{type(error).__name__}: {error}".rstrip(": ")
    with suppress(InputError):  # there is none
        text = text.replace(secret(), _HIDDEN)
    return printable(text, limit=300)
