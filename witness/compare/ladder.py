"""From the same file down: the strongest level at which two wheels are equal, or what differs.

A wheel with ambiguities (`Wheel.findings`) equals nothing but its own bytes: what one reader sees of it another might
not. What the published wheel gets wrong about itself besides (witness.wheel.conformance) is told with the comparison.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from witness.compare.regenerate import regenerates
from witness.compare.rules import equate, records_hold, rule_set_id
from witness.names import WheelName
from witness.observation import Comparison, Difference, Digests, Finding, Level, RuleUse
from witness.wheel.conformance import conformance
from witness.wheel.reader import Wheel

MAX_LISTED = 200  # differences listed; the total is always told
MAX_FINDINGS = 50  # the same of findings

Names = tuple[
    WheelName | None, WheelName | None
]  # of the published and the rebuilt file, as far as they have one


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


def _compare(published: Wheel, rebuilt: Wheel, named: tuple[Difference, ...]) -> Outcome:
    same = published.archive.data == rebuilt.archive.data
    if same and not named:
        return _outcome(published, rebuilt, "bitwise", exact=True, differences=())
    differences = (*named, *(() if same else _differences(published, rebuilt)))
    if not differences:
        return _outcome(published, rebuilt, "archive", exact=regenerates(published, rebuilt), differences=())
    uses = tuple(_equated(published, rebuilt, difference) for difference in differences)
    rules = tuple(use for use in uses if use is not None)
    if len(rules) == len(differences) and records_hold(published, rebuilt):
        return _outcome(published, rebuilt, "metadata", exact=False, differences=(), rules=rules)
    return _outcome(published, rebuilt, None, exact=False, differences=differences)


def _name_differences(published: WheelName | None, rebuilt: WheelName | None) -> Iterator[Difference]:
    """An installer goes by the name: the same bytes under other tags are another wheel. Spelling does not matter."""
    if published is not None and rebuilt is not None and not published.agrees_with(rebuilt):
        yield _difference(rebuilt.filename, "filename")


def _with_findings(comparison: Comparison, published: Wheel, name: WheelName | None) -> Comparison:
    found = (*published.findings, *conformance(published, name))
    if not found:
        return comparison
    listed = tuple(Finding(path=_short(each.path), kind=each.kind) for each in found[:MAX_FINDINGS])
    return comparison.model_copy(update={"findings": listed, "findings_total": len(found)})


def _equated(published: Wheel, rebuilt: Wheel, difference: Difference) -> RuleUse | None:
    found = equate(published, rebuilt, difference.path) if difference.kind == "content" else None
    if found is None:
        return None
    rule, (ours, theirs) = found
    return RuleUse(id=rule, path=difference.path, published=ours, rebuilt=theirs)


def _outcome(
    published: Wheel,
    rebuilt: Wheel,
    level: Level | None,
    *,
    exact: bool,
    differences: tuple[Difference, ...],
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
            differences=differences[:MAX_LISTED],
            differences_total=len(differences),
        ),
    )


def _digests(wheel: Wheel) -> Digests:
    return Digests(payload_digest=wheel.payload_digest, dist_info_digest=wheel.dist_info_digest)


def _differences(published: Wheel, rebuilt: Wheel) -> Iterator[Difference]:
    for finding in published.findings:
        yield _difference(finding.path, f"published-{finding.kind}")
    for finding in rebuilt.findings:
        yield _difference(finding.path, f"rebuilt-{finding.kind}")
    for path in sorted(published.members.keys() | rebuilt.members.keys()):
        ours, theirs = published.members.get(path), rebuilt.members.get(path)
        if theirs is None:
            yield _difference(path, "only-in-published")
        elif ours is None:
            yield _difference(path, "only-in-rebuilt")
        elif ours.sha256 != theirs.sha256:
            yield _difference(path, "content")
        elif ours.executable != theirs.executable:
            yield _difference(path, "executable-bit")


def _difference(path: str, kind: str) -> Difference:
    return Difference(path=_short(path), kind=kind)


def _short(path: str) -> str:
    """A name cut short is still shown as what it is: something at some path that begins like this."""
    return path if len(path) <= 300 else f"{path[:299]}…"
