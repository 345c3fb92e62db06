"""The right edge of a tree: all that is needed to know its root and to append to it, in O(log n) hashes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from witness.tlog.merkle import EMPTY_ROOT, node_hash, root_hash

WIDTH: Final = 256  # hashes in a full tile (c2sp.org/tlog-tiles)


@dataclass(frozen=True, slots=True)
class NewTile:
    """The hashes of a tile that came to be, full or partial, while a tree grew."""

    level: int
    index: int
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Edge:
    """A tree of `size` entries; `rows[level]` has the hashes of that level's partial tile, maybe none."""

    size: int = 0
    rows: tuple[tuple[bytes, ...], ...] = ()

    @property
    def root(self) -> bytes:
        """The root of the tree, RFC 6962's MTH."""
        root = None
        for row in self.rows:
            for peak in reversed(_peaks(row)):
                root = peak if root is None else node_hash(peak, root)
        return EMPTY_ROOT if root is None else root

    def extended(self, leaves: Sequence[bytes]) -> tuple["Edge", tuple[NewTile, ...]]:
        """The edge after `leaves` (their hashes) are appended, and every tile that is new or wider than before.

        The full tiles of a level come first, then its partial one; levels come from below.
        """
        rows: list[tuple[bytes, ...]] = list(self.rows)
        tiles: list[NewTile] = []
        level, hashes = 0, tuple(leaves)
        while hashes:
            if level == len(rows):
                rows.append(())
            row = rows[level] + hashes
            index = self.size >> (8 * level + 8)
            whole = len(row) // WIDTH * WIDTH
            full = [row[at : at + WIDTH] for at in range(0, whole, WIDTH)]
            tiles += [NewTile(level, index + number, tile) for number, tile in enumerate(full)]
            rows[level] = row[whole:]
            if rows[level]:
                tiles.append(NewTile(level, index + len(full), rows[level]))
            level, hashes = level + 1, tuple(map(root_hash, full))
        return Edge(self.size + len(leaves), tuple(rows)), tuple(tiles)


def row_width(size: int, level: int) -> int:
    """How many hashes the partial tile of `level` has in a tree of `size` entries."""
    return (size >> (8 * level)) % WIDTH


def _peaks(row: Sequence[bytes]) -> list[bytes]:
    """The roots of the complete subtrees that `row` is made of, the largest first."""
    peaks = []
    start = 0
    for bit in reversed(range(len(row).bit_length())):
        if len(row) >> bit & 1:
            peaks.append(root_hash(row[start : start + (1 << bit)]))
            start += 1 << bit
    return peaks
