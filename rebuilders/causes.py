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
from witness.observation import Difference
from witness.wheel.reader import Wheel

_MAX_TEXT: Final = 4 * 1024 * 1024
_LICENSES: Final = (
    "LICEN",
    "COPYING",
    "NOTICE",
    "AUTHORS",
)  # what wheel and setuptools look for by themselves
_WRITTEN: Final = (".pth", ".pyc", ".so", ".pyd")  # payload that build tools write


@dataclass(frozen=True)
class Case:
    """A mismatch: both wheels, and the sdist that one of them was built from."""

    published: Wheel
    rebuilt: Wheel
    sdist: SdistFacts
    differences: tuple[Difference, ...]

    def below_dist_info(self, path: str) -> str:
        """The path below `.dist-info`, or nothing for payload."""
        for wheel in (self.published, self.rebuilt):
            if path.startswith(f"{wheel.dist_info}/"):
                return path[len(wheel.dist_info) + 1 :]
        return ""

    def in_sdist(self, path: str) -> bool:
        """Whether the sdist has a file of that path, at its top or below some directory.

        A file of `.dist-info` that a build takes from elsewhere, such as a license, has its size there, too.
        """
        below = self.below_dist_info(path)
        name = below.removeprefix("licenses/") or path
        alike = self._by_basename.get(name.rsplit("/", 1)[-1], ())
        found = [member for member in alike if member == name or member.endswith(f"/{name}")]
        if below and path in self.published.members:
            size = self.published.members[path].size
            return any(self.sdist.members[member].size == size for member in found)
        return bool(found)

    @cached_property
    def _by_basename(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for member in self.sdist.members:
            found[member.rsplit("/", 1)[-1]].append(member)
        return found


Explains = Callable[[Case, Difference], bool]


def _ambiguous(_: Case, difference: Difference) -> bool:
    return difference.kind.startswith(("published-", "rebuilt-"))


def _not_in_sdist(case: Case, difference: Difference) -> bool:
    return difference.kind == "only-in-published" and not case.in_sdist(difference.path)


def _left_out(case: Case, difference: Difference) -> bool:
    return difference.kind == "only-in-published" and case.in_sdist(difference.path)


def _added(_: Case, difference: Difference) -> bool:
    return difference.kind == "only-in-rebuilt"


def _line_ends(case: Case, difference: Difference) -> bool:
    texts = _texts(case, difference)
    return texts is not None and texts[0].replace(b"\r\n", b"\n") == texts[1].replace(b"\r\n", b"\n")


def _tags(case: Case, difference: Difference) -> bool:
    told = case.below_dist_info(difference.path) == "WHEEL" and difference.kind == "content"
    return told or difference.kind == "filename"


def _metadata(case: Case, difference: Difference) -> bool:
    return bool(case.below_dist_info(difference.path)) and not _not_in_sdist(case, difference)


def _generated(case: Case, difference: Difference) -> bool:
    return difference.kind == "content" and not case.in_sdist(difference.path)


def _changed(case: Case, difference: Difference) -> bool:
    return difference.kind == "content" and case.in_sdist(difference.path)


def _modes(_: Case, difference: Difference) -> bool:
    return difference.kind == "executable-bit"


# The cause, and what explains a difference of that class.
CAUSES: Final[tuple[tuple[str, Explains], ...]] = (
    ("ambiguous-archive", _ambiguous),
    ("line-ends", _line_ends),
    ("tags", _tags),
    ("metadata", _metadata),
    ("executable-bit", _modes),
    ("not-in-sdist", _not_in_sdist),
    ("left-out", _left_out),
    ("added", _added),
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
    return any(
        _not_in_sdist(case, difference) and _is_taken(case, difference.path)
        for difference in case.differences
    )


def _is_taken(case: Case, path: str) -> bool:
    """Whether builds take `path` from the source, whatever made the wheel: they neither write nor rename it."""
    below = case.below_dist_info(path)
    if below:
        return below.rsplit("/", 1)[-1].upper().startswith(_LICENSES)
    return not path.endswith(_WRITTEN) and not path.split("/", 1)[0].endswith(".data")


def _causes(case: Case) -> Iterator[str]:
    for difference in case.differences:
        if case.below_dist_info(difference.path) != "RECORD":
            yield next((name for name, explains in CAUSES if explains(case, difference)), "changed-file")


def _texts(case: Case, difference: Difference) -> tuple[bytes, bytes] | None:
    members = (case.published.members.get(difference.path), case.rebuilt.members.get(difference.path))
    if difference.kind != "content" or any(member is None or member.size > _MAX_TEXT for member in members):
        return None
    return case.published.read(difference.path), case.rebuilt.read(difference.path)
