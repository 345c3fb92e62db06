"""What a report says, before it is a page or JSON. Pure.

Strings in it are as they came, but for views and details, which are printable; whoever shows them escapes them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rebuilders.pipeline import Report
from rebuilders.result import result_of
from witness.compare.ladder import Outcome
from witness.differences.classes import SEVERITIES, Classified, Severity, by_weight, classified, rows
from witness.differences.container import ContainerChange, container_changes
from witness.differences.textdiff import Allowance
from witness.differences.view import View, view_of
from witness.names import TargetName
from witness.observation import Difference, Finding, RuleUse
from witness.wheel.reader import Wheel

_LOG_LINES: Final = 60

# What a result means, in a sentence: (heading, sentence).
_WORDS: Final[dict[str, tuple[str, str]]] = {
    "bitwise": ("The same file", "The rebuilt wheel is the published one, byte for byte."),
    "exact": (
        "The same members",
        "Every member has the same bytes and the same exec bit. The published file follows from them byte for byte.",
    ),
    "archive": (
        "The same members",
        "Every member has the same bytes and the same exec bit. The archive was compressed by another library.",
    ),
    "metadata": (
        "Equal by named rules",
        "The payload is identical. What differs in .dist-info is equated by the rules below: no installer can tell.",
    ),
    "content": ("Equal by named rules", "What differs is what the rules below equate."),
    "mismatch": (
        "The wheels differ",
        "What one installs is not what the other installs. What differs is below.",
    ),
    "build-failed": (
        "Not built",
        "The build ended without a wheel. That says nothing against the published one.",
    ),
    "not-attempted": ("Not attempted", "Nothing was built, and nothing follows for the published wheel."),
}

# What a kind of difference is, in words; a finding has its own.
_KINDS: Final = {
    "content": "The bytes differ",
    "executable-bit": "The bytes are the same",
    "only-in-published": "Only in the published wheel",
    "only-in-rebuilt": "Only in the rebuilt wheel",
}


@dataclass(frozen=True, slots=True)
class Compared:
    """Two wheels by the names `names`, and how they compare."""

    names: tuple[str, str]
    published: Wheel
    rebuilt: Wheel
    outcome: Outcome
    differences: tuple[Classified, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """A classified difference with what the class means and what there is to see."""

    found: Classified
    means: str
    view: View

    @property
    def sentence(self) -> str:
        kind = self.found.difference.kind
        return f"{_KINDS.get(kind, 'The archive can be read in more than one way')}: {self.means}."


@dataclass(frozen=True, slots=True)
class Group:
    """The differences of one severity."""

    severity: Severity
    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class RuleItem:
    """A rule that was used, and what it equated."""

    use: RuleUse
    view: View


@dataclass(frozen=True, slots=True)
class Diffoscoped:
    """What came of asking diffoscope: its files, or why there are none."""

    files: dict[str, bytes]
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A report on the wheel `name`. One of `compared` and `rebuild` is there, often both."""

    name: str
    result: str
    compared: Compared | None
    rebuild: Report | None = None
    diffoscope: Diffoscoped | None = None

    @property
    def words(self) -> tuple[str, str]:
        """The result as a heading and as a sentence."""
        outcome = self.compared.outcome if self.compared else None
        key = outcome.level if outcome and outcome.level else self.result
        exact = key == "archive" and outcome is not None and outcome.comparison.archive_exact
        return _WORDS["exact" if exact else key]

    @property
    def log(self) -> tuple[str, ...]:
        """The last lines of a failed build's log."""
        failure = self.rebuild.failure if self.rebuild else None
        lines = failure.log.decode("utf-8", "replace").rstrip("\n").split("\n") if failure else []
        return tuple(lines[-_LOG_LINES:]) if any(lines) else ()

    def groups(self) -> tuple[Group, ...]:
        """The differences that are listed, by severity, with their views."""
        return tuple(self._groups())

    def findings(self) -> tuple[Finding, ...]:
        """What the published file gets wrong by itself, as far as it is listed."""
        return (self.compared.outcome.comparison.findings or ()) if self.compared else ()

    def container(self) -> tuple[ContainerChange, ...]:
        """What differs in the archive alone, where nothing else does."""
        held = self.compared
        if held is None or held.outcome.level != "archive":
            return ()
        return container_changes(held.published, held.rebuilt)

    def rules(self) -> tuple[RuleItem, ...]:
        """The rules used, with what they equated."""
        held, allowance = self.compared, Allowance()
        if held is None:
            return ()
        return tuple(
            RuleItem(
                use,
                view_of(held.published, held.rebuilt, Difference(path=use.path, kind="content"), allowance),
            )
            for use in held.outcome.comparison.rules
        )

    def _groups(self) -> Iterator[Group]:
        held = self.compared
        if held is None:
            return
        means, allowance = {row.id: row.means for row in rows()}, Allowance()
        ordered = by_weight(held.differences)
        for severity, title in SEVERITIES.items():
            items = tuple(
                Item(
                    found,
                    means[found.id].replace("`", ""),
                    view_of(held.published, held.rebuilt, found.difference, allowance),
                )
                for found in ordered
                if found.severity == severity
            )
            if items:
                yield Group(severity, title, items)


def of_wheels(names: tuple[str, str], published: Wheel, rebuilt: Wheel, outcome: Outcome) -> Document:
    """The report on two wheels, and on how they compare."""
    found = tuple(classified(published, rebuilt, outcome.comparison.differences))
    result = "match" if outcome.matches else "mismatch"
    return Document(names[0], result, Compared(names, published, rebuilt, outcome, found))


def of_rebuild(report: Report, name: TargetName) -> Document:
    """The report on a rebuild of what was asked for as `name`."""
    shown = report.target.name.filename if report.target else str(name)
    best = report.best
    compared = None
    if best is not None and report.published is not None:
        names = (shown, best.built.filename)
        compared = Compared(names, report.published, best.wheel, best.outcome, report.differences)
    return Document(shown, result_of(report), compared, report)
