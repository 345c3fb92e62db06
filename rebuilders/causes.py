"""Why a rebuilt wheel differs, in one word: the class of a mismatch, from what differs and what the sdist holds. Pure.

The first row of the table that explains a difference classes it; of several classes, the one furthest down the table
weighs most and names the cause. RECORD follows from the other members and explains nothing by itself.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from rebuilders.facts.sdist import SdistFacts
from witness.compare.rules.compressed import read_gzip
from witness.differences import classes
from witness.differences.pair import MAX_READ, Pair
from witness.errors import Malformed
from witness.observation import Difference
from witness.wheel.reader import Wheel

_FOR_WHOM: Final = ("tag", "root-is-purelib", "build")  # fields of WHEEL
_LICENSES: Final = (
    "LICEN",
    "COPYING",
    "NOTICE",
    "AUTHORS",
)  # what wheel and setuptools look for by themselves
_WRITTEN: Final = (".pth", ".pyc", ".so", ".pyd")  # payload that build tools write


@dataclass(frozen=True)
class Case:
    """A mismatch: both wheels, and the sdist that one of them was built from.

    `foreign` are members of the published wheel with bytes that no file of the sdist has (rebuilders.static).
    """

    published: Wheel
    rebuilt: Wheel
    sdist: SdistFacts
    differences: tuple[Difference, ...]
    foreign: frozenset[str] = frozenset()

    def pairs(self) -> Iterator[Pair]:
        """Each difference with what is behind it."""
        return (Pair(self.published, self.rebuilt, difference) for difference in self.differences)

    def in_sdist(self, pair: Pair) -> bool:
        """Whether the sdist has a file of that path, at its top or below some directory.

        A file of `.dist-info` that a build takes from elsewhere, such as a license, has its size there, too.
        """
        below, published = pair.below_dist_info, pair.members[0]
        name = below.removeprefix("licenses/") or pair.path
        alike = self._by_basename.get(name.rsplit("/", 1)[-1], ())
        found = [member for member in alike if member == name or member.endswith(f"/{name}")]
        if below and published is not None:
            return any(self.sdist.members[member].size == published.size for member in found)
        return bool(found)

    @cached_property
    def _by_basename(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for member in self.sdist.members:
            found[member.rsplit("/", 1)[-1]].append(member)
        return found


Explains = Callable[[Case, Pair], bool]


def _as(applies: Callable[[Pair], bool]) -> Explains:
    """What a class of differences looks at, whatever the sdist holds."""
    return lambda _, pair: applies(pair)


def _tags(_: Case, pair: Pair) -> bool:
    """What the wheel is for, and not only what made it."""
    if not classes.tags(pair) or pair.below_dist_info != "WHEEL":
        return classes.tags(pair)
    return pair.changes is None or any(change.name.lower() in _FOR_WHOM for change in pair.changes)


def _repacked(_: Case, pair: Pair) -> bool:
    """A file that the published wheel has compressed: its publisher did so after the build."""
    packed = pair.path if classes.only_published(pair) else f"{pair.path}.gz"
    plain = pair.rebuilt.members.get(packed.removesuffix(".gz"))
    if pair.kind == "content" or packed not in pair.published.members or plain is None:
        return False
    try:
        unpacked = read_gzip(pair.published.read(packed, limit=MAX_READ))
    except Malformed:
        return False
    return packed.endswith(".gz") and unpacked.sha256 == plain.sha256


def _not_in_sdist(case: Case, pair: Pair) -> bool:
    return classes.only_published(pair) and not _is_held(case, pair)


def _left_out(case: Case, pair: Pair) -> bool:
    return classes.only_published(pair) and _is_held(case, pair)


def _is_held(case: Case, pair: Pair) -> bool:
    """Whether the sdist has a file of that name, and one with those bytes."""
    return case.in_sdist(pair) and pair.path not in case.foreign


def _metadata(case: Case, pair: Pair) -> bool:
    return bool(pair.below_dist_info) and not _not_in_sdist(case, pair)


def _generated(case: Case, pair: Pair) -> bool:
    return pair.kind == "content" and not case.in_sdist(pair)


def _changed(case: Case, pair: Pair) -> bool:
    return pair.kind == "content" and case.in_sdist(pair)


# The cause, and what explains a difference of that class.
CAUSES: Final[tuple[tuple[str, Explains], ...]] = (
    ("ambiguous-archive", _as(classes.ambiguous)),
    ("line-ends", _as(classes.line_endings)),
    ("tags", _tags),
    ("metadata", _metadata),
    ("executable-bit", _as(classes.executable_bit)),
    ("repacked", _repacked),
    ("not-in-sdist", _not_in_sdist),
    ("left-out", _left_out),
    ("added", _as(classes.only_rebuilt)),
    ("generated-file", _generated),
    ("changed-file", _changed),
)


def cause_of(case: Case) -> str:
    """The cause that weighs most: of the causes of the single differences, the last in the table."""
    order = [name for name, _ in CAUSES]
    found = set(_causes(case))
    return max(found, key=order.index) if found else "metadata"


def no_recipe_helps(case: Case) -> bool:
    """Whether the published wheel has a file that a build has to take from the sdist, which has none of the kind."""
    return any(_not_in_sdist(case, pair) and _is_taken(pair) for pair in case.pairs())


def _is_taken(pair: Pair) -> bool:
    """Whether builds take the file from the source, whatever made the wheel: they neither write nor rename it."""
    path = pair.path
    if pair.below_dist_info:
        return pair.below_dist_info.rsplit("/", 1)[-1].upper().startswith(_LICENSES)
    return not path.endswith(_WRITTEN) and not path.split("/", 1)[0].endswith(".data")


def _causes(case: Case) -> Iterator[str]:
    for pair in case.pairs():
        if pair.below_dist_info != "RECORD":
            yield next((name for name, explains in CAUSES if explains(case, pair)), "changed-file")
