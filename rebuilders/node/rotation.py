"""Rotates and revokes the keys of a node's observations, so that it is at no time left with a key that nobody believes.

Order: the next key is on disk; the log says so; `node.json` names it; it is renamed over the old one. Whoever comes
next after a crash finds by the log how far it got. Runs in the process that holds the keys.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from rebuilders.node import keys
from rebuilders.node.config import NodeConfig, NodeDirectory
from witness.errors import InputError, Malformed
from witness.keykeeping import (
    Followed,
    KeyKeeper,
    WitnessIdentity,
    described,
    key_texts,
    own_identity,
    own_keys,
    parse_key,
    read_public,
)
from witness.signing.named import NodeSigners
from witness.store.directory import DirectoryStore

__all__ = ["Logged", "described", "listed", "public_key_in", "ready", "revoke", "rotate"]

_MAX_PUBLIC: Final = 4096  # bytes
_NODE: Final = "node.json"


@dataclass(frozen=True, slots=True)
class Logged:
    """The entry of the log that an event became, and the key that signs now."""

    index: int
    key: str


def ready(directory: NodeDirectory, config: NodeConfig, now: datetime) -> NodeSigners:
    """The node's keys, after a rotation that was interrupted is at its end. Call it `keys.alone`.

    Raises:
        InputError: the key of observations is not one that consumers believe, and what to do.
        Incomplete, Unverified: see witness.publish.
    """
    keeper = _settled(directory, config)
    keeper.check(now)
    return keeper.node


def rotate(
    directory: NodeDirectory, now: datetime, expires: datetime | None, *, configured: bool = False
) -> Logged:
    """A new key for observations, from the next entry of the log on: that of `[signer.next]`, if `configured`, or one
    in a file, in place of that of the old one, which is destroyed.

    Raises:
        InputError: the old key may not be replaced any more, or `[signer.next]` cannot be used.
    """
    config = directory.load()
    with keys.alone(directory):
        keeper = _settled(directory, config)
        keeper.check_speaks()
        new = keys.open_next(directory, config) if configured else keys.create_next(directory)
        index = keeper.rotate(new, now, expires)
        return Logged(index, _settled(directory, config).signer.public_key.text)


def revoke(directory: NodeDirectory, key: str, start: int | None, reason: str, now: datetime) -> Logged:
    """Revokes `key` in the log, from the entry `start` on. Raises InputError if consumers would not hear it."""
    try:
        revoked = parse_key(key)
    except Malformed as error:
        raise InputError(str(error), hint="`rebuilder keys list` has the node's keys.") from None
    config = directory.load()
    with keys.alone(directory):
        keeper = _settled(directory, config)
        index = keeper.revoke(revoked, start, reason, now)
        return Logged(index, keeper.signer.public_key.text)


def listed(directory: NodeDirectory) -> Followed:
    """The node's keys and key events. Reads no private key."""
    return own_keys(DirectoryStore(directory.site), _identity(directory, directory.load()))


def public_key_in(path: Path) -> str:
    """The text of the public key in a file in PEM or DER. Raises InputError if there is none."""
    try:
        with path.open("rb") as file:
            return read_public(file.read(_MAX_PUBLIC)).text
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except Malformed as error:
        raise InputError(f"{path}: {error}", hint="Such as `openssl pkey -pubin` reads.") from None


def _settled(directory: NodeDirectory, config: NodeConfig) -> KeyKeeper:
    """The node, with the one of its keys that the log leads to, after whatever was interrupted is at its end."""
    keeper = _keeper(directory, config)
    keeper.settle()
    texts = key_texts(keeper.site, keeper.identity)
    if texts != _about(directory)["keys"]:
        _tell(directory, texts)
    waiting = keys.load_next(directory)
    if waiting is not None and waiting.public_key.text in texts:
        keys.use_next(directory)
    return _keeper(directory, config)


def _keeper(directory: NodeDirectory, config: NodeConfig) -> KeyKeeper:
    site, identity = DirectoryStore(directory.site), _identity(directory, config)
    signers = keys.load(directory, config, key_texts(site, identity)[-1])
    return KeyKeeper(directory.outbox, site, directory.state, signers, identity)


def _identity(directory: NodeDirectory, config: NodeConfig) -> WitnessIdentity:
    path = directory.site / _NODE
    if config.sigstore:
        raise InputError(
            f"{directory.root}: signs its observations without a key",
            hint="[sigstore] in node.toml: there is no key to list, replace or revoke.",
        )
    told = _about(directory)
    try:
        return own_identity(config.name, config.operator, str(told["logKey"]), str(told["keys"][0]))
    except (KeyError, IndexError, TypeError, Malformed) as error:
        raise InputError(f"{path}: does not say the node's keys: {error}", hint="Restore it.") from None


def _tell(directory: NodeDirectory, texts: list[str]) -> None:
    """Writes the node's keys, the oldest first, into `node.json`."""
    told = _about(directory) | {"keys": texts}
    DirectoryStore(directory.site).put(_NODE, json.dumps(told, indent=2).encode() + b"\n")


def _about(directory: NodeDirectory) -> dict[str, Any]:
    path = directory.site / _NODE
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read: {error}", hint="`rebuilder init` writes it.") from None
    if not isinstance(value, dict):
        raise InputError(f"{path}: not an object", hint="`rebuilder init` writes it.")
    return value
