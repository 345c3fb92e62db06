"""Rotates and revokes the keys of a node's observations, so that it is at no time left with a key that nobody believes;
and replaces its log's and its cosigner's. Runs in the process that holds the keys.

Order: the next key is on disk; the log says so; `node.json` names it; it is renamed over the old one. Whoever comes
next after a crash finds by the log how far it got. A cosigner's key is not in the log: others name it, so that two of
them cosign, side by side, until the older is retired. A log's key is in the log's checkpoints: what the old one has
signed to lead to the new one is on disk before that is renamed over it.
"""

import json
from collections.abc import Sequence
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
    log_keys,
    own_identity,
    own_keys,
    parse_key,
    read_public,
    settled_size,
)
from witness.signing.named import CheckpointCosigner, NodeSigners
from witness.store.directory import DirectoryStore

__all__ = [
    "Cosigning", "Logged", "add_cosigner_key", "described", "listed", "listed_log", "public_key_in", "ready",
    "retire_cosigner_key", "revoke", "rotate", "rotate_log", "tell_cosigner",
]  # fmt: skip

_MAX_PUBLIC: Final = 4096  # bytes
_NODE: Final = "node.json"


@dataclass(frozen=True, slots=True)
class Logged:
    """The entry of the log that an event became, and the key that signs now."""

    index: int
    key: str


@dataclass(frozen=True, slots=True)
class LogKey:
    """The vkey by which the log is signed from a tree of `size` entries on, and that by which it is `known`."""

    size: int
    key: str
    known: str


@dataclass(frozen=True, slots=True)
class Cosigning:
    """The vkeys that the cosigner signs by, the newest at the end."""

    keys: tuple[str, ...]


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


def rotate_log(directory: NodeDirectory) -> LogKey:
    """A new key for the log, in a file, in place of the old one, which is destroyed if it is in a file.

    Raises:
        InputError: a key cannot be used, or the log has had as many as it may have.
        Incomplete, Unverified: see witness.publish.
    """
    config = directory.load()
    with keys.alone(directory):
        signers = _all_settled(directory, config)
        size = _settled_size(directory, signers)
        new = keys.create_next_log(directory)
        try:
            succession = signers.log.succeeded(size, new.public_key)
        except Malformed as error:
            raise InputError(f"no further key for the log: {error}", hint="Start a new node.") from None
        keys.lead_to_next_log(directory, succession)
        after = _all_settled(directory, config)
        _settled_size(directory, after)
        return LogKey(size, after.log.newest.text, after.log.key.text)


def _all_settled(directory: NodeDirectory, config: NodeConfig) -> NodeSigners:
    keys.use_next_log(directory, config)
    return keys.load(directory, config) if config.sigstore else _settled(directory, config).node


def _settled_size(directory: NodeDirectory, signers: NodeSigners) -> int:
    return settled_size(directory.outbox, DirectoryStore(directory.site), directory.state, signers)


def add_cosigner_key(directory: NodeDirectory, algorithm: str) -> Cosigning:
    """Makes a second key for the cosigner, which cosigns beside the first from now on, and is the one that others
    should name. Raises as `keys.create_second`.
    """
    config = directory.load()
    with keys.alone(directory):
        keys.create_second(directory, algorithm)
        return _told(directory, config)


def retire_cosigner_key(directory: NodeDirectory) -> Cosigning:
    """Destroys the older of the cosigner's two keys. Raises as `keys.retire_first`."""
    config = directory.load()
    with keys.alone(directory):
        keys.retire_first(directory, config)
        return _told(directory, config)


def tell_cosigner(directory: NodeDirectory, cosigners: Sequence[CheckpointCosigner]) -> None:
    """Sees to it that `node.json` names the newest of two `cosigners`, if a crash has kept it from that."""
    newest = cosigners[-1].key.text
    if len(cosigners) > 1 and _about(directory).get("cosignerKey") != newest:
        _tell(directory, {"cosignerKey": newest})


def _told(directory: NodeDirectory, config: NodeConfig) -> Cosigning:
    held = keys.load_cosigners(directory, config)
    tell_cosigner(directory, held)
    return Cosigning(tuple(cosigner.key.text for cosigner in held))


def listed(directory: NodeDirectory) -> Followed:
    """The node's keys and key events. Reads no private key."""
    return own_keys(DirectoryStore(directory.site), _identity(directory, directory.load()))


def listed_log(directory: NodeDirectory) -> list[str]:
    """What became of the log's first key, a line for each that followed. Reads no private key."""
    return log_keys(DirectoryStore(directory.site), _identity(directory, directory.load()).log_key)


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
        _tell(directory, {"keys": texts})
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


def _tell(directory: NodeDirectory, changed: dict[str, Any]) -> None:
    """Writes into `node.json` what has `changed` of the node's keys; of `keys`, the oldest comes first."""
    told = _about(directory) | changed
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
