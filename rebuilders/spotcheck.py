"""Spot checks: which of another operator's claims to try, and what our own rebuild says of one. Pure.

A claim is tried with our own pipeline, from the file and the sdist that the index has. The sample follows from the
seed, the log and the canaries alone, so that anybody who knows them draws the same.
"""

import hashlib
import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, Literal

from rebuilders.pipeline import Report
from rebuilders.result import result_of, to_json
from witness.errors import InputError
from witness.escape import printable
from witness.names import TargetName
from witness.observation import LEVELS, format_time
from witness.statement import Statement

SCHEMA: Final = "spot-check/1"
EXIT: Final = {"confirmed": 0, "refuted": 1, "untried": 3}

Outcome = Literal["confirmed", "weaker", "refuted", "untried"]

# How often a claim is drawn, compared with others. What costs nothing to guess, and gains the most, is tried the most.
_LEVELS: Final = {"bitwise": 4.0, "archive": 3.0, "metadata": 1.0, "content": 1.0}
_NEWEST: Final = 4.0  # times as often as the oldest
_CANARY: Final = 1e6


@dataclass(frozen=True, slots=True)
class Draw:
    """Which claims are drawn. `canaries` are wheels' file names, or `name==version`, that are known to differ."""

    seed: str
    canaries: frozenset[str] = frozenset()

    def is_canary(self, said: Statement) -> bool:
        """Whether what is said is about one of them."""
        return said.filename in self.canaries or _release(said) in self.canaries

    def priority(self, said: Statement, index: int, size: int) -> float | None:
        """For sampling by weight without replacement (Efraimidis and Spirakis, 2006): the largest are taken.

        None for what is no claim to have rebuilt an equal file.
        """
        observation = said.observation
        if observation.result != "match" or observation.method != "rebuild" or observation.level is None:
            return None
        weight = _LEVELS[observation.level] * (1 + (_NEWEST - 1) * index / max(1, size - 1))
        weight *= _CANARY if self.is_canary(said) else 1
        digest = hashlib.sha256(f"{self.seed}\n{said.sha256}".encode()).digest()
        return math.log((int.from_bytes(digest[:7], "big") + 1) / 2**56) / weight


@dataclass(frozen=True, slots=True)
class Spot:
    """What became of one claim, and in one line why. `result` is the rebuild, if there was one."""

    index: int
    said: Statement
    canary: bool
    outcome: Outcome
    reason: str
    result: dict[str, Any] | None = None

    def wire(self, origin: str, size: int, seed: str) -> dict[str, Any]:
        """As JSON values: a line of the file."""
        observation = self.said.observation
        return {
            "schema": SCHEMA,
            "log": printable(origin),
            "size": size,
            "seed": printable(seed),
            "index": self.index,
            "filename": printable(self.said.filename),
            "sha256": self.said.sha256,
            "canary": self.canary,
            "claimed": {
                "level": observation.level,
                "archiveExact": bool(observation.comparison and observation.comparison.archive_exact),
                "source": observation.source.digest.sha256 if observation.source else None,
                "python": printable(observation.environment.interpreter) if observation.environment else None,
                "seen": format_time(observation.attempt.finished_at),
            },
            "outcome": self.outcome,
            "reason": printable(self.reason),
            "rebuild": self.result,
        }


def target_of(said: Statement) -> TargetName:
    """The file that is spoken of. Raises InputError if its name is none of a wheel."""
    return TargetName.parse(said.filename)


def judge(index: int, said: Statement, report: Report, *, canary: bool) -> Spot:
    """What our rebuild says of what was said."""
    outcome, reason = _judged(said, report)
    return Spot(index, said, canary, outcome, reason, to_json(report, target_of(said)))


def untried(index: int, said: Statement, reason: str, *, canary: bool) -> Spot:
    """A claim about which nothing could be found out."""
    return Spot(index, said, canary, "untried", reason)


def worst(outcomes: Collection[str]) -> int:
    """The exit code: a claim was refuted, none could be tried, or neither."""
    if "refuted" in outcomes:
        return EXIT["refuted"]
    return EXIT["confirmed"] if {"confirmed", "weaker"} & set(outcomes) else EXIT["untried"]


def _judged(said: Statement, report: Report) -> tuple[Outcome, str]:
    target, best, observation = report.target, report.best, said.observation
    if target is None:
        return "untried", str(report.failure)
    if target.sha256 != said.sha256:
        return "untried", "the index has another file of this name"
    claimed, source = observation.comparison, observation.source
    if source is None or target.sdist is None or source.digest.sha256 != target.sdist.sha256:
        return "untried", "the index has another sdist than the one that was named"
    if best is None:
        return "untried", f"not rebuilt: {report.failure}"
    ours = best.outcome.comparison
    if claimed is not None and ours.published is not None and claimed.published != ours.published:
        return "refuted", "the digests that were named are not those of the published file"
    if result_of(report) == "mismatch":
        shown = ", ".join(f"{item.path or 'the archive'} ({item.kind})" for item in ours.differences[:3])
        return "refuted", f"our rebuild differs: {shown}"
    level = best.outcome.level
    if level and observation.level and LEVELS.index(level) > LEVELS.index(observation.level):
        return "weaker", f"our rebuild is equal at level {level} only"
    return "confirmed", f"our rebuild is equal at level {level}"


def _release(said: Statement) -> str:
    try:
        target = target_of(said)
    except InputError:
        return ""
    return str(TargetName(target.project, target.version))
