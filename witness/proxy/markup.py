"""Pages in HTML, made from texts that are escaped, each of them, on the way in. Pure."""

from collections.abc import Iterable, Sequence
from html import escape

Attributes = Sequence[tuple[str, str]]


def element(name: str, attributes: Attributes, text: str | None) -> str:
    """An element; without an end tag where `text` is None."""
    inner = "".join(f' {key}="{escape(value)}"' for key, value in attributes)
    return f"<{name}{inner}>" + ("" if text is None else f"{escape(text)}</{name}>")


def document(title: str, metas: Iterable[tuple[str, str]], body: Iterable[str]) -> bytes:
    """A whole page. `body` are lines of markup."""
    head = (element("meta", [("name", name), ("content", content)], None) for name, content in metas)
    lines = (
        "<!DOCTYPE html>",
        "<html>",
        "<head>",
        '<meta charset="utf-8">',
        *head,
        element("title", [], title),
        "</head>",
        "<body>",
        element("h1", [], title),
        *body,
        "</body>",
        "</html>",
        "",
    )
    return "\n".join(lines).encode("utf-8", "replace")
