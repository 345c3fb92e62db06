"""What witnesses say differs, for people: each difference with its class as far as a name tells, and how to see it."""

import shlex
from collections.abc import Iterator

from witness.differences.by_name import by_name
from witness.differences.classes import SEVERITIES
from witness.errors import Malformed
from witness.escape import printable
from witness.evidence import Evidence, newest
from witness.names import WheelName
from witness.observation import Comparison, format_time
from witness.report.guidance import GUIDANCE
from witness.verdict import Verdict
from witness.verification import VerifiedObservation


def render(verdict: Verdict, evidence: Evidence) -> str:
    """The whole text, with a line feed at its end. Each witness is heard as for a verdict."""
    name = printable(verdict.filename or "a file without a known name")
    lines = [
        f"{name}: {verdict.outcome}",
        f"  sha256:{verdict.artifact.sha256}",
        f"  {printable(verdict.reason)}",
    ]
    heard, _ = newest(evidence.observations)
    differing = [item for item in heard if item.statement.observation.result == "mismatch"]
    for item in differing:
        lines += ["", *_dissent(item)]
    if not differing:
        lines += ["", "No witness of the policy says that it differs."]
    for group in _one_other(differing):
        lines += ["", f"The same other payload was rebuilt by {group}: the sdist gives something else."]
    lines += ["", *_see_yourself(verdict, differing)]
    return "\n".join(lines) + "\n"


def _dissent(item: VerifiedObservation) -> Iterator[str]:
    observation = item.statement.observation
    how = "rebuilt it" if observation.method == "rebuild" else "checked it without building"
    who = f"{printable(item.witness.name)} ({printable(item.witness.operator)})"
    yield f"{who} {how}, and says since {format_time(observation.attempt.finished_at)}:"
    if observation.source is not None:
        yield f"  from {printable(observation.source.name)} sha256:{observation.source.digest.sha256}"
    if observation.comparison is not None:
        yield from _differences(observation.comparison)
    if observation.comparison is not None and observation.comparison.report is not None:
        report = observation.comparison.report
        yield f"  report: {printable(report.name)} sha256:{report.digest.sha256}"


def _differences(comparison: Comparison) -> Iterator[str]:
    classed = [(by_name(item), item) for item in comparison.differences]
    for severity, words in SEVERITIES.items():
        found = [(row, item) for row, item in classed if row.severity == severity]
        if found:
            yield f"  {words}, as far as names tell:"
        for row, item in found:
            yield f"    {printable(item.path) or '(the archive itself)'}: {printable(item.kind)}: {row.id}"
    if (more := comparison.differences_total - len(classed)) > 0:
        yield f"  and {more} more that the observation does not name"


def _one_other(differing: list[VerifiedObservation]) -> Iterator[str]:
    groups: dict[tuple[str, str], list[str]] = {}
    for item in differing:
        observation = item.statement.observation
        comparison = observation.comparison
        if observation.source is None or comparison is None or comparison.rebuilt is None:
            continue
        key = observation.source.digest.sha256, comparison.rebuilt.payload_digest
        groups.setdefault(key, []).append(printable(item.witness.name))
    yield from (" and ".join(names) for _, names in sorted(groups.items()) if len(names) > 1)


def _see_yourself(verdict: Verdict, differing: list[VerifiedObservation]) -> Iterator[str]:
    if differing:
        yield f"What to do: {GUIDANCE['divergent'].todo}."
    try:
        name = WheelName.parse(verdict.filename or "")
    except Malformed:  # whatever witnesses call it, it is nothing to paste into a shell
        yield "To see for yourself, rebuild the file under the name that it was published by: rebuilder rebuild."
        return
    yield "To see for yourself:"
    yield f"  rebuilder rebuild {shlex.quote(name.filename)} --report report"
