"""Many results in one view: the rates, and what stood in the way, for a terminal and as a page.

Reads the lines that `rebuilder batch` writes. The page is one file without scripts; whatever comes from a package is
escaped by the template engine.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from witness.escape import printable

Line = Mapping[str, Any]
_EXAMPLES: Final = 3
_RANKS: Final = (
    "bitwise",
    "archive",
    "archive, other compression",
    "metadata",
    "content",
    "mismatch",
    "not built",
)
_MATCHED: Final = frozenset(_RANKS[:5])


@dataclass(frozen=True, slots=True)
class Group:
    """The results that have `name` in common: how many of each outcome, in the order of `_RANKS`."""

    name: str
    outcomes: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.outcomes.values())

    @property
    def matched(self) -> int:
        return sum(count for outcome, count in self.outcomes.items() if outcome in _MATCHED)


@dataclass(frozen=True, slots=True)
class Cause:
    """Why targets were not matched: a class, how often, and some of them."""

    name: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """All results as one group, the same by backend and by year of upload, and the causes by frequency."""

    all: Group
    by_backend: tuple[Group, ...]
    by_year: tuple[Group, ...]
    causes: tuple[Cause, ...]
    seconds: float
    attempts: int


def summarise(lines: Iterable[Line]) -> Summary:
    """The summary of `lines`, each a rebuild-result/1, read once; what an older release did not write is unknown."""
    by_backend: dict[str, Counter[str]] = defaultdict(Counter)
    by_year: dict[str, Counter[str]] = defaultdict(Counter)
    all_: Counter[str] = Counter()
    causes: Counter[str] = Counter()
    examples: dict[str, list[str]] = defaultdict(list)
    seconds, attempts = 0.0, 0
    for line in lines:
        outcome = outcome_of(line)
        all_[outcome] += 1
        by_backend[str(line.get("backend") or "unknown")][outcome] += 1
        by_year[str(line.get("uploaded") or "unknown").split("-")[0]][outcome] += 1
        seconds += (line.get("seconds") or {}).get("total", 0.0)
        attempts += line.get("attempts") or 0
        if outcome not in _MATCHED:
            cause = _cause(line)
            causes[cause] += 1
            if len(examples[cause]) < _EXAMPLES:
                examples[cause].append(str(line["input"]))
    frequent = sorted(causes, key=lambda cause: (-causes[cause], cause))
    return Summary(
        all=_group("all", all_),
        by_backend=_groups(by_backend, lambda group: (-group.total, group.name)),
        by_year=_groups(by_year, lambda group: group.name),
        causes=tuple(Cause(name, causes[name], tuple(examples[name])) for name in frequent),
        seconds=seconds,
        attempts=attempts,
    )


def outcome_of(line: Line) -> str:
    """One of `_RANKS`."""
    if line["result"] == "match":
        inexact = line.get("level") == "archive" and not line.get("archiveExact")
        return "archive, other compression" if inexact else str(line.get("level"))
    return "mismatch" if line["result"] == "mismatch" else "not built"


def _cause(line: Line) -> str:
    if line["result"] == "mismatch":
        return f"differs: {line.get('cause') or 'unknown'}"
    failure = line.get("failure") or {}
    return f"not built: {failure.get('phase') or 'unknown'}: {failure.get('cause') or 'unknown'}"


def _group(name: str, counts: Counter[str]) -> Group:
    return Group(name, {outcome: counts[outcome] for outcome in _RANKS if counts[outcome]})


def _groups(parts: dict[str, Counter[str]], key: Callable[[Group], Any]) -> tuple[Group, ...]:
    return tuple(sorted((_group(*part) for part in parts.items()), key=key))


def rendered(summary: Summary) -> str:
    """The count line, then the causes by frequency, each with examples."""
    rows = ", ".join(f"{count} {outcome}" for outcome, count in summary.all.outcomes.items())
    causes = (
        f"  {cause.count:4}  {printable(cause.name)}: {printable(', '.join(cause.examples))}"
        for cause in summary.causes
    )
    return "\n".join((f"{summary.all.total} targets: {rows or 'nothing'}", *causes))


def page(summary: Summary) -> str:
    """The summary as one HTML file."""
    from jinja2 import Environment, StrictUndefined

    template = (files("rebuilders") / "templates" / "summary.html").read_text("utf-8")
    engine = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    ranks = {outcome: f"o{place}" for place, outcome in enumerate(_RANKS)}
    return engine.from_string(template).render(summary=summary, ranks=ranks)
