"""A node's three keys: of its observations, its log, and its cosigner. For the signer process and `init` alone.

A key of observations that is to replace the one in use waits beside it until the log has it (rebuilders.node.rotation).
"""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from rebuilders.node.config import NodeConfig, NodeDirectory
from witness.errors import Incomplete, InputError
from witness.signing import keyfile
from witness.signing.interface import Ed25519Signer, Signer
from witness.signing.named import CheckpointCosigner, LogSigner, NodeSigners

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


def load(directory: NodeDirectory, config: NodeConfig) -> NodeSigners:
    """The node's keys. Raises InputError, with what to do, if one cannot be used."""
    observation, log, cosigner = (directory.keys / name for name in _FILES)
    return _signers(
        config, keyfile.load(observation), keyfile.load_ed25519(log), keyfile.load_ed25519(cosigner)
    )


def load_cosigner(directory: NodeDirectory, config: NodeConfig) -> CheckpointCosigner:
    """The cosigner's key alone. Raises InputError as `load` does."""
    return CheckpointCosigner(config.cosigner, keyfile.load_ed25519(directory.keys / _FILES[2]))


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
