"""A report and a plan in words, for a terminal. Whatever comes from a package is escaped."""

from collections.abc import Iterator
from typing import Final

from rebuilders.checking import StaticReport
from rebuilders.pipeline import Attempt, Report
from rebuilders.plan.recipe import Candidate, Locked, Plan
from rebuilders.result import result_of, static_result_of
from rebuilders.static.check import Checked
from witness.differences.classes import by_weight
from witness.escape import printable
from witness.names import TargetName
from witness.observation import Comparison

_MAX_ROWS: Final = 20
_MAX_NAMED: Final = 3


def rendered(report: Report, name: TargetName) -> str:
    """The report on `name`: the result first, then what it rests on."""
    return "\n".join(_lines(report, name))


def _lines(report: Report, name: TargetName) -> Iterator[str]:
    shown = report.target.name.filename if report.target else str(name)
    best = report.best
    if best is None:
        failure = report.failure
        yield f"{shown}: {result_of(report)}"
        if failure is not None:
            yield f"  {failure.phase}: {failure.cause}"
            yield f"  {failure}"
        yield from _static(report.static)
        return
    yield f"{shown}: {result_of(report)} ({_level(report, best)})"
    requirements = ", ".join(map(_requirement, best.recipe.requirements))
    yield f"  built by {best.recipe.interpreter} with {requirements or 'nothing else'}"
    tries = f"{report.tries} attempt{'s' if report.tries > 1 else ''}"
    yield f"  {tries}, {report.seconds['total']:.1f} s; recipe sha256:{best.recipe.digest}"
    if report.target and report.target.yanked:
        yield "  the index has yanked this file"
    yield from _static(report.static)
    comparison = best.outcome.comparison
    for use in comparison.rules:
        yield f"  {use.id:18} {printable(use.path)}: {printable(use.published)} / {printable(use.rebuilt)}"
    for found in by_weight(report.differences)[:_MAX_ROWS]:
        yield f"  {found.line()}"
    if comparison.differences_total > _MAX_ROWS:
        yield f"  … and {comparison.differences_total - _MAX_ROWS} more"
    yield from findings(comparison)
    if report.explanation:
        changes = "; ".join(f"{reason.decision} ({reason.because})" for reason in report.explanation)
        yield f"  {'equal' if best.outcome.matches else 'nearest'} once built with {printable(changes, limit=2000)}"
    yield "  because:"
    yield from (f"    {line}" for line in reasons(best.candidate))


def _requirement(item: Locked) -> str:
    return f"{item.name} {item.version}{' (built here from its sdist)' if item.source else ''}"


def _static(checked: Checked | None) -> Iterator[str]:
    """One line on what was seen before anything ran."""
    if checked is None:
        return
    foreign = sorted(checked.foreign)
    if foreign:
        shown = ", ".join(printable(path) for path in foreign[:_MAX_NAMED])
        more = f" and {len(foreign) - _MAX_NAMED} more" if len(foreign) > _MAX_NAMED else ""
        yield f"  without building: no file of the sdist has the bytes of {shown}{more}"
    elif checked.open:
        yield f"  without building: {checked.members - _open_members(checked)} of {checked.members} members follow"
    else:
        yield f"  without building: all {checked.members} members follow from the sdist"


def _open_members(checked: Checked) -> int:
    return min(len({item.path for item in checked.open}), checked.members)


def rendered_static(report: StaticReport, name: TargetName) -> str:
    """The report of a static check on `name`: the result, then what follows by which rule, then what does not."""
    shown = report.target.name.filename if report.target else str(name)
    lines = [f"{shown}: {static_result_of(report)}"]
    if report.failure is not None:
        lines.append(f"  {report.failure.phase}: {report.failure.cause}")
        lines.append(f"  {report.failure}")
    checked = report.checked
    if checked is not None:
        lines[0] += f" ({checked.level}, without building)" if checked.level else " (without building)"
        for use in checked.rules:
            told = printable(use.path or use.published)
            lines.append(f"  {use.id:24} {told} from {printable(use.rebuilt)}")
        lines += [f"  {item.kind:24} {printable(item.path)}" for item in checked.differences[:_MAX_ROWS]]
        for item in checked.open[:_MAX_ROWS]:
            foreign = "; no file of the sdist has its bytes" if item.foreign else ""
            lines.append(f"  {item.reason:24} {printable(item.path) or '(the archive itself)'}{foreign}")
        if len(checked.open) > _MAX_ROWS:
            lines.append(f"  … and {len(checked.open) - _MAX_ROWS} more")
    return "\n".join(lines)


def _level(report: Report, best: Attempt) -> str:
    outcome = best.outcome
    if outcome.level is None:
        count = outcome.comparison.differences_total
        return f"{count} difference{'s' if count > 1 else ''}"
    if outcome.level == "archive":
        if outcome.comparison.archive_exact:
            return "archive: same members; the published bytes follow from them"
        return f"archive: same members; compressed by {report.compressor or 'nothing that is known here'}"
    return (
        "bitwise: the same file" if outcome.level == "bitwise" else f"{outcome.level}: equal by named rules"
    )


def findings(comparison: Comparison) -> Iterator[str]:
    """What the published file gets wrong by itself; nothing for most."""
    listed = comparison.findings or ()
    for finding in listed[:_MAX_ROWS]:
        yield f"  published by itself: {finding.kind:18} {printable(finding.path) or '(the archive itself)'}"
    if (more := (comparison.findings_total or 0) - len(listed[:_MAX_ROWS])) > 0:
        yield f"  … and {more} more such findings"


def reasons(candidate: Candidate) -> Iterator[str]:
    """One line for each decision."""
    for reason in candidate.reasons:
        yield f"{printable(reason.decision)}: {printable(reason.because)}"


def rendered_plan(plan: Plan, filename: str) -> str:
    """Every candidate of the plan, the later ones by what they change."""
    lines = [f"{printable(filename)}: built by {printable(plan.backend)}"]
    first = plan.candidates[0]
    lines += ["", "first:", *(f"  {line}" for line in reasons(first))]
    for candidate in plan.candidates[1:]:
        last = candidate.reasons[-1]
        words = {"unresolved": "it cannot be resolved", "failed": "it fails", "mismatch": "it differs"}[
            candidate.after
        ]
        lines.append(f"if {words}: {printable(last.decision)}: {printable(last.because)}")
    return "\n".join(lines)
