"""Makes a snapshot (witness.sources.snapshot), or brings it up to date: a verified copy of each log of a policy.

Each log is copied by itself, and as far as it could be: one that is unreachable, damaged or too large keeps the copy of
before, with its age. What an interrupted run has copied is not fetched again.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Final

from witness.config import LoadedPolicy
from witness.errors import Incomplete, InputError, Malformed, NotFound, Unverified
from witness.fetch import Fetcher
from witness.limits import MIB
from witness.log.location import fetch_at
from witness.log.seen import SeenLog
from witness.log.writer import CHECKPOINT, exclusive
from witness.mirror import mirror
from witness.policy import TrustedWitness
from witness.sources.snapshot import INDEX, MAX_INDEX, HeldLog, directory_of, encode_index, parse_index
from witness.store.directory import DirectoryStore
from witness.tlog.checkpoint import open_checkpoint
from witness.tlog.cosignature import CosignerKey
from witness.tlog.tiles import Fetch

DEFAULT_LIMIT: Final = 4096 * MIB
_AT_ONCE: Final = 4  # logs


@dataclass(frozen=True, slots=True)
class Copied:
    """What came of one log.

    Attributes:
        witness: whose it is.
        seen: what the snapshot has of it now; None if nothing.
        added: entries that are new.
        against: evidence that the log contradicts itself, or a checkpoint that its key did not sign, a line each.
        missed: why it could not be brought up to date, or nothing.
    """

    witness: TrustedWitness
    seen: HeldLog | None
    added: int = 0
    against: tuple[str, ...] = ()
    missed: str = ""


def exit_code(copied: Sequence[Copied]) -> int:
    """As `wheelwitness log check` has it: evidence first, then what could not be completed."""
    if any(item.against for item in copied):
        return 1
    return 5 if any(item.missed for item in copied) else 0


def take(
    loaded: LoadedPolicy,
    directory: Path,
    fetcher: Fetcher,
    *,
    now: Callable[[], datetime],
    state: Path,
    limit: int = DEFAULT_LIMIT,
    progress: Callable[[int], None] = lambda _: None,
) -> Iterator[Copied]:
    """Brings the snapshot in `directory` up to the logs of the policy's witnesses, and tells of each when it is done.

    Args:
        loaded: whose logs, where they are, and whose cosignatures to keep.
        directory: made if it is not there. Logs that the policy no longer names are left in it.
        fetcher: for logs that are not in local directories.
        now: the time; a log was seen when its checkpoint was fetched.
        state: where the user's own memory of logs is, which a conviction is written to as well.
        limit: how many bytes to fetch of one log in this run; another run goes on.
        progress: called with the number of entries that were copied, from any thread.

    Raises:
        InputError: the directory cannot be used, or holds something that is no snapshot.
        Incomplete: another run is at it.
    """
    with exclusive(directory / "state"):
        store = DirectoryStore(directory)
        held = {log.log_key: log for log in _read(store)}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            work = _Work(loaded, directory, fetcher, now, state, limit, progress)
            tasks = [
                pool.submit(work.copy, witness, held.get(witness.identity.log_key.text))
                for witness in loaded.policy.witnesses
            ]
            for task in as_completed(tasks):
                done = task.result()
                if done.seen is not None:
                    held[done.seen.log_key] = done.seen
                    store.put(INDEX, encode_index([held[key] for key in sorted(held)]))
                yield done


def _read(store: DirectoryStore) -> tuple[HeldLog, ...]:
    try:
        return parse_index(store.get(INDEX, limit=MAX_INDEX)).logs
    except NotFound:
        return ()
    except Malformed as error:
        raise InputError(f"{store.root / INDEX}: {error}", hint="Choose another directory.") from None


@dataclass(frozen=True, slots=True)
class _Work:
    loaded: LoadedPolicy
    directory: Path
    fetcher: Fetcher
    now: Callable[[], datetime]
    state: Path
    limit: int
    progress: Callable[[int], None]

    def copy(self, witness: TrustedWitness, held: HeldLog | None) -> Copied:
        key = witness.identity.log_key
        cosigners = self._cosigners(witness)
        at = self.now()
        try:
            fetch = _Bounded(fetch_at(self.loaded.location(witness), self.fetcher), self.limit)
            signed = fetch(CHECKPOINT)
        except Incomplete as error:
            return Copied(witness, held, missed=str(error))
        try:
            open_checkpoint(signed, key, cosigners)
        except (Malformed, Unverified) as error:
            return Copied(witness, held, against=(f"its checkpoint: {error}",))
        try:
            done = mirror(
                lambda path: signed if path == CHECKPOINT else fetch(path),
                directory_of(self.directory, key),
                key,
                cosigners,
                progress=self.progress,
                lookups=False,
            )
        except (Incomplete, Malformed, Unverified) as error:
            return Copied(witness, held, missed=str(error))
        if done.caught:
            # From here on the log is not believed by a check either, whatever that asks.
            memory = SeenLog(self.state, key, cosigners)
            for item in done.caught:
                memory.convict(item.evidence)
            return Copied(witness, held, against=tuple(item.text for item in done.caught))
        return Copied(witness, HeldLog(log_key=key.text, entries=done.size, seen=at), done.added)

    def _cosigners(self, witness: TrustedWitness) -> tuple[CosignerKey, ...]:
        """The keys of all operators, the witness's own among them, each once."""
        keys = [key for _, key in self.loaded.policy.cosigners_known]
        own = witness.identity.cosigner_key
        return tuple(dict.fromkeys([*([own] if own else []), *keys]))


@dataclass(slots=True)
class _Bounded:
    """A `Fetch` that ends after `limit` bytes: a log may be endless."""

    fetch: Fetch
    limit: int
    total: int = 0
    lock: Lock = field(default_factory=Lock)

    def __call__(self, path: str) -> bytes:
        if self.total > self.limit:
            raise Incomplete(f"more than {self.limit // MIB} MiB in one run; the next one goes on")
        data = self.fetch(path)
        with self.lock:
            self.total += len(data)
        return data
