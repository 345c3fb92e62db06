"""From values to the bytes of pages.

Three things stand between strangers' texts and a reader's browser: every string that goes into a page is made
printable, then escaped, both by the template engine and not by whoever writes a template; and each page's own policy
lets it load nothing but the one style sheet, the one script and the pictures of this site.
"""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlsplit

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from rebuilders.site import paths
from rebuilders.site.charts import HEIGHT, LEFT, WIDTH
from rebuilders.site.standing import STATES
from rebuilders.site.words import COUNTED, KINDS, words_for
from witness.bundle import shard_path
from witness.differences.classes import SEVERITIES
from witness.escape import printable

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'"
)
_MAX_STRING: Final = 4_000
_TYPED: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*", re.ASCII)
ASSETS: Final = (paths.STYLE, paths.SCRIPT, paths.ICON)


def asset(name: str) -> bytes:
    """A file of ours that pages load."""
    return (files("rebuilders.site") / "assets" / name).read_bytes()


class Renderer:
    """Fills the templates, each of which is of a page of the site that `common` describes."""

    def __init__(self, common: Mapping[str, object]) -> None:
        self._engine = Environment(
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            finalize=_shown,
            loader=FunctionLoader(_template),
            auto_reload=False,
        )
        self._engine.filters |= {
            "date": _date,
            "time": _time,
            "number": "{:,}".format,
            "percent": _percent,
            "web": web_address,
            "bytes": _bytes,
            "typed": typed,
            "toml": _toml,
        }
        self._engine.globals |= {
            "paths": paths,
            "policy": POLICY,
            "words_for": words_for,
            "counted": COUNTED,
            "kinds": KINDS,
            "states": STATES,
            "severities": SEVERITIES,
            "chart_size": (WIDTH, HEIGHT),
            "chart_left": LEFT,
            "shard_path": shard_path,
            **common,
        }

    def page(self, template: str, path: str, **values: object) -> bytes:
        """The page at `path`."""
        link = partial(paths.relative, path)
        text = self._engine.get_template(template).render(path=path, link=link, **values)
        return text.encode("utf-8", "backslashreplace")


def web_address(text: str) -> str:
    """`text` if it is an address that a link may lead to, else nothing."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return text if parts.scheme in ("http", "https") and parts.netloc and text.isprintable() else ""


def typed(text: str) -> str:
    """`text` if a shell takes it as it is, else nothing: whoever copies a command copies nothing else."""
    return text if _TYPED.fullmatch(text) else ""


def rfc3339(seconds: int) -> str:
    """A time in UTC, as feeds have it."""
    return _moment(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def _shown(value: Any) -> Any:
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return printable(value, limit=_MAX_STRING)


def _toml(text: str) -> str:
    """A basic string. JSON's escapes are a subset of TOML's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")


def _template(name: str) -> str:
    return (files("rebuilders.site") / "templates" / name).read_text("utf-8")


def _moment(value: int | datetime) -> datetime:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.fromtimestamp(min(max(value, 0), 253_402_300_799), UTC)


def _date(value: int | datetime) -> str:
    return _moment(value).strftime("%Y-%m-%d")


def _time(value: int | datetime) -> str:
    return _moment(value).strftime("%Y-%m-%d %H:%M:%S UTC")


def _percent(part: int, whole: int) -> str:
    """So that only all is 100%, and only nothing is 0%."""
    if not whole:
        return "none"
    value = 100 * part / whole
    if part in (0, whole) or 1 <= value <= 99:
        return f"{value:.0f}%"
    return "<1%" if value < 1 else f"{min(value, 99.9):.1f}%"


def _bytes(value: int) -> str:
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value = value / 1000  # type: ignore[assignment]
    return f"{value:.1f} GB"
