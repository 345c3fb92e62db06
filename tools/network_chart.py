"""A chart of lines as SVG, without a library: the part of files, from none to all, by hours on a logarithmic axis."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Final

WIDTH, HEIGHT = 720, 400
LEFT, TOP, RIGHT, BOTTOM = 64, 48, 128, 56
COLOURS: Final = ("#b35806", "#8073ac", "#1b7837", "#2166ac", "#252525", "#762a83")
DASHES: Final = ("", "7 3", "2 3", "12 3", "7 3 2 3", "4 4")
HOURS: Final = {0.1: "6 min", 1: "1 h", 6: "6 h", 24: "1 d", 72: "3 d", 168: "1 w", 720: "30 d"}
Line = Sequence[tuple[float, float]]


def chart(title: str, lines: Mapping[str, Line]) -> str:
    """`lines` by name: points of hours (0.1 to 720) and of a part (0 to 1), from left to right."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        _text(LEFT, 26, title, size=15),
    ]
    parts += [_grid(_x(hours), TOP, _x(hours), HEIGHT - BOTTOM) for hours in HOURS]
    parts += [_text(_x(hours), HEIGHT - BOTTOM + 20, name, "middle") for hours, name in HOURS.items()]
    parts += [_grid(LEFT, _y(part), WIDTH - RIGHT, _y(part)) for part in (0, 0.25, 0.5, 0.75, 1)]
    parts += [
        _text(LEFT - 8, _y(part) + 4, f"{part:.0%}".replace("%", " %"), "end")
        for part in (0, 0.25, 0.5, 0.75, 1)
    ]
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "after the upload", "middle"))
    names = _apart({name: _y(line[-1][1]) + 4 for name, line in lines.items()})
    for (name, line), colour, dash in zip(lines.items(), COLOURS, DASHES, strict=False):
        points = " ".join(f"{_x(hours):.1f},{_y(part):.1f}" for hours, part in line)
        style = f'stroke-dasharray="{dash}" ' if dash else ""
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" {style}/>')
        parts.append(_text(WIDTH - RIGHT + 8, names[name], name, colour=colour))
    return "\n".join((*parts, "</svg>", ""))


def _x(hours: float) -> float:
    low, high = math.log(0.1), math.log(720)
    return LEFT + (math.log(min(720, max(0.1, hours))) - low) / (high - low) * (WIDTH - LEFT - RIGHT)


def _y(part: float) -> float:
    return HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM)


def _apart(heights: Mapping[str, float], least: float = 17) -> dict[str, float]:
    """The same, moved down where two would be closer than `least`; of equal ones the last is on top."""
    backwards = list(heights.items())[::-1]
    placed = sorted(backwards, key=lambda item: round(item[1]))
    moved = dict(placed[:1])
    for (before, _), (name, at) in pairwise(placed):
        moved[name] = max(at, moved[before] + least)
    return moved


def _grid(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _text(
    x: float, y: float, text: str, anchor: str = "start", *, size: int = 13, colour: str = "#222"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-family="sans-serif" font-size="{size}" '
        f'fill="{colour}">'
        f"{escape(text)}</text>"
    )
