"""Looks at every bundle that a consumer verifies for what proves that its log contradicts itself.

Costs no request: the checkpoints and entries of one run are held against each other and against the checkpoints that
were seen before (witness.log.seen). Whether trees of different sizes belong together takes tiles, and `wheelwitness log
check`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from witness.bundle import Bundle
from witness.errors import Incomplete
from witness.log.seen import SeenLog
from witness.tlog.contradiction import TwoEntries
from witness.tlog.merkle import leaf_hash
from witness.tlog.proof import Proof
from witness.verification import WitnessIdentity


@dataclass(slots=True)
class _Log:
    """What one run has seen of a witness's log."""

    seen: SeenLog
    checkpoints: set[bytes] = field(default_factory=set)
    entries: dict[int, tuple[bytes, Proof]] = field(default_factory=dict)


class LogWatch:
    """For one run, from any thread. `state` is the directory of `SeenLog`."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._logs: dict[str, _Log] = {}
        self._lock = Lock()

    def look(self, identity: WitnessIdentity, bundles: Iterable[Bundle]) -> None:
        """Takes in `bundles`, which verify as those of `identity`. Raises `Incomplete` (see `SeenLog`)."""
        with self._lock:
            log = self._logs.get(identity.name)
            if log is None:
                own = (identity.cosigner_key,) if identity.cosigner_key else ()
                log = self._logs[identity.name] = _Log(SeenLog(self._state, identity.log_key, own))
            for item in bundles:
                _look(log, item, identity)

    def caught(self, witness: str) -> tuple[str, ...]:
        """What has been proven against the log of `witness`, in this run or an earlier one, a line each."""
        with self._lock:
            log = self._logs.get(witness)
            return tuple(dict.fromkeys(item.text for item in log.seen.convictions)) if log else ()

    def save(self) -> None:
        """Writes down what was seen, where that is possible: a consumer may have no place to write to."""
        with self._lock:
            for log in self._logs.values():
                try:
                    log.seen.save()
                except Incomplete:
                    return


def _look(log: _Log, item: Bundle, identity: WitnessIdentity) -> None:
    signed = item.proof.checkpoint
    if signed not in log.checkpoints:
        log.checkpoints.add(signed)
        log.seen.see(signed)
    leaf = leaf_hash(item.entry)
    known, proof = log.entries.setdefault(item.proof.index, (leaf, item.proof))
    if known != leaf:
        log.seen.convict(TwoEntries(identity.log_key, (known, leaf), (proof, item.proof)))
