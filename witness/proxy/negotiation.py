"""Which form of a page a client gets: its Accept header in, one of ours out (PEP 691). Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

JSON: Final = "application/vnd.pypi.simple.v1+json"
HTML: Final = "application/vnd.pypi.simple.v1+html"
OLD_HTML: Final = "text/html"
PLAIN_JSON: Final = "application/json"  # of our own pages
SIMPLE: Final = (OLD_HTML, HTML, JSON)  # what a client that says nothing gets comes first
_ALIASES: Final = {
    "application/vnd.pypi.simple.latest+json": JSON,
    "application/vnd.pypi.simple.latest+html": HTML,
}
_MAX_HEADER: Final = 2000


def negotiate(accept: str, offered: Sequence[str] = SIMPLE) -> str | None:
    """The one of `offered` that `accept` likes best, the first of equals; None if it likes none.

    A header that is empty, or longer than any client's, accepts everything.
    """
    if not accept.strip() or len(accept) > _MAX_HEADER:
        return offered[0]
    ranges = list(_ranges(accept))
    best, weight = None, 0.0
    for kind in offered:
        liked = _weight(kind, ranges)
        if liked > weight:
            best, weight = kind, liked
    return best


def is_json(kind: str) -> bool:
    """Whether a page of the media type `kind` is JSON."""
    return kind in (JSON, PLAIN_JSON)


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((item[2:] for item in parameters if item.startswith("q=")), "1")
        try:
            weight = float(quality)
        except ValueError:
            continue
        if name and 0 <= weight <= 1:
            yield _ALIASES.get(name, name), weight


def _weight(kind: str, ranges: Sequence[tuple[str, float]]) -> float:
    """By the most exact range that covers `kind`, as RFC 9110 has it."""
    family = kind.partition("/")[0] + "/*"
    for name in (kind, family, "*/*"):
        found = [weight for each, weight in ranges if each == name]
        if found:
            return max(found)
    return 0.0
