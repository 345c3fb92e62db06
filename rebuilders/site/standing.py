"""How a file stands: what the newest observation of each operator says, taken together. Pure.

That is a summary for readers and no verdict: whom to believe, and how many, is for a consumer's policy.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from rebuilders.site.seen import Seen, version_of

State = Literal["match", "mismatch", "disputed", "build-failed", "not-attempted"]
STATES: Final[tuple[State, ...]] = ("match", "mismatch", "disputed", "build-failed", "not-attempted")
_LEVELS: Final = ("bitwise", "archive", "metadata", "content")  # the strictest first


@dataclass(frozen=True, slots=True)
class Standing:
    """How the file `sha256` stands.

    Attributes:
        voices: for each operator that observed it, what it says: a result, or `disputed` if its own nodes disagree.
        level: the weakest level of the matches, empty if there is none.
        first, at: when it was first and last observed, in seconds since 1970.
        regressed: the newest older version of the project that matches, where this file differs; or empty.
    """

    sha256: str
    filename: str
    version: str
    state: State
    level: str
    exact: bool
    first: int
    at: int
    voices: Mapping[str, str]
    regressed: str = ""

    def with_regression(self, version: str) -> "Standing":
        """The same, as a regression from `version`."""
        return replace(self, regressed=version)

    @property
    def agreed(self) -> list[str]:
        """The operators that say match."""
        return [operator for operator, result in self.voices.items() if result == "match"]

    @property
    def dissented(self) -> list[str]:
        """Those that say mismatch, or both."""
        return [operator for operator, result in self.voices.items() if result in ("mismatch", "disputed")]

    @property
    def abstained(self) -> list[str]:
        """Those that tried, and have nothing to say."""
        return [
            operator
            for operator, result in self.voices.items()
            if result in ("build-failed", "not-attempted")
        ]


def newest(rows: Iterable[Seen]) -> list[Seen]:
    """The newest of the rows of each source, in the order of the sources."""
    last: dict[int, Seen] = {}
    for row in sorted(rows, key=lambda row: (row.source, row.index)):
        last[row.source] = row
    return list(last.values())


def state_of(results: Iterable[str]) -> State:
    """What several results come to: who could build nothing says nothing beside who could."""
    found = set(results)
    if {"match", "mismatch"} <= found or "disputed" in found:
        return "disputed"
    return next((state for state in STATES if state in found), "not-attempted")


def standing(rows: Sequence[Seen], operators: Mapping[int, str]) -> Standing:
    """How the file of `rows` stands, at least one; `operators` are by source."""
    last = newest(rows)
    by_operator: dict[str, list[str]] = defaultdict(list)
    for row in last:
        by_operator[operators[row.source]].append(row.result)
    voices = {operator: state_of(results) for operator, results in by_operator.items()}
    matches = [row for row in last if row.result == "match"]
    named = last[0]
    return Standing(
        sha256=named.sha256,
        filename=named.filename,
        version=named.version,
        state=state_of(voices.values()),
        level=max((row.level for row in matches), key=_LEVELS.index, default=""),
        exact=bool(matches) and all(row.exact for row in matches),
        first=min(row.finished for row in rows),
        at=max(row.finished for row in last),
        voices=voices,
    )


def regressions(files: Iterable[Standing]) -> dict[str, str]:
    """The digests of files that differ though an older version matches, and the newest such version.

    A build that failed is none: it says nothing against the file.
    """
    files = list(files)
    matched = sorted({file.version for file in files if file.state == "match"}, key=version_of)
    found = {}
    for file in files:
        older = [version for version in matched if version_of(version) < version_of(file.version)]
        if file.state == "mismatch" and older:
            found[file.sha256] = older[-1]
    return found
