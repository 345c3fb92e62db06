"""Copies a node's site to a destination, so that readers of it find a consistent site at every moment.

The checkpoint there is replaced last, by one from which everything that was sent has followed (witness.cut). So
whoever is interrupted leaves the old checkpoint with all that it needs, and some files that are newer. What the site
has no more is deleted after that, and only when readers have had time to see the new checkpoint.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rebuilders.destinations.interface import Destination
from rebuilders.destinations.manifest import Manifest
from rebuilders.destinations.transfer import Transfer
from rebuilders.destinations.walk import CHECKPOINT, DATA_STEP, PAGE_STEPS, TILE_STEP, WIDTH
from witness import cut as cuts
from witness import files, lookup
from witness.cut import Cut
from witness.errors import Incomplete, InputError, NotFound
from witness.limits import MAX_CHECKPOINT
from witness.note import VerifierKey
from witness.store.directory import DirectoryStore

GRACE: Final = 3600.0  # seconds that a file stays when the site has it no more
_ROUNDS: Final = 3  # of sending what has changed since the last one began, while the node is at work
_NOW: Final = "checkpoint"
_NEXT: Final = "next"
_BUSY: Final = "busy"


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did: the entries that the destination's checkpoint now has, and counts of files and bytes."""

    size: int
    sent: int
    bytes: int
    deleted: int


@dataclass(frozen=True, slots=True)
class Source:
    """A node's site, the directory with its log's journal, and its log's key. Nothing of it is written."""

    site: Path
    state: Path
    log_key: VerifierKey


def push(
    source: Source,
    destination: Destination,
    state: Path,
    tell: Callable[[str], None] = lambda _: None,
    *,
    again: bool = False,
    grace: float = GRACE,
    patience: float = 5.0,
    now: Callable[[], float] = time.time,
) -> Pushed:
    """Brings `destination` up to the site of `source`, which may be written to meanwhile.

    Args:
        source: the site.
        destination: where it goes.
        state: a directory for what is remembered of this destination alone, with evidence if there is any.
        tell: called with a line about each file that is left out.
        again: send everything, whatever is remembered.
        grace: see `GRACE`.
        patience: how many seconds to wait for the process that signs.
        now: the time in seconds since 1970.

    Raises:
        Incomplete: it could not be completed; the destination is consistent, and another push goes on.
        Unverified: the destination's checkpoint is newer, or of another history: nothing was changed there.
        InputError: something has to be mended first.
    """
    with _alone(state), _opened(state / "manifest.sqlite") as manifest:
        held = _checkpoint(destination)
        site = DirectoryStore(source.site)
        taken = cuts.take(site, DirectoryStore(source.state), source.log_key, held=held, patience=patience)
        theirs = cuts.copy_fetch(destination.get)
        evidence = state / "evidence"
        size = cuts.judge(taken, held, source.log_key, cuts.site_fetch(site), theirs, evidence=evidence)
        transfer = Transfer(source.site, destination, manifest, tell, now)
        _prepare(transfer, held, again=again)
        while_at_work = _Rounds(source, transfer, site, size, patience)
        done = while_at_work.send(taken)
        _replace(transfer, held, done.signed)
        transfer.delete(grace)
        manifest.note({_BUSY: b""})
        return Pushed(done.size, transfer.sent, transfer.volume, transfer.deleted)


def _prepare(transfer: Transfer, held: bytes, *, again: bool) -> None:
    """Makes sure that the manifest speaks of what is there."""
    manifest = transfer.manifest
    if manifest.about(_BUSY):
        transfer.destination.tidy()
    manifest.note({_BUSY: b"1"})
    if held not in (manifest.about(_NOW), manifest.about(_NEXT)):
        transfer.adopt(own=bool(held))
        manifest.note({_NOW: held, _NEXT: held})
    if again:
        manifest.doubt()


@dataclass(frozen=True, slots=True)
class _Rounds:
    """Sends what a cut needs, again and again while the site grows, until it stood still or for a few times."""

    source: Source
    transfer: Transfer
    site: DirectoryStore
    first: int
    patience: float

    def send(self, taken: Cut) -> Cut:
        """Returns the cut that is there in full, but for its checkpoint. Raises Incomplete."""
        missing: str | None = None
        for round_ in range(_ROUNDS):
            if round_:
                taken = self._take(taken)
            self._send(taken)
            missing = self._missing(taken)
            if missing is None and self.site.get(CHECKPOINT, limit=MAX_CHECKPOINT) == taken.signed:
                return taken
        # Shards may be proven by trees that have grown since: their tiles go along, for those who compare checkpoints.
        self.transfer.step(TILE_STEP)
        if missing is not None:
            raise Incomplete(
                f"{self.source.site}: {missing} is missing, and the checkpoint needs it",
                hint="If it does not come back, `wheelwitness log check` says what the site lacks.",
            )
        return taken

    def _take(self, before: Cut) -> Cut:
        state = DirectoryStore(self.source.state)
        return cuts.take(self.site, state, self.source.log_key, held=before.signed, patience=self.patience)

    def _send(self, taken: Cut) -> None:
        self.transfer.step(TILE_STEP)
        self.transfer.step(DATA_STEP)
        if taken.bits is not None and self.transfer.there(cuts.lookups(taken)) is None:
            self.transfer.put(WIDTH, lookup.encode_width(taken.bits))
        for step in PAGE_STEPS:
            self.transfer.step(step)

    def _missing(self, taken: Cut) -> str | None:
        fetch = cuts.site_fetch(self.site)
        shards = ((path,) for path in cuts.shards(taken, self.first, fetch))
        return self.transfer.there(cuts.needed(taken)) or self.transfer.there(shards)


def _replace(transfer: Transfer, held: bytes, signed: bytes) -> None:
    """Sends the checkpoint, unless somebody else has put another one there meanwhile."""
    if signed == held:
        return
    if _checkpoint(transfer.destination) != held:
        raise Incomplete(
            "the destination's checkpoint has changed meanwhile", hint="Push from one place at a time."
        )
    transfer.manifest.note({_NEXT: signed})
    transfer.manifest.forget([CHECKPOINT])
    transfer.put(CHECKPOINT, signed)
    transfer.manifest.note({_NOW: signed})


def _checkpoint(destination: Destination) -> bytes:
    try:
        return destination.get(CHECKPOINT, limit=MAX_CHECKPOINT)
    except NotFound:
        return b""


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    try:
        state.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InputError(f"{state}: cannot keep what was sent there: {error.strerror}") from None
    try:
        files.try_lock(descriptor)
        yield
    except BlockingIOError:
        raise Incomplete(f"{state}: another push to this destination is under way") from None
    finally:
        os.close(descriptor)


@contextmanager
def _opened(path: Path) -> Iterator[Manifest]:
    manifest = Manifest.open(path)
    try:
        yield manifest
    finally:
        manifest.close()
