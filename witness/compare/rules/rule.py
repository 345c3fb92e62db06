"""What a rule is: a row that says what it equates and why, and the judge of its subject that checks it.

A judge is handed one member that both wheels have with different bytes. It accounts for every difference by a rule,
with the two values that the rule equated, or it refuses the member. It never drops anything and never guesses: what
it cannot check is `Malformed`, or None, and stays a difference.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from witness.wheel.reader import Wheel

MAX_SHOWN: Final = 300  # characters of either value that an observation has room for
MAX_TEXT: Final = 4 * 1024 * 1024  # bytes of a text that is judged


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the catalogue, for people: `id` ends in the version, which grows with any change of behaviour."""

    id: str
    level: Literal["metadata", "content"]
    members: str
    equates: str
    refuses: str
    why: str


@dataclass(frozen=True, slots=True)
class Use:
    """One rule that equated two values."""

    rule: Rule
    published: str
    rebuilt: str


@dataclass(frozen=True, slots=True)
class Pair:
    """The member at `path` of two wheels whose `.dist-info` has one name."""

    published: Wheel
    rebuilt: Wheel
    path: str

    @property
    def about(self) -> str:
        """The path below `.dist-info`; empty for payload."""
        directory = f"{self.published.dist_info}/"
        return self.path[len(directory) :] if self.path.startswith(directory) else ""

    @property
    def executable(self) -> bool:
        """Whether either is executable."""
        return any(wheel.members[self.path].executable for wheel in (self.published, self.rebuilt))

    def contents(self, limit: int = MAX_TEXT) -> tuple[bytes, bytes]:
        """Both contents. Raises Malformed if one is larger than `limit` bytes."""
        return self.published.read(self.path, limit=limit), self.rebuilt.read(self.path, limit=limit)

    def use_of(self, rule: Rule) -> Use:
        """A use whose two values are the digests, where the values themselves are whole files."""
        ours, theirs = self.published.members[self.path], self.rebuilt.members[self.path]
        return Use(rule, f"sha256:{ours.sha256}", f"sha256:{theirs.sha256}")


Uses = tuple[Use, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """One kind of member: which ones, its rules, and the judge that holds two of them against each other."""

    rules: tuple[Rule, ...]
    covers: Callable[[Pair], bool]
    judge: Callable[[Pair], Uses | None]
