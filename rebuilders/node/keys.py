"""A node's three keys: of its observations, its log, and its cosigner. For the signer process and `init` alone.

A key of observations that is to replace the one in use waits beside it until the log has it (rebuilders.node.rotation).
"""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from rebuilders.node.config import NodeConfig, NodeDirectory, SignerConfig
from witness.errors import Incomplete, InputError, Malformed
from witness.keys import PublicKey, parse_key
from witness.signing import keyfile
from witness.signing.interface import Ed25519Signer, Signer
from witness.signing.named import CheckpointCosigner, LogSigner, NodeSigners
from witness.signing.uri import open_uri, read_secret

_FILES: Final = ("observation.pem", "log.pem", "cosigner.pem")
_NEXT: Final = "observation.next.pem"


def create(directory: NodeDirectory, config: NodeConfig) -> NodeSigners:
    """New keys, written to the node's directory: all or none. Raises InputError if there are some already."""
    made: list[keyfile.KeyFile] = []
    try:
        for name in _FILES:
            made.append(keyfile.create(directory.keys / name))  # noqa: PERF401 - what was made must be known
    except InputError:
        _remove(directory, _FILES[: len(made)])
        raise
    return _signers(config, *made)


def discard(directory: NodeDirectory) -> None:
    """Removes keys that nothing was signed with yet: those of a node that could not be made."""
    _remove(directory, _FILES)


def _remove(directory: NodeDirectory, names: Iterable[str]) -> None:
    for name in names:
        (directory.keys / name).unlink(missing_ok=True)


def load(directory: NodeDirectory, config: NodeConfig, wanted: str = "") -> NodeSigners:
    """The node's keys; of those that it has for observations, the one whose text is `wanted`, or else the first.

    Raises:
        InputError: one cannot be used; and what to do.
    """
    return _signers(
        config,
        _observation(directory, config, wanted),
        _ed25519(directory, config.signer.log, _FILES[1]),
        _ed25519(directory, config.signer.cosigner, _FILES[2]),
    )


def load_cosigner(directory: NodeDirectory, config: NodeConfig) -> CheckpointCosigner:
    """The cosigner's key alone. Raises InputError as `load` does."""
    signer = _ed25519(directory, config.signer.cosigner, _FILES[2])
    return CheckpointCosigner(config.cosigner, signer)


def open_next(directory: NodeDirectory, config: NodeConfig) -> Signer:
    """The signer that `[signer.next]` names. Raises InputError as `load` does."""
    if config.signer.next is None:
        raise InputError(
            "node.toml: no [signer.next]",
            hint="Name the new signer there, as in docs/reference/node-toml.md.",
        )
    return _open(directory, config.signer.next)


def _observation(directory: NodeDirectory, config: NodeConfig, wanted: str) -> Signer:
    named = [told for told in (config.signer.observation, config.signer.next) if told is not None]
    for told in named:
        if told.public_key == wanted:
            return _open(directory, told)
    path = directory.keys / _FILES[0]
    if config.signer.observation is None or path.exists():
        signer = keyfile.load(path)
        if config.signer.observation is None or signer.public_key.text == wanted:
            return signer
    return _open(directory, config.signer.observation)


def _ed25519(directory: NodeDirectory, told: SignerConfig | None, file: str) -> Ed25519Signer:
    if told is None:
        return keyfile.load_ed25519(directory.keys / file)
    try:
        key = PublicKey.parse(told.public_key)
    except Malformed as error:
        raise InputError(
            f"node.toml: signer: public-key: {error}", hint="Logs and cosigners have Ed25519 keys alone."
        ) from None
    return open_uri(told.uri, key, _secret(directory, told))


def _open(directory: NodeDirectory, told: SignerConfig) -> Signer:
    try:
        key = parse_key(told.public_key)
    except Malformed as error:
        raise InputError(f"node.toml: signer: public-key: {error}") from None
    return open_uri(told.uri, key, _secret(directory, told))


def _secret(directory: NodeDirectory, told: SignerConfig) -> Callable[[], str]:
    """What reads the PIN when it is asked for: it is in no variable, and in no command line, of ours."""

    def read() -> str:
        if told.pin_file:
            return read_secret(directory.root / Path(told.pin_file).expanduser())
        secret = os.environ.get(told.pin_variable, "") if told.pin_variable else ""
        if not secret:
            where = f"the variable {told.pin_variable} is empty" if told.pin_variable else "none is named"
            raise InputError(
                f"node.toml: signer: it asks for a PIN, and {where}", hint="Give pin-file or pin-variable."
            )
        return secret

    return read


@contextmanager
def alone(directory: NodeDirectory) -> Iterator[None]:
    """Waits until nobody else signs observations or changes their key. Raises InputError if it cannot."""
    path = directory.state / "keys.lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError(f"{path}: cannot be locked: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def create_next(directory: NodeDirectory) -> keyfile.KeyFile:
    """A new key of observations, which is not in use yet, in place of any that nothing became of."""
    discard_next(directory)
    return keyfile.create(directory.keys / _NEXT)


def load_next(directory: NodeDirectory) -> Signer | None:
    """The key that is not in use yet, if there is one that was written in whole."""
    try:
        return keyfile.load(directory.keys / _NEXT)
    except InputError:
        return None


def discard_next(directory: NodeDirectory) -> None:
    """Removes the key that is not in use yet, which the log does not name."""
    _remove(directory, (_NEXT,))


def use_next(directory: NodeDirectory) -> None:
    """Puts the next key in the place of the one in use, which is lost by that. One step, and on disk at the end."""
    try:
        (directory.keys / _NEXT).replace(directory.keys / _FILES[0])
        descriptor = os.open(directory.keys, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Incomplete(f"{directory.keys}: cannot put the new key in use: {error.strerror}") from error


def _signers(
    config: NodeConfig, observation: Signer, log: Ed25519Signer, cosigner: Ed25519Signer
) -> NodeSigners:
    return NodeSigners(
        name=config.name,
        observations=observation,
        log=LogSigner(config.origin, log),
        cosigner=CheckpointCosigner(config.cosigner, cosigner),
    )
