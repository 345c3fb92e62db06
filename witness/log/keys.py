"""The key events that a reader has seen in a log, so that a site cannot take one back by leaving it out.

Beside what witness.log.seen remembers, in the reader's own directory:

    keys/<SHA-256 of the log's key>.jsonl     bundles of key events, one a line, in the order of the log
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from witness import bundle
from witness.bundle import Bundle
from witness.digest import sha256_hex
from witness.errors import Incomplete, Malformed, NotFound, Unverified
from witness.escape import printable
from witness.keychain import MAX_EVENTS, verify_logged
from witness.limits import MAX_KEYS
from witness.store.directory import DirectoryStore
from witness.verification import WitnessIdentity

_MAX_KEPT: Final = 2 * MAX_KEYS  # bytes: more is of a log whose key is abused


class SeenKeys:
    """The memory of one witness's key events, each of which has been verified to be in its log."""

    def __init__(self, state: Path, identity: WitnessIdentity) -> None:
        """Raises `Incomplete` if what is remembered cannot be read."""
        self._path = f"keys/{sha256_hex(identity.log_key.text.encode())}.jsonl"
        self._store = DirectoryStore(state)
        self._shown = printable(str(state / self._path))
        self.events = self._read(identity)
        self._saved = self.events

    def remember(self, verified: Iterable[Bundle]) -> None:
        """Adds what is not there yet of `verified`, which `verify_logged` has let pass."""
        self.events = self.joined(verified)

    def joined(self, verified: Iterable[Bundle]) -> tuple[Bundle, ...]:
        """What would be remembered then: of two events at one index, the one that was seen before comes first."""
        known = {(item.proof.index, item.entry) for item in self.events}
        fresh = [item for item in verified if (item.proof.index, item.entry) not in known]
        both = sorted((*self.events, *fresh), key=lambda item: item.proof.index)
        total, kept = 0, 0
        for item in both[:MAX_EVENTS]:
            total += len(bundle.encode(item))
            kept += total <= _MAX_KEPT
        return tuple(both[:kept])

    def save(self) -> None:
        """Writes down what is remembered. Raises `Incomplete` if it cannot."""
        if self.events != self._saved:
            self._store.put(self._path, bundle.encode_shard(self.events))
            self._saved = self.events

    def _read(self, identity: WitnessIdentity) -> tuple[Bundle, ...]:
        try:
            data = self._store.get(self._path, limit=_MAX_KEPT + MAX_EVENTS)
        except NotFound:
            return ()
        try:
            events = tuple(bundle.parse(line) for line in data.split(b"\n")[:-1])
            for item in events:
                verify_logged(item, identity)
        except (Malformed, Unverified) as error:
            raise Incomplete(
                f"{self._shown}: what was remembered of a witness's keys cannot be read: {error}",
                hint="Move it away.",
            ) from None
        return events
