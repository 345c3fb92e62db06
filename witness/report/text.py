"""The report for people: the count first, then only what someone should look at, the worst first, each row with who
says so, what differs, since when, and what to do next.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from witness.escape import printable
from witness.evidence import AsOf, Rejection
from witness.observation import format_time
from witness.pinned import SEVERITY
from witness.report.guidance import GUIDANCE, guidance, more, todo
from witness.report.model import ExemptionUse, Report, Row
from witness.report.paint import Paint, plain
from witness.verdict import Verdict
from witness.vote import Voice

_HASHES_SHOWN: Final = 12
_TOGETHER: Final = 3  # as many rows alike have one line in common, unless all is asked for
_NAMED: Final = 10


def render(report: Report, *, verbose: bool = False, paint: Paint = plain) -> str:
    """The whole text, with a line feed at its end."""
    lines = [count_line(report, paint), *(f"read {printable(str(item))}" for item in report.inputs)]
    if report.unchanged:
        lines.append(f"{report.unchanged} left out: not new")
    together, single = _sorted_out(report, verbose=verbose)
    for row in single:
        lines += ["", *_row(row, verbose=verbose, paint=paint)]
    for outcome, rows in together.items():
        lines += ["", *_alike(outcome, rows, paint)]
    lines += _known(report, verbose=verbose)
    lines += _unreachable(report)
    lines += snapshot_lines(report.as_of)
    lines += exemption_lines(report.exemptions, every=verbose)
    lines += [] if verbose else _unused(report)
    if verbose:
        lines += [f"note: {printable(note)}" for note in report.notes]
    elif report.notes:
        entries = "entry" if len(report.notes) == 1 else "entries"
        lines += ["", f"{len(report.notes)} {entries} left out; --verbose names them"]
    return "\n".join(lines) + "\n"


def count_line(report: Report, paint: Paint = plain) -> str:
    """For example `5 files: 4 reproduced, 1 divergent`."""
    total = len(report.rows)
    counts = ", ".join(
        paint(f"{count} {outcome}", GUIDANCE[outcome].weight) for outcome, count in report.counts.items()
    )
    bad = sum(row.bad_signature for row in report.rows)
    with_bad = f"{counts}; {paint(f'{bad} with a bad signature', 'against')}" if bad else counts
    return f"{total} {'file' if total == 1 else 'files'}: {with_bad or 'nothing to check'}"


def verdict_lines(verdict: Verdict) -> Iterator[str]:
    """Who says what about one file, one line each."""
    for label, voices in (
        ("agrees", verdict.agreeing),
        ("dissents", verdict.dissenting),
        ("cannot say", verdict.unable),
    ):
        yield from (_voice(label, voice) for voice in voices)
    for item in verdict.silent:
        reason = printable(item.reason) if item.reachable else "could not be reached"
        yield f"  silent: {_who(item.witness, item.operator)}: {reason}"
    yield from map(_rejected, verdict.rejected)


def exemption_lines(exemptions: Sequence[ExemptionUse], *, every: bool = False) -> Iterator[str]:
    """Those that end soon, and those that nothing uses if `every`, one line each."""
    for item in exemptions:
        what = f"exemption of {printable(item.package)} ({printable(item.reason)})"
        if item.ends_soon:
            days = "today" if item.days_left == 0 else f"in {item.days_left} days"
            yield f"note: the {what} ends {days}, on {item.expires}"
        elif every and item.days_left < 0:
            yield f"note: the {what} ended on {item.expires}"
        if every and not item.used:
            yield f"note: the {what} is of no use here; remove it if that is so everywhere"


def _unused(report: Report) -> Iterator[str]:
    """How many exemptions no entry of a list is of; a wheel at hand says nothing about the others."""
    listed = any(row.place is not None and row.place.line is not None for row in report.rows)
    unused = sum(not item.used for item in report.exemptions) if listed else 0
    if unused:
        yield f"note: {unused} of {len(report.exemptions)} exemptions are of no use here; --verbose names them"


def _sorted_out(report: Report, *, verbose: bool) -> tuple[dict[str, list[Row]], list[Row]]:
    """Rows that are shown in common, by outcome, and those that are shown singly, the worst first."""
    rows = [row for row in report.rows if verbose or (row.interesting and not row.known)]
    rows.sort(key=lambda row: (not row.bad_signature, SEVERITY.index(row.outcome)))
    if verbose:
        return {}, rows
    alike: dict[str, list[Row]] = {}
    for row in rows:
        if row.outcome in ("unattempted", "not-applicable") and not row.bad_signature:
            alike.setdefault(row.outcome, []).append(row)
    alike = {outcome: found for outcome, found in alike.items() if len(found) >= _TOGETHER}
    return alike, [row for row in rows if row.bad_signature or row.outcome not in alike]


def _alike(outcome: str, rows: Sequence[Row], paint: Paint) -> Iterator[str]:
    found = GUIDANCE[outcome]
    names = ", ".join(printable(row.name, limit=80) for row in rows[:_NAMED])
    rest = f" and {len(rows) - _NAMED} more; --verbose names them" if len(rows) > _NAMED else ""
    yield f"{paint(f'{len(rows)} {outcome}', found.weight)}: {names}{rest}"
    yield f"  {found.means}"
    if found.weight != "fine":
        yield f"  what to do: {found.todo}"


def _known(report: Report, *, verbose: bool) -> Iterator[str]:
    """What a baseline has to do with it."""
    known = [f"{row.name}: {row.outcome}" for row in report.rows if row.known]
    gone = report.gone or ()
    if known or gone:
        yield ""
    for label, names in (("known from the baseline", known), ("gone since the baseline", gone)):
        shown = names if verbose else names[:_NAMED]
        yield from (f"{label}: {printable(name)}" for name in shown)
        if len(names) > len(shown):
            yield f"{label}: {len(names) - len(shown)} more; --verbose names them"


def snapshot_lines(as_of: Sequence[AsOf]) -> Iterator[str]:
    """How old the snapshot is that was asked: when it last saw each log."""
    if as_of:
        yield ""
        yield "from a snapshot; what was said since is not in it:"
        for item in sorted(as_of, key=lambda item: (item.seen, item.witness)):
            yield f"  {_who(item.witness, item.operator)}: as of {format_time(item.seen)}"


def _unreachable(report: Report) -> Iterator[str]:
    """Each witness that could not be reached, once, with the first reason."""
    verdicts = (verdict for row in report.rows for verdict in row.files)
    silent = (item for verdict in verdicts for item in verdict.silent if not item.reachable)
    reasons: dict[str, str] = {}
    for item in silent:
        reasons.setdefault(_who(item.witness, item.operator), printable(item.reason))
    if reasons:
        yield ""
        yield from (f"{who}: {reason}" for who, reason in reasons.items())


def _row(row: Row, *, verbose: bool, paint: Paint) -> Iterator[str]:
    found = guidance(row)
    loud = row.outcome in ("divergent", "disputed")
    outcome = paint(row.outcome.upper() if loud else row.outcome, found.weight)
    yield f"{printable(row.name)}: {outcome}" + (f" ({printable(row.reason)})" if row.reason else "")
    if verbose or row.unusable:
        yield f"  at {printable(row.origin)}"
    if row.verdict is not None:
        if row.sha256:
            yield f"  sha256:{row.sha256}"
        yield from verdict_lines(row.verdict)
        yield from _others(row, row.verdict)
    if next_step := todo(row):
        yield f"  what to do: {next_step}"
        if command := more(row):
            yield f"  more: {command}"


def _others(row: Row, decisive: Verdict) -> Iterator[str]:
    """The other files of a pin that allows several."""
    others = [file for file in row.files if file is not decisive]
    for file in others:
        yield from (_rejected(item) for item in file.rejected if item.bad and item not in decisive.rejected)
    heard = [file for file in others if file.compared]
    for file in heard[:_HASHES_SHOWN]:
        yield f"  also allowed: sha256:{file.artifact.sha256}: {file.outcome}"
    if unheard := len(others) - len(heard):
        yield f"  also allowed: {unheard} more {'hash' if unheard == 1 else 'hashes'} that no witness compared"


def _voice(label: str, voice: Voice) -> str:
    since = f" (since {format_time(voice.seen)})" if voice.seen else ""
    apart = ", independently" if voice.independent else ""
    return f"  {label}: {_who(voice.witness, voice.operator)}: {printable(voice.reason)}{since}{apart}"


def _rejected(item: Rejection) -> str:
    return f"  rejected: {_who(item.witness, item.operator)}: {printable(item.reason)}"


def _who(witness: str, operator: str) -> str:
    return f"{printable(witness)} ({printable(operator)})"
