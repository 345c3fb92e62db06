"""A report as one page without scripts, which loads nothing.

Three things stand between a hostile wheel and the reader's browser: every string that goes into the page is made
printable, then escaped, both by the template engine and not by whoever writes a template; and the page's own policy
allows it nothing but its one style sheet, by digest.
"""

import base64
import hashlib
from importlib.resources import files
from typing import Any, Final

from rebuilders.report.document import Document
from witness.differences.classes import SEVERITIES
from witness.escape import printable

_MAX_STRING: Final = 4_000
_OPEN: Final = 6  # differences that are shown unfolded


def page(document: Document) -> str:
    """The file index.html."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    def shown(value: Any) -> Any:
        return (
            value
            if isinstance(value, Markup) or not isinstance(value, str)
            else printable(value, limit=_MAX_STRING)
        )

    folder = files("rebuilders") / "templates"
    style = (folder / "report.css").read_text("utf-8")
    engine = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=shown
    )
    return engine.from_string((folder / "report.html").read_text("utf-8")).render(
        document=document,
        heading=document.words[0],
        sentence=document.words[1],
        groups=document.groups(),
        rules=document.rules(),
        findings=document.findings(),
        container=document.container(),
        unfolded=_OPEN,
        severities=SEVERITIES,
        style=Markup(style),  # noqa: S704 - ours
        policy=policy(style),
    )


def policy(style: str) -> str:
    """A Content-Security-Policy that allows one style sheet, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
