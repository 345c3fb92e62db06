"""From the same file down: the strongest level at which two wheels are equal, or what differs.

A wheel with ambiguities (`Wheel.findings`) equals nothing but its own bytes: what one reader sees of it another might
not. What the published wheel gets wrong about itself besides (witness.wheel.conformance) is told with the comparison.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import starmap

from witness.compare.regenerate import regenerates
from witness.compare.rules.catalogue import equate, rule_set_id
from witness.compare.rules.record import records_hold
from witness.names import WheelName
from witness.observation import Comparison, Difference, Digests, Finding, Level, RuleUse
from witness.wheel.conformance import conformance
from witness.wheel.reader import Wheel

MAX_LISTED = 200  # differences listed; the total is always told
MAX_FINDINGS = 50  # the same of findings
MAX_JUDGED = 64  # differing members that rules may equate: a bound on time
MAX_USES = 16 * 1024  # bytes of rules with both values, as JSON: a statement has to have room for all of them

Different = tuple[str, str]  # the whole path of a member, or nothing for the archive itself; and the kind
# Of the published and the rebuilt file, as far as they have one.
Names = tuple[WheelName | None, WheelName | None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How equal two wheels are: `level` is None for a mismatch. `comparison` holds the evidence."""

    level: Level | None
    comparison: Comparison

    @property
    def matches(self) -> bool:
        return self.level is not None


def compare(published: Wheel, rebuilt: Wheel, names: Names = (None, None)) -> Outcome:
    """Holds the published wheel against a rebuilt one, and their file names, if both are told."""
    outcome = _compare(published, rebuilt, tuple(_name_differences(*names)))
    return replace(outcome, comparison=_with_findings(outcome.comparison, published, names[0]))


def _compare(published: Wheel, rebuilt: Wheel, named: tuple[Different, ...]) -> Outcome:
    same = published.archive.data == rebuilt.archive.data
    if same and not named:
        return _outcome(published, rebuilt, "bitwise", exact=True, differences=())
    differences = (*named, *(() if same else _differences(published, rebuilt)))
    if not differences:
        return _outcome(published, rebuilt, "archive", exact=regenerates(published, rebuilt), differences=())
    rules = _equated(published, rebuilt, differences)
    if rules:
        level: Level = "metadata" if published.payload_digest == rebuilt.payload_digest else "content"
        return _outcome(published, rebuilt, level, exact=False, differences=(), rules=rules)
    return _outcome(published, rebuilt, None, exact=False, differences=differences)


def _equated(published: Wheel, rebuilt: Wheel, differences: tuple[Different, ...]) -> tuple[RuleUse, ...]:
    """The rules that together account for all of `differences`; empty if one is left."""
    if len(differences) > MAX_JUDGED or not records_hold(published, rebuilt):
        return ()
    rules: list[RuleUse] = []
    for path, kind in differences:
        uses = equate(published, rebuilt, path) if kind == "content" else ()
        if not uses:
            return ()
        rules += (
            RuleUse(id=use.rule.id, path=path, published=use.published, rebuilt=use.rebuilt) for use in uses
        )
    size = sum(len(use.model_dump_json(by_alias=True).encode()) for use in rules)
    return tuple(rules) if size <= MAX_USES else ()


def _name_differences(published: WheelName | None, rebuilt: WheelName | None) -> Iterator[Different]:
    """An installer goes by the name: the same bytes under other tags are another wheel. Spelling does not matter."""
    if published is not None and rebuilt is not None and not published.agrees_with(rebuilt):
        yield (rebuilt.filename, "filename")


def _with_findings(comparison: Comparison, published: Wheel, name: WheelName | None) -> Comparison:
    found = (*published.findings, *conformance(published, name))
    if not found:
        return comparison
    listed = tuple(Finding(path=_short(each.path), kind=each.kind) for each in found[:MAX_FINDINGS])
    return comparison.model_copy(update={"findings": listed, "findings_total": len(found)})


def _outcome(
    published: Wheel,
    rebuilt: Wheel,
    level: Level | None,
    *,
    exact: bool,
    differences: tuple[Different, ...],
    rules: tuple[RuleUse, ...] = (),
) -> Outcome:
    return Outcome(
        level,
        Comparison(
            rule_set=rule_set_id(),
            rules=rules,
            archive_exact=exact,
            published=_digests(published),
            rebuilt=_digests(rebuilt),
            record_digest=published.record_digest,
            differences=tuple(starmap(_listed, differences[:MAX_LISTED])),
            differences_total=len(differences),
        ),
    )


def _digests(wheel: Wheel) -> Digests:
    return Digests(payload_digest=wheel.payload_digest, dist_info_digest=wheel.dist_info_digest)


def _differences(published: Wheel, rebuilt: Wheel) -> Iterator[Different]:
    for finding in published.findings:
        yield (finding.path, f"published-{finding.kind}")
    for finding in rebuilt.findings:
        yield (finding.path, f"rebuilt-{finding.kind}")
    for path in sorted(published.members.keys() | rebuilt.members.keys()):
        ours, theirs = published.members.get(path), rebuilt.members.get(path)
        if theirs is None:
            yield (path, "only-in-published")
        elif ours is None:
            yield (path, "only-in-rebuilt")
        elif ours.sha256 != theirs.sha256:
            yield (path, "content")
        elif ours.executable != theirs.executable:
            yield (path, "executable-bit")


def _listed(path: str, kind: str) -> Difference:
    return Difference(path=_short(path), kind=kind)


def _short(path: str) -> str:
    """A name cut short is still shown as what it is: something at some path that begins like this."""
    return path if len(path) <= 300 else f"{path[:299]}…"
