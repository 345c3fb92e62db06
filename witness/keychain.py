"""Which keys speak for a witness at which entries of its log: the keys that a policy names, and the events in the log.

A key speaks from its own event on until it is rotated out or revoked. What counts is the place in the log, which the
log's proofs fix, and not a clock. Events are taken in the order of the log, each judged by the keys that speak at its
place; what is refused changes nothing. Revoking reaches back, over observations, but never over events: who was let in
stays in. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Self

from witness import dsse, keyevent, statement
from witness.bundle import Bundle
from witness.dsse import Envelope, Opened
from witness.errors import Malformed, Unverified
from witness.escape import printable
from witness.keyevent import KeyEvent, Revocation, Rotation
from witness.keys import ObservationKey
from witness.observation import format_time
from witness.tlog.checkpoint import open_checkpoint
from witness.tlog.merkle import leaf_hash, verify_inclusion
from witness.verification import WitnessIdentity

MAX_EVENTS: Final = 1024  # of one witness that are read


class Withdrawn(Unverified):
    """Signed by a key of the witness's that it has revoked from there on, or that had expired."""


class Refused(Unverified):
    """The event at `index`, which changes nothing. `bad`: it cannot come from a witness who keeps to the rules."""

    def __init__(self, index: int, message: str, *, bad: bool) -> None:
        super().__init__(f"entry {index}: {message}")
        self.index = index
        self.bad = bad


@dataclass(frozen=True, slots=True)
class Span:
    """Where `key` speaks: from the entry `start` on, until before the entry `end`.

    Attributes:
        pinned: a policy names it.
        entered: the entry of the rotation that made it the witness's key, None for one that is only pinned.
        revoked: the entry from which on it does not count, and why; None if it was not revoked.
        expires: observations that are dated later do not count.
    """

    key: ObservationKey
    start: int = 0
    end: int | None = None
    pinned: bool = False
    entered: int | None = None
    revoked: tuple[int, str] | None = None
    expires: datetime | None = None

    def speaks_at(self, index: int) -> bool:
        """Whether it may sign an event at `index`. An expired key still may, else a witness could not replace it."""
        return (
            self.start <= index
            and (self.end is None or index < self.end)
            and (self.revoked is None or index < self.revoked[0])
        )

    def check(self, index: int, at: datetime) -> None:
        """Returns if an observation of `at`, signed by this key as entry `index`, counts.

        Raises:
            Withdrawn: the witness has said that it does not.
            Unverified: the key does not speak there.
        """
        shown = self.key.text
        if self.revoked is not None and index >= self.revoked[0]:
            start, reason = self.revoked
            raise Withdrawn(f"entry {index}: {shown} was revoked from entry {start} on: {printable(reason)}")
        if index < self.start:
            raise Unverified(f"entry {index}: {shown} signs from entry {self.start} on")
        if self.end is not None and index >= self.end:
            raise Unverified(f"entry {index}: {shown} was rotated out by entry {self.end}")
        if self.expires is not None and at > self.expires:
            raise Withdrawn(f"entry {index}: {shown} expired at {format_time(self.expires)}")


