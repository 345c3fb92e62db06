"""Verdicts for a process that runs long: kept for a while, by the digest of the policy that reached them.

The policy's file is looked at before every use, so that a changed one counts at once, and one that cannot be read
refuses everything. It is read again every `seconds` besides: a directory that it names may have other members by then,
or have expired. A verdict is kept for at most `seconds`, and never beyond the moment when it would change by age
alone (witness.expiry).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Final

from witness.client import Client
from witness.config import LoadedPolicy
from witness.evidence import Artifact
from witness.expiry import kept_until, snapshot_until
from witness.proxy.keeping import Kept
from witness.verdict import Verdict

_ROOM: Final = 20_000  # verdicts
_UNHEARD: Final = 5.0  # seconds after which a witness that could not be reached is asked again


@dataclass(frozen=True, slots=True)
class Judged:
    """Verdicts by artifact, the policy that reached them, and until when, by the monotonic clock, they are good."""

    verdicts: Mapping[Artifact, Verdict]
    loaded: LoadedPolicy
    until: float


class Judge:
    """Args:
    path: the policy's file.
    load: reads it.
    connect: makes a client for one piece of work: what a client remembers of failures must not outlive it.
    seconds: how long a verdict is kept.
    clock: seconds, monotonic. today: the time of day, in UTC.
    """

    def __init__(
        self,
        path: Path,
        load: Callable[[Path], LoadedPolicy],
        connect: Callable[[LoadedPolicy], AbstractContextManager[Client]],
        *,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._path, self._load, self._connect = path, load, connect
        self._seconds, self._clock, self._today = seconds, clock, today
        self._kept: Kept[tuple[str, Artifact], tuple[Verdict, float]] = Kept(_ROOM)
        self._loaded: tuple[tuple[int, ...], float, LoadedPolicy] | None = None
        self._lock = Lock()

    def policy(self) -> LoadedPolicy:
        """The policy as its file has it now.

        Raises:
            InputError: it has none.
            Incomplete: a directory that it names counts no more.
        """
        mark, now = _mark(self._path), self._clock()
        with self._lock:
            if self._loaded is None or self._loaded[0] != mark or now >= self._loaded[1]:
                self._loaded = None
                self._loaded = (mark, now + self._seconds, self._load(self._path))
            return self._loaded[2]

    def check(self) -> None:
        """Raises, as `policy` and `judge` do, if nothing could be judged now."""
        with self._connect(self.policy()):
            pass

    def judge(self, artifacts: Sequence[Artifact]) -> Judged:
        """The verdicts on `artifacts`.

        Raises:
            InputError: the policy, or a snapshot, cannot be read.
            Incomplete: as `policy` does; or evidence against a log cannot be kept.
        """
        loaded = self.policy()
        now, at = self._clock(), self._today()
        known: dict[Artifact, tuple[Verdict, float]] = {}
        for item in artifacts:
            found = self._kept.get((loaded.digest, item))
            if found is not None and found[1] > now:
                known[item] = found
        missing = [item for item in dict.fromkeys(artifacts) if item not in known]
        verdicts, end = self._ask(loaded, missing, at)
        for item, verdict in zip(missing, verdicts, strict=True):
            until = now + self._good_for(verdict, min(end, kept_until(verdict, loaded.policy, at)) - at)
            known[item] = verdict, until
            self._kept.put((loaded.digest, item), (verdict, until))
        until = min((each for _, each in known.values()), default=now + self._seconds)
        return Judged({item: verdict for item, (verdict, _) in known.items()}, loaded, until)

    def _ask(
        self, loaded: LoadedPolicy, artifacts: Sequence[Artifact], at: datetime
    ) -> tuple[list[Verdict], datetime]:
        """The verdicts, and when it is that a snapshot, if one is asked, counts no more."""
        if not artifacts:
            return [], at
        with self._connect(loaded) as client:
            return client.judge(artifacts, at), snapshot_until(client.as_of, loaded.policy, at)

    def _good_for(self, verdict: Verdict, left: timedelta) -> float:
        """Seconds for which `verdict`, which time alone changes when `left` is over, is kept."""
        if any(not item.reachable for item in verdict.silent):
            return min(_UNHEARD, self._seconds)
        return max(0.0, min(self._seconds, left.total_seconds()))


def _mark(path: Path) -> tuple[int, ...]:
    """What changes as soon as the file does; nothing if there is none, which `load` then says."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino
