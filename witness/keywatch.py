"""Asks each witness once what became of its keys, and holds it against what it said before.

What was seen once holds, whatever its site leaves out later. What is refused changes nothing and is told.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path

from witness import bundle
from witness.bundle import Bundle
from witness.errors import FetchFailed, Incomplete, Malformed, NotFound, Unverified
from witness.keychain import MAX_EVENTS, Followed, KeyChain, follow, verify_logged
from witness.keyevent import PATH
from witness.log.keys import SeenKeys
from witness.log.watch import LogWatch
from witness.sources.interface import KeyEventSource
from witness.verification import WitnessIdentity


@dataclass(frozen=True, slots=True)
class Told:
    """Something about a witness's keys that a consumer should know. `bad`: it cannot come of honest mistakes."""

    reason: str
    bad: bool


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """What is known of a witness's keys: `followed` every event, seen now or before, whose `bundles` these are."""

    followed: Followed
    told: tuple[Told, ...] = ()
    bundles: tuple[Bundle, ...] = ()

    @property
    def authority(self) -> KeyChain | None:
        """Who may speak for the witness; None if no event says otherwise than the policy."""
        return self.followed.chain if self.followed.events else None


@dataclass(slots=True)
class KeyWatch:
    """For one run, from any thread.

    Args:
        sources: where each witness's events are, by its name. Others are asked for none.
        state: the directory of `SeenKeys`.
        complete: whether sources should have every event, so that one that is missing is told.
    """

    sources: Mapping[str, KeyEventSource]
    state: Path
    complete: bool = True
    _seen: dict[str, SeenKeys] = field(default_factory=dict, init=False, repr=False)
    _known: dict[str, KnownKeys | FetchFailed] = field(default_factory=dict, init=False, repr=False)

    def ask(
        self, identities: Iterable[WitnessIdentity], pool: Executor, watch: LogWatch | None = None
    ) -> None:
        """Asks for the events of all of `identities` that were not asked for before, and lets `watch` look at them.

        Raises:
            Incomplete: what is remembered cannot be read.
        """
        fresh = [identity for identity in identities if identity.name not in self._known]
        for identity, found in zip(fresh, pool.map(self._try, fresh), strict=True):
            self._known[identity.name] = found
            if watch is not None and isinstance(found, KnownKeys) and found.bundles:
                watch.look(identity, found.bundles)
        self.save()

    def known(self, witness: str) -> KnownKeys | None:
        """What `ask` found out, None if it was not asked. Raises `FetchFailed` if there was no answer."""
        found = self._known.get(witness)
        if isinstance(found, FetchFailed):
            raise FetchFailed(str(found), hint=found.hint)
        return found

    def look(self, identity: WitnessIdentity) -> KnownKeys:
        """Asks for the events of `identity`.

        Raises:
            FetchFailed: its site could not be asked: whether a key was revoked cannot be told.
            Incomplete: what is remembered cannot be read.
        """
        seen = self._seen.setdefault(identity.name, SeenKeys(self.state, identity))
        told: list[Told] = []
        served = self._served(identity, told)
        shown = {(item.proof.index, item.entry) for item in served}
        withheld = [item for item in seen.events if (item.proof.index, item.entry) not in shown]
        if withheld and self.complete:
            indexes = ", ".join(str(item.proof.index) for item in withheld[:5])
            text = f"{PATH}: leaves out key events that were seen before, entries {indexes}; they hold all the same"
            told.append(Told(text, bad=False))
        before = follow(identity, seen.events)
        followed = follow(identity, seen.joined(served))
        if not set(before.events) <= set(followed.events):
            late = [item for item in served if item.proof.index <= before.events[-1][0]]
            indexes = ", ".join(str(item.proof.index) for item in late if item not in seen.events)
            text = f"{PATH}: key events that would undo what was seen before, entries {indexes}; they are not heard"
            told.append(Told(text, bad=True))
            served = [item for item in served if item not in late]
            followed = follow(identity, seen.joined(served))
        seen.remember(served)
        told += [Told(str(error), error.bad) for error in followed.refused]
        return KnownKeys(followed, tuple(told), seen.events)

    def save(self) -> None:
        """Writes down what was seen, where that is possible: a consumer may have no place to write to."""
        for seen in self._seen.values():
            try:
                seen.save()
            except Incomplete:
                return

    def _try(self, identity: WitnessIdentity) -> KnownKeys | FetchFailed:
        try:
            return self.look(identity)
        except FetchFailed as error:
            return error

    def _served(self, identity: WitnessIdentity, told: list[Told]) -> list[Bundle]:
        source = self.sources.get(identity.name)
        try:
            lines = source.key_events() if source else ()
        except NotFound:
            return []
        if len(lines) > MAX_EVENTS:
            raise FetchFailed(f"{PATH}: {len(lines)} events, more than the {MAX_EVENTS} allowed")
        served = []
        for number, line in enumerate(lines, 1):
            try:
                item = bundle.parse(line)
                verify_logged(item, identity)
            except (Malformed, Unverified) as error:
                told.append(Told(f"{PATH}: line {number} does not verify: {error}", bad=True))
            else:
                served.append(item)
        return served
