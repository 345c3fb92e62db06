"""The lines that differ between two texts, with their neighbours, for people. Pure, and bounded in time and size.

difflib finds them, and difflib takes cubic time where somebody wants it to: so the lines that both texts begin and end
with are set apart first, and of the rest is estimated what comparing it can cost at most. Where that is too much, the
beginning of either rest is shown instead. Everything returned is printable.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import islice
from typing import Final, Literal

from witness.differences.shown import common_beginning
from witness.escape import printable

_CONTEXT: Final = 3
_SHOWN_OF_REST: Final = 12  # lines of either side, where comparing costs too much
_MAX_WIDTH: Final = 240  # characters of a line
_MAX_STEPS: Final = 100_000_000  # of one comparison, at worst: a few seconds
_POPULAR_FROM: Final = (
    200  # difflib: of that many lines, those that stand more often than one in a hundred are passed over
)
_NO_LINE_END: Final = " ⟨no line end⟩"

Sign = Literal[" ", "-", "+"]


@dataclass(slots=True)
class Allowance:
    """What many comparisons may cost together, in characters read and lines compared; how many lines they may show."""

    steps: int = 200_000_000
    lines: int = 4_000


@dataclass(frozen=True, slots=True)
class Line:
    """A line of one side, or of both: its numbers, and its text, of which the middle part is what differs."""

    sign: Sign
    published: int | None
    rebuilt: int | None
    parts: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class TextDiff:
    """Hunks of lines. `note` says what is not shown, or nothing."""

    hunks: tuple[tuple[Line, ...], ...]
    note: str = ""


def text_diff(published: str, rebuilt: str, allowance: Allowance, *, most: int = 400) -> TextDiff:
    """The difference in at most `most` lines, taken from `allowance`."""
    room = min(most, allowance.lines)
    size = len(published) + len(rebuilt)
    if room <= 0 or size > allowance.steps:
        return TextDiff((), "not shown: this report shows enough already")
    allowance.steps -= size
    texts = _Texts(_lines(published), _lines(rebuilt))
    steps = texts.steps()
    if steps > min(_MAX_STEPS, allowance.steps):
        hunks: Iterator[Iterator[Line]] = iter([texts.rest(room)])
        note = "too large to be compared line by line: this is where the two begin to differ"
    else:
        allowance.steps -= steps
        hunks, note = texts.hunks(), ""
    kept, cut = _at_most(hunks, room)
    allowance.lines -= sum(map(len, kept))
    return TextDiff(
        tuple(map(tuple, kept)), note or (f"only the first {room} lines are shown" if cut else "")
    )


def _at_most(hunks: Iterator[Iterator[Line]], room: int) -> tuple[list[list[Line]], bool]:
    """The first `room` lines, and whether there are more: those are not even made."""
    kept: list[list[Line]] = []
    for hunk in hunks:
        if room <= 0:
            return kept, True
        kept.append(list(islice(hunk, room)))
        room -= len(kept[-1])
        if next(hunk, None) is not None:
            return kept, True
    return kept, False


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    else:
        lines[-1] += _NO_LINE_END
    return lines


@dataclass(slots=True)
class _Texts:
    """The lines of both sides, and how many of them both begin and end with."""

    ours: Sequence[str]
    theirs: Sequence[str]
    head: int = field(init=False)
    tail: int = field(init=False)

    def __post_init__(self) -> None:
        shorter = min(len(self.ours), len(self.theirs))
        self.head = _alike(zip(self.ours, self.theirs, strict=False))
        ends = _alike(zip(reversed(self.ours), reversed(self.theirs), strict=False))
        self.tail = min(ends, shorter - self.head)

    @property
    def _rests(self) -> tuple[Sequence[str], Sequence[str]]:
        return (
            self.ours[self.head : len(self.ours) - self.tail],
            self.theirs[self.head : len(self.theirs) - self.tail],
        )

    def steps(self) -> int:
        """How often difflib looks at a pair of equal lines, at most: once for each pair, in each round."""
        ours, theirs = self._rests
        counts = Counter(theirs)
        popular = len(theirs) // 100 + 1 if len(theirs) >= _POPULAR_FROM else len(theirs)
        pairs = sum(counts[line] for line in ours if counts[line] <= popular)
        return len(ours) + len(theirs) + (pairs + len(ours)) * min(len(ours), len(theirs))

    def hunks(self) -> Iterator[Iterator[Line]]:
        """Each run of lines that differ, with the lines around it."""
        start = self.head - min(_CONTEXT, self.head)
        after = min(_CONTEXT, self.tail)
        ours = self.ours[start : len(self.ours) - self.tail + after]
        theirs = self.theirs[start : len(self.theirs) - self.tail + after]
        groups = SequenceMatcher(None, ours, theirs).get_grouped_opcodes(_CONTEXT)
        return (self._hunk(group, start) for group in groups)

    def _hunk(self, group: Sequence[tuple[str, int, int, int, int]], start: int) -> Iterator[Line]:
        for kind, left, left_end, right, right_end in group:
            ours, theirs = range(start + left, start + left_end), range(start + right, start + right_end)
            if kind == "equal":
                yield from map(self._same, ours, theirs)
            else:
                yield from self._other(ours, theirs)

    def rest(self, room: int) -> Iterator[Line]:
        """The beginning of what differs, without a word about what belongs together."""
        ours, theirs = self._rests
        shown = min(_SHOWN_OF_REST, room // 2)
        for at in range(max(0, self.head - _CONTEXT), self.head):
            yield self._same(at, at)
        left = range(self.head, self.head + min(shown, len(ours)))
        right = range(self.head, self.head + min(shown, len(theirs)))
        yield from self._other(left, right)

    def _same(self, left: int, right: int) -> Line:
        return Line(" ", left + 1, right + 1, (_shown(self.ours[left]), "", ""))

    def _other(self, left: range, right: range) -> Iterator[Line]:
        paired = len(left) == len(right)
        for n, at in enumerate(left):
            parts = _parts(self.ours[at], self.theirs[right[n]] if paired else None)
            yield Line("-", at + 1, None, parts)
        for n, at in enumerate(right):
            parts = _parts(self.theirs[at], self.ours[left[n]] if paired else None)
            yield Line("+", None, at + 1, parts)


def _alike(pairs: Iterator[tuple[str, str]]) -> int:
    count = 0
    for one, other in pairs:
        if one != other:
            break
        count += 1
    return count


def _parts(line: str, other: str | None) -> tuple[str, str, str]:
    """`line` in three: what stands in `other` before and after, and between them what does not."""
    if other is None:
        return _shown(line), "", ""
    head = common_beginning(line, other)
    tail = common_beginning(line[head:][::-1], other[head:][::-1])
    room = _MAX_WIDTH // 3
    before = line[:head] if head <= room else "…" + line[head - room : head]
    middle = line[head : len(line) - tail]
    left = _MAX_WIDTH - min(len(before), room) - min(len(middle), room)
    return _shown(before, room + 1), _shown(middle, room), _shown(line[len(line) - tail :], left)


def _shown(text: str, width: int = _MAX_WIDTH) -> str:
    """`text` with its tabs to be seen, as all else is that could not be."""
    shown = "⇥ ".join(map(printable, text[:width].split("\t")))
    return f"{shown}…" if len(text) > width else shown
