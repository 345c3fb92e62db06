"""Which Sigstore instance to trust: a file of the user's, or the root of the public one as sigstore-python brings it.

Nothing is fetched. The public root is read from the installed package, never from a cache that other programs write.
"""

import logging
import warnings
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from witness import canonical
from witness.errors import Incomplete, InputError
from witness.escape import printable
from witness.keyless.identity import KeylessIdentity
from witness.limits import MAX_TRUST

if TYPE_CHECKING:
    from sigstore.models import ClientTrustConfig, TrustedRoot
    from sigstore.verify import Verifier

    from witness.keyless.authority import Keyless

INSTALL: Final = "Install the extra `sigstore`: pip install 'wheelwitness[sigstore]'."
_PUBLIC: Final = ("https%3A%2F%2Ftuf-repo-cdn.sigstore.dev", "trusted_root.json")
_CONFIG: Final = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"


def authorities(identities: Iterable[tuple[str, KeylessIdentity | None]], base: Path) -> dict[str, "Keyless"]:
    """Who may speak for each witness that has no key. `identities` are pairs of its name and identity, if it has one.

    `base` is the directory of the policy. Loads sigstore-python, which takes most of a second, if there is one.

    Raises:
        InputError: sigstore-python is not installed, or a file of trust cannot be used.
    """
    keyless = [(name, identity) for name, identity in identities if identity is not None]
    if not keyless:
        return {}
    from witness.keyless.authority import Keyless

    made: dict[str, Verifier] = {}
    found = {}
    for name, identity in keyless:
        if identity.trust not in made:
            made[identity.trust] = load_verifier(_file(identity.trust, base))
        found[name] = Keyless(identity, made[identity.trust])
    return found


def _file(trust: str, base: Path) -> Path | None:
    return base / Path(trust).expanduser() if trust else None


def load_verifier(path: Path | None) -> "Verifier":
    """What verifies by the trusted root, or client trust config, in the file `path`; None for the public instance.

    Raises:
        InputError: sigstore-python is not installed, or the file cannot be used.
    """
    check_installed()
    from sigstore.verify import Verifier

    _quieten()
    shown = "the public trusted root" if path is None else printable(str(path))
    try:
        verifier = Verifier(trusted_root=_trusted_root(path))
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - sigstore-python's, pydantic's, or those of certificates
        said = printable(" ".join(str(error).split()), limit=200)
        raise InputError(
            f"{shown}: no trusted root of Sigstore: {said}", hint="Get the file again."
        ) from None
    return verifier


def load_config(path: Path | None) -> "ClientTrustConfig":
    """Where to sign: the client trust config in the file `path`; None for the public instance, which is asked.

    Raises:
        InputError: sigstore-python is not installed, or the file cannot be used.
        Incomplete: the public instance cannot be asked.
    """
    check_installed()
    from sigstore.models import ClientTrustConfig

    _quieten()
    if path is not None:
        try:
            return ClientTrustConfig.from_json(read_config(path))
        except ValueError as error:
            said = printable(" ".join(str(error).split()), limit=200)
            raise InputError(
                f"{printable(str(path))}: no client trust config of Sigstore: {said}",
                hint="Get the file again.",
            ) from None
    try:
        return ClientTrustConfig.production()
    except Exception as error:  # noqa: BLE001 - of TUF, the network and the disk
        said = printable(" ".join(str(error).split()), limit=200)
        raise Incomplete(f"Sigstore's public instance: {said}", hint="Try again.") from None


def check_installed() -> None:
    """Returns if sigstore-python is here. Raises `InputError`, which says how to install it."""
    try:
        import sigstore.verify  # noqa: F401 - whether it can be
    except ImportError as error:
        raise InputError(f"sigstore-python cannot be loaded: {error}", hint=INSTALL) from None


def _quieten() -> None:
    """What it and its libraries warn of, in whatever a witness serves, is no matter for standard error."""
    logging.getLogger("sigstore").addHandler(logging.NullHandler())
    warnings.filterwarnings("ignore", module=r"(sigstore|rfc3161_client)\b")


def read_config(path: Path) -> str:
    """The JSON text in a file of trust. Raises `InputError` if it cannot be read or is larger than any."""
    shown = printable(str(path))
    try:
        with path.open("rb") as file:
            data = file.read(MAX_TRUST + 1)
        text = data.decode("utf-8")
    except OSError as error:
        raise InputError(
            f"{shown}: {error.strerror}", hint="It is relative to the file that names it."
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"{shown}: not UTF-8", hint="Get the file again.") from None
    if len(data) > MAX_TRUST:
        raise InputError(f"{shown}: larger than any trusted root", hint="Is this the right file?")
    return text


def _trusted_root(path: Path | None) -> "TrustedRoot":
    from sigstore.models import ClientTrustConfig, TrustedRoot

    if path is None:
        packaged = resources.files("sigstore._store").joinpath(*_PUBLIC)
        with resources.as_file(packaged) as file:
            return TrustedRoot.from_file(str(file))
    text = read_config(path)
    value = canonical.loads(text.encode(), what="it", limit=MAX_TRUST)
    if isinstance(value, dict) and value.get("mediaType") == _CONFIG:
        return ClientTrustConfig.from_json(text).trusted_root
    return TrustedRoot.from_file(str(path))
