"""The report as Markdown, for the summary page of a CI job (`GITHUB_STEP_SUMMARY`) or a comment.

Text of strangers stands in `<code>` elements, with every sign that Markdown or HTML could act on as a character
reference: no link, image, mention or table cell can come of it.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from witness.escape import printable
from witness.pinned import SEVERITY
from witness.report.guidance import GUIDANCE, more, todo
from witness.report.model import Report, Row
from witness.report.text import count_line, exemption_lines, verdict_lines

_ROWS: Final = 200  # GitHub shows no summary beyond 1 MiB
_MARKS: Final = {"against": "❌", "missing": "⚠️", "unclear": "❓", "fine": "✅"}


def render(report: Report) -> str:
    """The whole text, with a line feed at its end."""
    rows = sorted(
        (row for row in report.rows if row.interesting),
        key=lambda row: (row.known, not row.bad_signature, SEVERITY.index(row.outcome)),
    )
    worst = min(rows, key=lambda row: row.known, default=None)
    mark = _mark(worst) if worst and not worst.known else _MARKS["fine"]
    lines = [f"## {mark} wheelwitness", "", count_line(report), ""]
    lines += _table(rows[:_ROWS])
    if len(rows) > _ROWS:
        lines += ["", f"and {len(rows) - _ROWS} more"]
    for row in rows[:_ROWS]:
        lines += _details(row)
    others = [
        *(f"gone since the baseline: {name}" for name in report.gone or ()),
        *exemption_lines(report.exemptions, every=True),
        *report.notes[:_ROWS],
    ]
    lines += ["", *(f"- {code(line)}" for line in others)]
    return "\n".join(lines).rstrip("\n") + "\n"


def code(text: str) -> str:
    """`text` of strangers, on one line, as nothing but text."""
    return f"<code>{''.join(map(_reference, printable(text)))}</code>"


def _reference(char: str) -> str:
    return char if char.isalnum() or char in " .-" else f"&#{ord(char)};"


def _mark(row: Row) -> str:
    return _MARKS["against" if row.bad_signature else GUIDANCE[row.outcome].weight]


def _table(rows: Sequence[Row]) -> Iterator[str]:
    if not rows:
        return
    yield "| | file | verdict | what to do |"
    yield "| --- | --- | --- | --- |"
    for row in rows:
        outcome = f"{row.outcome}, known" if row.known else row.outcome
        yield f"| {_mark(row)} | {code(row.name)} | {outcome} | {todo(row)} |"


def _details(row: Row) -> Iterator[str]:
    yield ""
    yield f"<details><summary>{code(row.name)}: {row.outcome}</summary>"
    yield ""
    yield f"- {code(row.reason or row.outcome)}"
    yield f"- at {code(row.origin)}"
    if row.verdict is not None:
        yield from (f"- {code(line.strip())}" for line in verdict_lines(row.verdict))
    if command := more(row):
        yield f"- {code(command)}"
    yield ""
    yield "</details>"
