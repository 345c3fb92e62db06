"""A node's three keys: of its observations, its log, and its cosigner. For the signer process and `init` alone."""

from collections.abc import Iterable
from typing import Final

from rebuilders.node.config import NodeConfig, NodeDirectory
from witness.errors import InputError
from witness.signing import keyfile
from witness.signing.interface import Ed25519Signer, Signer
from witness.signing.named import CheckpointCosigner, LogSigner, NodeSigners

_FILES: Final = ("observation.pem", "log.pem", "cosigner.pem")


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


def _signers(
    config: NodeConfig, observation: Signer, log: Ed25519Signer, cosigner: Ed25519Signer
) -> NodeSigners:
    return NodeSigners(
        name=config.name,
        observations=observation,
        log=LogSigner(config.origin, log),
        cosigner=CheckpointCosigner(config.cosigner, cosigner),
    )
