"""The report for people: the count first, then only what someone should look at, each row with its reasons."""

from collections.abc import Iterator, Sequence
from typing import Final

from witness.escape import printable
from witness.evidence import AsOf, Rejection
from witness.observation import format_time
from witness.report.model import Report, Row
from witness.verdict import Verdict
from witness.vote import Voice

_ADVICE: Final = {
    "divergent": "do not install it before you know why; `wheelwitness show` has the details",
    "disputed": "compare the witnesses' environments with `wheelwitness show` before you decide",
    "insufficient": "wait for more witnesses, trust more of them, or lower the policy's threshold knowingly",
    "error": "try again; if it stays so, look at the network and at the addresses in the policy",
    "stale": "ask the witnesses to look again, or raise max-age-days in the policy",
    "unattempted": "ask the witnesses to look at it",
    "unbuildable": "not a sign of tampering; `wheelwitness show` says why it could not be built",
}
_TRY_AGAIN: Final = "try again when the witness that is silent can be reached"
_BAD: Final = "tell the witness's operator; what fails verification was altered, or is not from that witness"
_HASHES_SHOWN: Final = 12


def render(report: Report, *, verbose: bool = False) -> str:
    """The whole text, with a line feed at its end."""
    lines = [count_line(report)]
    for row in report.rows:
        if row.interesting or verbose:
            lines += ["", *_row(row, verbose=verbose)]
    lines += _unreachable(report)
    lines += snapshot_lines(report.as_of)
    if verbose:
        lines += [f"note: {printable(note)}" for note in report.notes]
    elif report.notes:
        entries = "entry" if len(report.notes) == 1 else "entries"
        lines += ["", f"{len(report.notes)} {entries} left out; --verbose names them"]
    return "\n".join(lines) + "\n"


def count_line(report: Report) -> str:
    """For example `5 files: 4 reproduced, 1 divergent`."""
    total = len(report.rows)
    counts = ", ".join(f"{count} {outcome}" for outcome, count in report.counts.items())
    bad = sum(row.bad_signature for row in report.rows)
    with_bad = f"{counts}; {bad} with a bad signature" if bad else counts
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


def _row(row: Row, *, verbose: bool) -> Iterator[str]:
    outcome = row.outcome.upper() if row.outcome in ("divergent", "disputed") else row.outcome
    yield f"{printable(row.name)}: {outcome}" + (f" ({printable(row.reason)})" if row.reason else "")
    if verbose or row.unusable:
        yield f"  at {printable(row.origin)}"
    if row.verdict is not None:
        if row.sha256:
            yield f"  sha256:{row.sha256}"
        yield from verdict_lines(row.verdict)
        yield from _others(row, row.verdict)
    if row.bad_signature:
        yield f"  what to do: {_BAD}"
    elif row.outcome in _ADVICE and not row.unusable:
        silent = row.verdict.silent if row.verdict else ()
        unheard = row.outcome == "insufficient" and any(not item.reachable for item in silent)
        yield f"  what to do: {_TRY_AGAIN if unheard else _ADVICE[row.outcome]}"


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
    return f"  {label}: {_who(voice.witness, voice.operator)}: {printable(voice.reason)}{since}"


def _rejected(item: Rejection) -> str:
    return f"  rejected: {_who(item.witness, item.operator)}: {printable(item.reason)}"


def _who(witness: str, operator: str) -> str:
    return f"{printable(witness)} ({printable(operator)})"
