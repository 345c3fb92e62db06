"""Badges: a small picture, and the same for shields.io's endpoint. Pure.

The picture is an SVG of ours that loads nothing and runs nothing. Its text says what its colour says.
"""

import json
from dataclasses import dataclass
from html import escape
from typing import Final

from witness.escape import printable

_LABEL: Final = "rebuilt from sdist"
# Tone: colour of the picture, with white text at 4.5:1 at least, and shields.io's name for it.
_COLOURS: Final = {
    "good": ("#176b4d", "brightgreen"),
    "bad": ("#a3341f", "red"),
    "split": ("#8a5300", "orange"),
    "idle": ("#555f6d", "lightgrey"),
}
_WIDE: Final = frozenset("mwMW@%")
_NARROW: Final = frozenset("iljtf.,:;'|!()[] ")


@dataclass(frozen=True, slots=True)
class Badge:
    """What a badge says, in a few words, and its tone."""

    message: str
    tone: str

    @property
    def svg(self) -> bytes:
        """The picture."""
        message = printable(self.message, limit=60)
        left, right = _width(_LABEL), _width(message)
        colour, _ = _COLOURS[self.tone]
        title = escape(f"{_LABEL}: {message}")
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
            f'aria-label="{title}"><title>{title}</title>'
            f'<clipPath id="r"><rect width="{left + right}" height="20" rx="3"/></clipPath><g clip-path="url(#r)">'
            f'<rect width="{left}" height="20" fill="#3b4350"/>'
            f'<rect x="{left}" width="{right}" height="20" fill="{colour}"/></g>'
            '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
            f'<text x="{left / 2:g}" y="14">{_LABEL}</text>'
            f'<text x="{left + right / 2:g}" y="14">{escape(message)}</text></g></svg>\n'
        ).encode()

    @property
    def endpoint(self) -> bytes:
        """JSON as shields.io/badges/endpoint-badge wants it."""
        value = {
            "schemaVersion": 1,
            "label": _LABEL,
            "message": printable(self.message, limit=60),
            "color": _COLOURS[self.tone][1],
        }
        return json.dumps(value).encode() + b"\n"


def _width(text: str) -> int:
    """Pixels that Verdana takes at 11 px, with some room on both sides."""
    return round(12 + sum(10 if char in _WIDE else 4.2 if char in _NARROW else 7 for char in text))
