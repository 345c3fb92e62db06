"""Many results in one view: the rates, and what stood in the way, for a terminal and as a page.

Reads the lines that `rebuilder batch` writes. The page is one file without scripts; whatever comes from a package is
escaped by the template engine.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from witness.escape import printable

Line = dict[str, Any]
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
    """The summary of `lines`, each a rebuild-result/1."""
    lines = list(lines)
    return Summary(
        all=_group("all", lines),
        by_backend=_groups(lines, lambda line: str(line.get("backend") or "unknown")),
        by_year=tuple(
            sorted(_groups(lines, lambda line: str(line.get("uploaded") or "unknown")[:4]), key=_name)
        ),
        causes=_causes(lines),
        seconds=sum(line["seconds"]["total"] for line in lines),
        attempts=sum(line["attempts"] for line in lines),
    )


def outcome_of(line: Line) -> str:
    """One of `_RANKS`."""
    if line["result"] == "match":
        inexact = line["level"] == "archive" and not line["archiveExact"]
        return "archive, other compression" if inexact else str(line["level"])
    return "mismatch" if line["result"] == "mismatch" else "not built"


def _name(group: Group) -> str:
    return group.name


def _group(name: str, lines: Iterable[Line]) -> Group:
    counts = Counter(map(outcome_of, lines))
    return Group(name, {outcome: counts[outcome] for outcome in _RANKS if counts[outcome]})


def _groups(lines: list[Line], key: Callable[[Line], str]) -> tuple[Group, ...]:
    parts: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        parts[key(line)].append(line)
    return tuple(
        sorted((_group(*part) for part in parts.items()), key=lambda group: (-group.total, group.name))
    )


def _causes(lines: list[Line]) -> tuple[Cause, ...]:
    found: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        if line["result"] == "mismatch":
            found[f"differs: {line.get('cause') or 'unknown'}"].append(line["input"])
        elif line["result"] != "match":
            failure = line["failure"] or {}
            found[f"not built: {failure.get('phase')}: {failure.get('cause')}"].append(line["input"])
    causes = (Cause(name, len(names), tuple(names[:_EXAMPLES])) for name, names in found.items())
    return tuple(sorted(causes, key=lambda cause: (-cause.count, cause.name)))


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
