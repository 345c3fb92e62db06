"""Why files of a project are offered or hidden: for people in HTML, for programs in JSON (`explain/1`).

The page has no script and asks for nothing; every text on it is escaped.
"""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final

from witness.escape import printable
from witness.proxy.choice import Choice
from witness.proxy.markup import document, element
from witness.proxy.pages import Offer
from witness.report.text import verdict_lines

SCHEMA: Final = "explain/1"
_STYLE: Final = (
    "body{font-family:sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;width:100%}"
    "td,th{border-top:1px solid #999;padding:.4em;text-align:left;vertical-align:top;overflow-wrap:anywhere}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
CSP: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def as_json(offer: Offer) -> bytes:
    """The document, hidden files and offered ones in the index's order."""
    value = {
        "schema": SCHEMA,
        "project": offer.project,
        "offered": len(offer.offered),
        "hidden": len(offer.hidden),
        "files": list(map(_file, offer.choices)),
    }
    return (json.dumps(value, indent=2) + "\n").encode()


def as_html(offer: Offer) -> bytes:
    """The page: what is hidden first, the newest at the top, as indexes list the oldest first."""
    count = f"{len(offer.offered)} files are offered, {len(offer.hidden)} are hidden."
    rows = (_row(choice) for choice in (*reversed(offer.hidden), *reversed(offer.offered)))
    body = (
        f"<style>{_STYLE}</style>",
        element("p", [], count),
        "<table>",
        "<tr><th>file</th><th></th><th>verdict</th><th>why</th></tr>",
        *rows,
        "</table>",
    )
    return document(f"{offer.project}: what is offered, and why", (), body)


def summary(offer: Offer) -> str:
    """One line for the operator of the proxy; empty if nothing is hidden."""
    hidden = offer.hidden
    if not hidden:
        return ""
    named = (f"{printable(item.file.filename, limit=100)} {item.outcome}" for item in hidden[-5:])
    more = f" and {len(hidden) - 5} more" if len(hidden) > 5 else ""
    return f"{offer.project}: {len(offer.offered)} offered, {len(hidden)} hidden: {', '.join(named)}{more}"


def _row(choice: Choice) -> str:
    cells = (
        choice.file.filename or "(no name)",
        "offered" if choice.offered else "hidden",
        choice.outcome,
    )
    why = "<br>".join(element("span", [], line) for line in _lines(choice))
    shown = "".join(element("td", [], printable(cell, limit=300)) for cell in cells)
    return f"<tr>{shown}<td>{why}</td></tr>"


def _lines(choice: Choice) -> Iterator[str]:
    yield printable(choice.reason)
    if choice.file.sha256:
        yield f"sha256:{choice.file.sha256}"
    if choice.verdict is not None:
        yield from (line.strip() for line in verdict_lines(choice.verdict))


def _file(choice: Choice) -> dict[str, Any]:
    return {
        "filename": printable(choice.file.filename, limit=300),
        "sha256": choice.file.sha256 or None,
        "offered": choice.offered,
        "verdict": choice.outcome,
        "reason": printable(choice.reason),
        "evidence": [line.strip() for line in verdict_lines(choice.verdict)] if choice.verdict else [],
    }
