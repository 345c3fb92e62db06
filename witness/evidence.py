"""What was heard about one artifact, before any policy judges it: who spoke, who did not, what fails verification."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from witness.escape import printable
from witness.observation import Observation
from witness.ossrebuild.rebuild import VerifiedRebuild
from witness.statement import Statement
from witness.verification import VerifiedObservation

_SHOWN_PATHS: Final = 3
_FORKED: Final = "its log was forked: two different entries at index"


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file to judge. The rest is what the consumer knows of it, if anything.

    `project` and `version` are normalised. `digests` are those of its payload and its `.dist-info`, where he has the
    file at hand (witness.wheel.manifest). `record` is its record digest, where it is installed.
    """

    sha256: str
    filename: str | None = None
    project: str | None = None
    version: str | None = None
    digests: tuple[str, str] | None = None
    record: str | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """A witness from which nothing was heard: it has nothing, or could not be reached."""

    witness: str
    operator: str
    reason: str
    reachable: bool


@dataclass(frozen=True, slots=True)
class Rejection:
    """Something of a witness that was heard and does not count. `bad`: it fails verification, which is evidence."""

    witness: str
    operator: str
    reason: str
    bad: bool = False


@dataclass(frozen=True, slots=True)
class AsOf:
    """That a witness was not asked, but a snapshot that last saw its log at `seen`."""

    witness: str
    operator: str
    seen: datetime


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was heard about one artifact: by witnesses, and apart from it `rebuilds` by services."""

    observations: tuple[VerifiedObservation, ...] = ()
    silent: tuple[Silence, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    rebuilds: tuple[VerifiedRebuild, ...] = ()


def newest(
    observations: Iterable[VerifiedObservation],
) -> tuple[list[VerifiedObservation], list[Rejection]]:
    """Each witness's newest comparison by log index, and whose log shows two entries at one index.

    Who has compared nothing is heard by his newest observation. What compares nothing takes nothing back: neither
    whoever deletes the sdist, nor a build that has become impossible, makes a mismatch unsaid.
    Such a log was forked, and its witness is heard by a mismatch alone, so that no one can take back his dissent by
    forking. Of several proofs of one entry, that with the most cosigners is taken. The order of `observations` is of
    no consequence.
    """
    latest: dict[str, VerifiedObservation] = {}
    entries: dict[tuple[str, int], Statement] = {}
    forks: dict[str, int] = {}
    for item in observations:
        name, index = item.witness.name, item.log_index
        if entries.setdefault((name, index), item.statement) != item.statement:
            forks[name] = min(forks.get(name, index), index)
        known = latest.get(name)
        if known is None or _is_newer(item, known):
            latest[name] = item
    heard = [latest[name] for name in sorted(latest) if name not in forks or _differs(latest[name])]
    forked = [
        Rejection(name, latest[name].witness.operator, f"{_FORKED} {index}", bad=True)
        for name, index in sorted(forks.items())
    ]
    return heard, forked


def _is_newer(item: VerifiedObservation, known: VerifiedObservation) -> bool:
    """By recency; of two entries at one index that differ in nothing that it looks at, always the same one."""
    one, other = _recency(item), _recency(known)
    return one > other or (one == other and _text(item) > _text(known))


def _text(item: VerifiedObservation) -> bytes:
    return item.statement.observation.canonical()


def _recency(item: VerifiedObservation) -> tuple[object, ...]:
    said = describe(item.statement.observation), item.statement.filename
    when = item.statement.observation.attempt.finished_at
    compared = item.statement.observation.comparison is not None
    return (
        compared,
        item.log_index,
        _differs(item),
        *said,
        when,
        len(item.cosigned_by),
        sorted(item.cosigned_by),
    )


def _differs(item: VerifiedObservation) -> bool:
    return item.statement.observation.result == "mismatch"


def describe(observation: Observation) -> str:
    """What an observation says, in one printable line."""
    if observation.result == "match":
        exact = observation.comparison is not None and observation.comparison.archive_exact
        how = "rebuilt" if observation.method == "rebuild" else "checked without building"
        return f"{how}: {observation.level}" + (
            " (exact)" if exact and observation.level != "bitwise" else ""
        )
    if observation.result == "mismatch" and observation.comparison is not None:
        differences = observation.comparison.differences
        shown = ", ".join(
            f"{item.path or 'the archive'} ({item.kind})" for item in differences[:_SHOWN_PATHS]
        )
        more = observation.comparison.differences_total - min(len(differences), _SHOWN_PATHS)
        return printable(f"differs: {shown}") + (f" and {more} more" if more > 0 else "")
    failure = observation.failure
    cause = f": {failure.phase}: {failure.cause}" if failure else ""
    return printable(f"{observation.result}{cause}")
