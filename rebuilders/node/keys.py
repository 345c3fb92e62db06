"""A node's three keys: of its observations, its log, and its cosigner. For the signer process and `init` alone."""

from typing import Final

from rebuilders.node.config import NodeConfig, NodeDirectory
from witness.signing import keyfile
from witness.signing.named import CheckpointCosigner, LogSigner, NodeSigners

_FILES: Final = ("observation.pem", "log.pem", "cosigner.pem")


def create(directory: NodeDirectory, config: NodeConfig) -> NodeSigners:
    """New keys, written to the node's directory. Raises InputError if there are some already."""
    return _signers(config, *(keyfile.create(directory.keys / name) for name in _FILES))


def load(directory: NodeDirectory, config: NodeConfig) -> NodeSigners:
    """The node's keys. Raises InputError, with what to do, if one cannot be used."""
    return _signers(config, *(keyfile.load(directory.keys / name) for name in _FILES))


def _signers(
    config: NodeConfig, observation: keyfile.KeyFile, log: keyfile.KeyFile, cosigner: keyfile.KeyFile
) -> NodeSigners:
    return NodeSigners(
        name=config.name,
        observations=observation,
        log=LogSigner(config.origin, log),
        cosigner=CheckpointCosigner(config.cosigner, cosigner),
    )
