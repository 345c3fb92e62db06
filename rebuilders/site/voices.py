"""Whom a site is about, and what one of its nodes says of a file, as pages show it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rebuilders.site.reports import DifferenceReport
from rebuilders.site.seen import Seen
from rebuilders.site.words import Words, words_for
from witness.observation import Observation


@dataclass(frozen=True, slots=True)
class Told:
    """A node as the site shows it.

    `size`, `commitments` and `other` count the entries of its log, and those that are no observation; `checked` is when
    it last cosigned that state, in words.
    """

    number: int
    name: str
    operator: str
    url: str
    origin: str
    keys: Sequence[tuple[str, str]]
    software: str
    size: int
    observations: int
    commitments: int
    other: int
    at: str


@dataclass(frozen=True, slots=True)
class About:
    """What the site is about. `key` names it for good; `url` is where it is served, with a slash at its end, or empty.

    `own`: the site is that of the one node, whose bundles lie beside the pages.
    """

    key: str
    title: str
    url: str
    operators: Sequence[str]
    own: bool

    @property
    def many(self) -> bool:
        """Whether it is about several operators or nodes."""
        return not self.own


@dataclass(frozen=True, slots=True)
class Voice:
    """The newest observation of a file by one node.

    Attributes:
        bundle: a reference to the file with its bundle, from the top of the site or absolute; empty if not known.
        report: its difference report, if there is one that can be shown; `trouble` says why one cannot.
    """

    seen: Seen
    name: str
    operator: str
    bundle: str
    observed: Observation
    report: DifferenceReport | None = None
    trouble: str = ""

    @property
    def words(self) -> Words:
        """What the result means."""
        row = self.seen
        return words_for(row.result, row.level, exact=row.exact, method=row.method)

    def with_report(self, report: DifferenceReport | None, trouble: str) -> "Voice":
        """The same, with what was found as its difference report."""
        return replace(self, report=report, trouble=trouble)
