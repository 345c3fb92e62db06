"""A node's three keys: of its observations, its log, and its cosigner; or two, and a name that Sigstore vouches for.

For the signer process and `init` alone.
"""

import os
from collections.abc import Iterable
from functools import partial

from rebuilders.node.config import NodeConfig, NodeDirectory, SigstoreConfig
from witness.errors import InputError
from witness.keyless.identity import KeylessIdentity
from witness.signing import keyfile
from witness.signing.interface import Ed25519Signer, Sealer, Signer
from witness.signing.keyless import KeylessSealer, ambient_token
from witness.signing.named import CheckpointCosigner, LogSigner, NodeSigners

_OBSERVATION, _LOG, _COSIGNER = _FILES = ("observation.pem", "log.pem", "cosigner.pem")


def create(directory: NodeDirectory, config: NodeConfig) -> NodeSigners:
    """New keys, written to the node's directory: all or none. Raises InputError if there are some already."""
    made: dict[str, keyfile.KeyFile] = {}
    try:
        for name in _needed(config):
            made[name] = keyfile.create(directory.keys / name)
    except InputError:
        _remove(directory, made)
        raise
    observations: Signer | Sealer = (
        keyless(directory, config.sigstore) if config.sigstore else made[_OBSERVATION]
    )
    return _signers(config, observations, made[_LOG], made[_COSIGNER])


def discard(directory: NodeDirectory) -> None:
    """Removes keys that nothing was signed with yet: those of a node that could not be made."""
    _remove(directory, _FILES)


def _remove(directory: NodeDirectory, names: Iterable[str]) -> None:
    for name in names:
        (directory.keys / name).unlink(missing_ok=True)


def load(directory: NodeDirectory, config: NodeConfig) -> NodeSigners:
    """The node's keys. Raises InputError, with what to do, if one cannot be used."""
    observations: Signer | Sealer = (
        keyless(directory, config.sigstore)
        if config.sigstore
        else keyfile.load(directory.keys / _OBSERVATION)
    )
    held = {name: keyfile.load_ed25519(directory.keys / name) for name in (_LOG, _COSIGNER)}
    return _signers(config, observations, held[_LOG], held[_COSIGNER])


def load_cosigner(directory: NodeDirectory, config: NodeConfig) -> CheckpointCosigner:
    """The cosigner's key alone. Raises InputError as `load` does."""
    return CheckpointCosigner(config.cosigner, keyfile.load_ed25519(directory.keys / _COSIGNER))


def keyless(directory: NodeDirectory, config: SigstoreConfig) -> KeylessSealer:
    """What signs in the node's name without a key. Asks nobody yet."""
    return KeylessSealer(
        KeylessIdentity(config.identity, config.issuer),
        directory.root / config.trust if config.trust else None,
        config.rekor,
        partial(token_in, config.token) if config.token else ambient_token,
    )


def token_in(variable: str) -> str:
    """The identity token in an environment variable. Raises InputError if there is none."""
    token = os.environ.get(variable, "")
    if not token:
        raise InputError(
            f"identity token: the variable {variable} is not set", hint="Set it, for this command."
        )
    return token


def _needed(config: NodeConfig) -> tuple[str, ...]:
    return (_LOG, _COSIGNER) if config.sigstore else _FILES


def _signers(
    config: NodeConfig, observations: Signer | Sealer, log: Ed25519Signer, cosigner: Ed25519Signer
) -> NodeSigners:
    return NodeSigners(
        name=config.name,
        observations=observations,
        log=LogSigner(config.origin, log),
        cosigner=CheckpointCosigner(config.cosigner, cosigner),
    )
