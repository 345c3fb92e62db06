"""Colours for a terminal, by weight. The caller decides whether: on a terminal only, and not with NO_COLOR."""

from collections.abc import Callable
from typing import Final

from witness.report.guidance import Weight

Paint = Callable[[str, Weight], str]

# Select Graphic Rendition (ECMA-48): bold red, yellow, magenta, green. The words say the same without it.
_CODES: Final[dict[Weight, str]] = {"against": "1;31", "missing": "33", "unclear": "35", "fine": "32"}


def plain(text: str, weight: Weight) -> str:
    """`text` as it is."""
    del weight
    return text


def coloured(text: str, weight: Weight) -> str:
    """`text` in the colour of its weight. It must be printable already."""
    return f"\x1b[{_CODES[weight]}m{text}\x1b[0m"
