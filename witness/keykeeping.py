"""What a node does with the keys of its observations: puts a new one in place of the old, revokes one, and asks before
it signs whether consumers will believe the key that it has. In the process that holds the keys.

A node never logs an event that its own chain refuses: what a consumer makes of it is tried first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from witness import bundle, keyevent
from witness.errors import InputError, Malformed, NotFound, Unverified
from witness.keychain import MAX_EVENTS, Followed, described, follow, verify_logged
from witness.keyevent import KeyEvent, Revocation, Rotation
from witness.keys import ObservationKey, parse_key, read_public
from witness.limits import MAX_CHECKPOINT, MAX_KEYS
from witness.note import VerifierKey
from witness.publish import publish_event, settle_outbox
from witness.signing.interface import Sealer, Signer
from witness.signing.named import NodeSigners
from witness.store.interface import Store
from witness.tlog.checkpoint import VerifiedCheckpoint, open_checkpoint
from witness.tlog.succession import described as successors
from witness.verification import WitnessIdentity

# What a node's own modules need from here.
__all__ = [
    "Followed", "KeyKeeper", "WitnessIdentity", "described", "key_texts", "log_keys", "own_identity", "own_keys",
    "parse_key", "read_public", "settled_size",
]  # fmt: skip

_PATIENCE: Final = 60.0  # seconds for others who write to the log


def own_identity(name: str, operator: str, log_key: str, first: str) -> WitnessIdentity:
    """A node as one would pin it who knew it from its beginning: by its `first` key. Raises `Malformed`."""
    return WitnessIdentity(name, operator, VerifierKey.parse(log_key), (parse_key(first),))


def own_keys(site: Store, identity: WitnessIdentity) -> Followed:
    """The node's keys, by the events on its own site.

    Raises:
        Unverified, Malformed: the site is not as this node left it.
    """
    try:
        events = bundle.parse_shard(site.get(keyevent.PATH, limit=MAX_KEYS))
    except NotFound:
        events = ()
    for item in events:
        verify_logged(item, identity)
    return follow(identity, events)


def key_texts(site: Store, identity: WitnessIdentity) -> list[str]:
    """Every key that the node has had, the one that signs now at the end. Raises as `own_keys`."""
    rotations = (event for _, event in own_keys(site, identity).events if isinstance(event, Rotation))
    return [identity.keys[0].text, *(event.new_key.text for event in rotations)]


def log_keys(site: Store, log_key: VerifierKey) -> list[str]:
    """What became of the log's key, a line for each that followed on it. Raises as `own_keys`."""
    opened = _published(site, log_key)
    return successors(opened.links, log_key) if opened else []


def settled_size(outbox: Path, site: Store, state: Path, node: NodeSigners) -> int:
    """The entries of the node's log, after whatever an interrupted run has begun to log, and the signature by the
    log's newest key, are there. Raises as `witness.publish.settle_outbox`.
    """
    settle_outbox(outbox, site, state, node, patience=_PATIENCE)
    return _size(site, node.log.key)


@dataclass(frozen=True, slots=True)
class KeyKeeper:
    """A node: its `outbox`, `site` and `state` as publishing has them, its keys, and how others know it."""

    outbox: Path
    site: Store
    state: Path
    node: NodeSigners
    identity: WitnessIdentity

    @property
    def signer(self) -> Signer:
        """What holds the key of observations. Raises `InputError` for a node that signs without one."""
        if isinstance(self.node.observations, Sealer):
            raise InputError("the node signs its observations without a key: there is none to change")
        return self.node.observations

    @property
    def followed(self) -> Followed:
        """See `own_keys`."""
        return own_keys(self.site, self.identity)

    def settle(self) -> None:
        """Finishes whatever an interrupted run has begun to log."""
        settle_outbox(self.outbox, self.site, self.state, self.node, patience=_PATIENCE)

    def check(self, now: datetime) -> None:
        """Returns if consumers believe an observation that the node signs now.

        Raises:
            InputError: its key was rotated out, revoked, has expired, or was never named; and what to do.
        """
        try:
            self.followed.chain.check(self.signer.public_key.key_id, self._size(), now)
        except Unverified as error:
            raise InputError(
                f"the node's observation key is not one that consumers believe: {error}",
                hint="`rebuilder keys list` says which key it must be; `rebuilder keys rotate` replaces it.",
            ) from None

    def check_speaks(self) -> None:
        """Returns if the node's key may sign a key event now. Raises `InputError` otherwise."""
        size, key = self._size(), self.signer.public_key
        if not any(span.key == key and span.speaks_at(size) for span in self.followed.chain.spans):
            raise InputError(
                f"the node's observation key, {key.text}, has no say any more",
                hint="`rebuilder keys list` says which key has; put that one back, or start a new node.",
            )

    def rotate(self, new: Signer, now: datetime, expires: datetime | None = None) -> int:
        """Logs that `new` signs from now on; the index of the entry that says so.

        Raises:
            InputError: the key that the node has may not say so.
        """
        rotation = Rotation(
            witness=self.identity.name,
            log=self.identity.log_key.text,
            at=now,
            key=self.signer.public_key,
            new_key=new.public_key,
            expires=expires,
        )
        proven = keyevent.possessed(rotation, new.sign)
        return self._log(lambda _: proven, now)

    def revoke(self, key: ObservationKey, start: int | None, reason: str, now: datetime) -> int:
        """Logs that what `key` has signed from the entry `start` on does not count; from now on, if that is None.

        Raises:
            InputError: the node has no such key, or the one that it has may not say so.
        """

        def event(index: int) -> Revocation:
            return Revocation(
                witness=self.identity.name,
                log=self.identity.log_key.text,
                at=now,
                key=key,
                start=index if start is None else start,
                reason=reason,
            )

        return self._log(event, now)

    def _log(self, event: Callable[[int], KeyEvent], now: datetime) -> int:
        signer, followed = self.signer, self.followed
        if len(followed.events) >= MAX_EVENTS:
            raise InputError(
                f"the log has {len(followed.events)} key events, and consumers read no more",
                hint="Start a new node.",
            )

        def entry(index: int) -> bytes:
            sealed = keyevent.seal(event(index), signer.public_key, signer.sign)
            try:
                followed.chain.extended(sealed, index)
            except (Unverified, Malformed) as error:
                raise InputError(f"not logged, as consumers would refuse it: {error}") from None
            return sealed

        return publish_event(
            self.outbox, self.site, self.state, self.node, entry, now=now, patience=_PATIENCE
        )

    def _size(self) -> int:
        return _size(self.site, self.identity.log_key)


def _size(site: Store, log_key: VerifierKey) -> int:
    opened = _published(site, log_key)
    return opened.checkpoint.size if opened else 0


def _published(site: Store, log_key: VerifierKey) -> VerifiedCheckpoint | None:
    try:
        signed = site.get("checkpoint", limit=MAX_CHECKPOINT)
    except NotFound:
        return None
    return open_checkpoint(signed, log_key)
