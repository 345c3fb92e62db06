"""An excerpt of two binary files around the first byte that differs, for people. Pure, and small."""

from dataclasses import dataclass
from typing import Final

from witness.differences.shown import common_beginning

_WIDTH: Final = 16
_ROWS: Final = 6


@dataclass(frozen=True, slots=True)
class HexRow:
    """One row of one side: the offset of its first byte, each byte in hex with whether it differs, and as ASCII."""

    offset: str
    cells: tuple[tuple[str, bool], ...]
    ascii: str


@dataclass(frozen=True, slots=True)
class HexDump:
    """The same stretch of both sides. A row beyond the end of a file has no cells."""

    first: int
    published: tuple[HexRow, ...]
    rebuilt: tuple[HexRow, ...]


def hex_dump(published: bytes, rebuilt: bytes) -> HexDump:
    """Some rows from just before the first byte that differs."""
    first = common_beginning(published, rebuilt)
    start = max(0, first // _WIDTH - 1) * _WIDTH
    return HexDump(first, _rows(published, rebuilt, start), _rows(rebuilt, published, start))


def _rows(data: bytes, other: bytes, start: int) -> tuple[HexRow, ...]:
    rows = []
    for offset in range(start, start + _ROWS * _WIDTH, _WIDTH):
        part, beside = data[offset : offset + _WIDTH], other[offset : offset + _WIDTH]
        cells = tuple((f"{byte:02x}", beside[at : at + 1] != bytes([byte])) for at, byte in enumerate(part))
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in part)
        rows.append(HexRow(f"{offset:08x}", cells, text))
    return tuple(rows)