@dataclass(frozen=True, slots=True)
class KeyChain:
    """An `Authority`: the keys of `witness`, whose log's key is `log`, as of some place in the log."""

    witness: str
    log: str
    spans: tuple[Span, ...]

    @classmethod
    def pinned(cls, identity: WitnessIdentity) -> Self:
        """The keys that a policy names, before any event."""
        spans = tuple(Span(key, pinned=True) for key in identity.keys)
        return cls(identity.name, identity.log_key.text, spans)

    def open(self, entry: bytes, index: int) -> Opened:
        """See `Authority.open`. Raises `Withdrawn` for what the witness itself has said not to count."""
        opened = dsse.open_envelope(dsse.parse(entry), [span.key for span in self.spans])
        at = statement.parse(opened.payload).observation.attempt.finished_at
        self.check(opened.signer, index, at)
        return opened

    def check(self, key_id: str, index: int, at: datetime) -> None:
        """`Span.check` of the key with `key_id`. Raises `Unverified` if there is none."""
        for span in self.spans:
            if span.key.key_id == key_id:
                return span.check(index, at)
        raise Unverified(f"entry {index}: the key {printable(key_id, limit=80)} is not one of the witness's")

    def extended(self, entry: bytes, index: int) -> "KeyChain":
        """The chain after the event in `entry`, which is that at `index` of the log.

        Raises:
            Malformed: it is no event.
            Refused: it is of another witness or log, not signed by a key that speaks there, or says what cannot be.
        """
        envelope, event = keyevent.read(entry)
        if (event.witness, event.log) != (self.witness, self.log):
            raise Refused(index, "a key event of another witness or log", bad=True)
        if isinstance(event, Rotation):
            return self._rotated(envelope, event, index)
        return self._revoked(envelope, event, index)

    def _rotated(self, envelope: Envelope, event: Rotation, index: int) -> "KeyChain":
        try:
            dsse.open_envelope(envelope, [event.key])
            event.check_possession()
        except Unverified as error:
            raise Refused(index, f"a rotation that is not proven: {error}", bad=True) from None
        old, new = self._of(event.key), self._of(event.new_key)
        if event.new_key == event.key or (new is not None and not _waits(new, index)):
            raise Refused(index, f"a rotation to {event.new_key.text}, which was a key before", bad=True)
        if old is None and new is None:
            text = f"a rotation of {event.key.text}, which the policy does not lead to"
            raise Refused(index, text, bad=False)
        if old is not None and not old.speaks_at(index):
            raise Refused(index, f"a rotation of {event.key.text}, {_why(old, index)}", bad=True)
        entered = replace(new or Span(event.new_key), start=index + 1, entered=index, expires=event.expires)
        kept = [replace(span, end=index) if span is old else span for span in self.spans if span is not new]
        return replace(self, spans=(*kept, entered))

    def _revoked(self, envelope: Envelope, event: Revocation, index: int) -> "KeyChain":
        shown = event.key.text
        if event.start > index:
            text = f"a revocation from entry {event.start} on, ahead of itself"
            raise Refused(index, text, bad=True)
        revoked = self._of(event.key)
        if revoked is None:
            text = f"a revocation of {shown}, which the policy does not lead to"
            raise Refused(index, text, bad=False)
        speaking = [span.key for span in self.spans if span.speaks_at(index)]
        try:
            dsse.open_envelope(envelope, speaking)
        except Unverified:
            text = f"a revocation of {shown}, not signed by a key that speaks there"
            raise Refused(index, text, bad=True) from None
        before = revoked.revoked
        if before is not None and before[0] <= event.start:
            return self
        after = replace(revoked, revoked=(event.start, event.reason))
        return replace(self, spans=tuple(after if span is revoked else span for span in self.spans))

    def _of(self, key: ObservationKey) -> Span | None:
        return next((span for span in self.spans if span.key == key), None)


def _waits(span: Span, index: int) -> bool:
    """Whether a rotation at `index` can make `span` a key: one that a policy names ahead, and that nothing has used."""
    return span.pinned and span.entered is None and span.speaks_at(index)


def _why(span: Span, index: int) -> str:
    if span.end is not None and span.end <= index:
        return f"which was rotated already by entry {span.end}"
    return "which does not speak there"


@dataclass(frozen=True, slots=True)
class Followed:
    """A chain, the events that made it, pairs of index and event, and those that were refused."""

    chain: KeyChain
    events: tuple[tuple[int, KeyEvent], ...]
    refused: tuple[Refused, ...]


def verify_logged(bundle: Bundle, identity: WitnessIdentity) -> None:
    """Returns if `bundle` is of a key event that is in the log of `identity`, whoever signed it.

    Raises:
        Malformed, Unverified: it is not.
    """
    keyevent.read(bundle.entry)
    tree = open_checkpoint(bundle.proof.checkpoint, identity.log_key).checkpoint
    verify_inclusion(leaf_hash(bundle.entry), bundle.proof.index, tree.size, bundle.proof.hashes, tree.root)


def follow(identity: WitnessIdentity, logged: Iterable[Bundle]) -> Followed:
    """What becomes of the keys of `identity` by the events in `logged`, which `verify_logged` has let pass."""
    chain, events, refused = KeyChain.pinned(identity), [], []
    for item in sorted(logged, key=lambda item: item.proof.index):
        index = item.proof.index
        try:
            chain = chain.extended(item.entry, index)
        except Refused as error:
            refused.append(error)
        except Malformed as error:  # verify_logged lets none pass
            refused.append(Refused(index, str(error), bad=True))
        else:
            events.append((index, keyevent.read(item.entry)[1]))
    # What happened before a key that the policy names came in is of no interest to it.
    since = min(
        (span.entered for span in chain.spans if span.pinned and span.entered is not None), default=-1
    )
    return Followed(chain, tuple(events), tuple(item for item in refused if item.bad or item.index > since))


def described(followed: Followed) -> list[str]:
    """Each key with the entries that it signs, then each event, one printable line for each."""
    keys = [f"{span.key.text}  {_range(span)}" for span in followed.chain.spans]
    return [*keys, *(f"entry {index}: {_told(event)}" for index, event in followed.events)]


def _range(span: Span) -> str:
    end = "on" if span.end is None else f"to {span.end - 1}"
    parts = [f"entries {span.start} {end}" if span.end is None or span.end > span.start else "no entry"]
    if span.revoked is not None:
        parts.append(f"revoked from {span.revoked[0]} on: {printable(span.revoked[1])}")
    if span.expires is not None:
        parts.append(f"expires {format_time(span.expires)}")
    return ", ".join(parts)


def _told(event: KeyEvent) -> str:
    when = format_time(event.at)
    if isinstance(event, Rotation):
        return f"{when}: {event.key.text} is replaced by {event.new_key.text}"
    return f"{when}: {event.key.text} is revoked from entry {event.start} on: {printable(event.reason)}"
