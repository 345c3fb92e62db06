"""How a node stands: what `rebuilder status`, `rebuilder doctor` and the metrics say of it. Reads, and holds no key.

What its own checkpoint says is taken as it is written: nobody is to be convinced by it, and consumers verify.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from shutil import disk_usage
from typing import Final

from rebuilders.node.caps import Caps, Day
from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.node.control import DRAINING, PAUSED, RECEIVED
from rebuilders.node.ledger import Queued
from rebuilders.node.parts.lasting import Beat, read_beats
from rebuilders.outbox import Outbox
from witness import note
from witness.errors import Incomplete, Malformed
from witness.limits import MAX_CHECKPOINT

STATES: Final = ("queued", "running", "done", "stuck")
_SHOWN: Final = 10  # targets that run or are stuck
_COSIGNATURE: Final = 72  # bytes of an Ed25519 one: a time, in seconds since 1970, and the signature


@dataclass(frozen=True, slots=True)
class Signed:
    """The node's checkpoint: entries of the log, the newest time in it, and that of each peer's cosignature."""

    size: int
    at: datetime | None
    cosigned: Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class Space:
    """Bytes of the file system that has `path`."""

    path: Path
    free: int
    total: int


@dataclass(frozen=True, slots=True)
class Standing:
    """A node at one time, `now`. `held` is why nothing is handed out, or empty; `oldest` is of what is unpublished."""

    now: datetime
    name: str
    counts: Mapping[str, int]
    results: Mapping[tuple[str, str], int]
    running: tuple[Queued, ...]
    stuck: tuple[Queued, ...]
    held: str
    last_observation: datetime | None
    unpublished: int
    oldest: datetime | None
    refused: int
    hidden: int
    received: int
    log: Signed | None
    parts: tuple[Beat, ...]
    peers: tuple[str, ...]
    disk: tuple[Space, ...]


def read_standing(directory: NodeDirectory, config: NodeConfig, now: datetime) -> Standing:
    """How the node in `directory` stands. Raises InputError and Incomplete where its ledger cannot be read."""
    ledger = directory.ledger(config)
    try:
        counts, results, said = ledger.counts(), ledger.results(), ledger.control()
        running, stuck = ledger.rows("running", limit=_SHOWN), ledger.rows("stuck", limit=_SHOWN)
        last = ledger.last_change()
    finally:
        ledger.close()
    outbox = Outbox(directory.outbox)
    places = (directory.state, existing(config.settings.cache_path))
    received = Day.parse(said.get(RECEIVED, ""), now)
    return Standing(
        now=now,
        name=config.name,
        counts={state: counts[state] for state in STATES},
        results=results,
        running=tuple(running),
        stuck=tuple(stuck),
        held=_held(said, Caps(config.limits, places), now, received),
        last_observation=last,
        unpublished=outbox.waiting() + counts["undelivered"],
        oldest=_oldest(directory.outbox),
        refused=sum(1 for _ in (directory.outbox / "refused").glob("*.json")),
        hidden=sum(1 for _ in (directory.state / "hidden" / "statements").glob("*.json")),
        received=received.received,
        log=read_signed(directory, config),
        parts=tuple(read_beats(directory)),
        peers=tuple(peer.url for peer in config.peer),
        disk=tuple(space(place) for place in dict.fromkeys(places)),
    )


def read_signed(directory: NodeDirectory, config: NodeConfig) -> Signed | None:
    """What the node's checkpoint says; None where there is none that can be read."""
    try:
        with (directory.site / "checkpoint").open("rb") as file:
            told = note.parse(file.read(MAX_CHECKPOINT + 1))
        size = int(told.text.split("\n")[1])
        times = {
            item.name: datetime.fromtimestamp(int.from_bytes(item.data[:8], "big"), UTC)
            for item in told.signatures
            if len(item.data) == _COSIGNATURE
        }
    except (OSError, Malformed, ValueError, IndexError, OverflowError):
        return None
    others = {name: at for name, at in times.items() if name != config.cosigner}
    return Signed(size, max(times.values(), default=None), others)


def existing(path: Path) -> Path:
    """`path`, or the first directory above it that is there."""
    return next(place for place in (path, *path.parents) if place.is_dir())


def space(path: Path) -> Space:
    """The space where `path` is. Raises Incomplete."""
    try:
        usage = disk_usage(path)
    except OSError as error:
        raise Incomplete(f"{path}: {error.strerror}") from None
    return Space(path, usage.free, usage.total)


def _held(said: Mapping[str, str], caps: Caps, now: datetime, received: Day) -> str:
    word = next((word for word in (DRAINING, PAUSED) if word in said), "")
    return word or caps.why_not(now, received)


def _oldest(outbox: Path) -> datetime | None:
    times = []
    for path in outbox.glob("*.json"):
        try:
            times.append(path.stat().st_mtime)
        except OSError:  # the signer has just taken it
            continue
    return datetime.fromtimestamp(min(times), UTC) if times else None
