"""Tiles as of c2sp.org/tlog-tiles: how a tree and its entries are cut into immutable files, and read back verified.

A tile of level L holds up to 256 hashes of complete subtrees of 256**L entries; a bundle holds the entries below one
tile of level 0. Every read goes through a `Fetch`, and nothing that it returns is believed before it has been hashed
up to the root.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from witness.errors import Malformed, NotFound, Unverified
from witness.limits import MAX_CHECKPOINT, MAX_ENTRY
from witness.tlog.edge import WIDTH, Edge, row_width
from witness.tlog.merkle import EMPTY_ROOT, HASH_BYTES, Range, leaf_hash, node_hash, root_hash, split

ENTRIES: Final = -1  # the level of the bundles of entries, as in Go's sumdb

_LENGTH_BYTES: Final = 2
_MAX_MEMORY: Final = 1 << 17  # hashes that a reader keeps before it starts over

Fetch: TypeAlias = Callable[[str], bytes]
"""The bytes of a log's file by its path, bounded by `limit_of(path)`. Raises `NotFound`, or `FetchFailed`."""


@dataclass(frozen=True, slots=True)
class Tile:
    """The coordinates of one file: its level (or `ENTRIES`), its place in that level, and how many it holds."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """The path below the log's prefix: the index in groups of three digits, all but the last with an `x`."""
        return self._stem if self.width == WIDTH else f"{self.partials}/{self.width}"

    @property
    def partials(self) -> str:
        """The directory of this tile's partial forms, which may go when the full one is there."""
        return f"{self._stem}.p"

    @property
    def full(self) -> "Tile":
        """The tile when it has all its hashes."""
        return Tile(self.level, self.index)

    @property
    def _stem(self) -> str:
        rest, group = divmod(self.index, 1000)
        number = f"{group:03d}"
        while rest:
            rest, group = divmod(rest, 1000)
            number = f"x{group:03d}/{number}"
        return f"tile/{'entries' if self.level == ENTRIES else self.level}/{number}"


def limit_of(path: str) -> int:
    """The most bytes that a log's file at `path` may have."""
    if path.startswith("tile/entries/"):
        return WIDTH * (_LENGTH_BYTES + MAX_ENTRY)
    return WIDTH * HASH_BYTES if path.startswith("tile/") else MAX_CHECKPOINT


def tile_of(level: int, index: int, size: int) -> Tile:
    """The tile `index` of `level` as a tree of `size` entries has it. Needs the tree to have it at all."""
    complete = size >> (8 * max(level, 0))
    return Tile(level, index, min(WIDTH, complete - index * WIDTH))


def subtrees(low: int, high: int) -> Iterable[tuple[int, int]]:
    """The complete subtrees `(height, index)` of a range of a proof, from left to right."""
    while low < high:
        if (high - low).bit_count() == 1:
            height = (high - low).bit_length() - 1
            yield height, low >> height
            return
        middle = split(low, high)
        yield from subtrees(low, middle)
        low = middle


def tiles_for(ranges: Iterable[Range], size: int) -> frozenset[Tile]:
    """The tiles that hold the hashes of `ranges`, and those above them that authenticate them up to the edge."""
    needed = set()
    for low, high in ranges:
        for height, index in subtrees(low, high):
            level, within = divmod(height, 8)
            at = (index << within) // WIDTH
            while (tile := tile_of(level, at, size)) not in needed:
                needed.add(tile)
                if tile.width < WIDTH:
                    break
                level, at = level + 1, at // WIDTH
    return frozenset(needed) | frozenset(edge_tiles(size))


def edge_tiles(size: int) -> tuple[Tile, ...]:
    """The partial tiles of a tree, lowest first, which together have its root."""
    levels = range((size.bit_length() + 7) // 8)
    return tuple(
        Tile(level, size >> (8 * level + 8), row_width(size, level))
        for level in levels
        if row_width(size, level)
    )


def pack_entries(entries: Iterable[bytes]) -> bytes:
    """A bundle's bytes: each entry behind its length in two bytes, high byte first."""
    return b"".join(len(entry).to_bytes(_LENGTH_BYTES, "big") + entry for entry in entries)


def unpack_entries(data: bytes) -> tuple[bytes, ...]:
    """The entries in a bundle. Raises `Malformed` if it is cut off."""
    entries = []
    at = 0
    while at < len(data):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(data[at:start], "big")
        if start > len(data) or at > len(data):
            raise Malformed("entry bundle: cut off")
        entries.append(data[start:at])
    return tuple(entries)


def fetch_hashes(fetch: Fetch, tile: Tile) -> tuple[bytes, ...]:
    """The hashes of `tile`, unverified. Raises `Malformed` if it has another number of them."""
    data = _fetch(fetch, tile)
    if len(data) % HASH_BYTES == 0:
        hashes = tuple(data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES))
        if len(hashes) == tile.width:
            return hashes
        if len(hashes) == WIDTH:
            return hashes[: tile.width]
    raise Malformed(f"{tile.path}: not {tile.width} hashes")


def fetch_entries(fetch: Fetch, tile: Tile) -> tuple[bytes, ...]:
    """The entries of the bundle `tile`, unverified. Raises `Malformed` if it has another number of them."""
    entries = unpack_entries(_fetch(fetch, tile))
    if len(entries) not in (tile.width, WIDTH):
        raise Malformed(f"{tile.path}: {len(entries)} entries instead of {tile.width}")
    return entries[: tile.width]


def _fetch(fetch: Fetch, tile: Tile) -> bytes:
    try:
        return fetch(tile.path)
    except NotFound:
        if tile.width == WIDTH:
            raise
    # The log has grown since, and may have dropped the partial form.
    return fetch(tile.full.path)


def read_edge(size: int, root: bytes, fetch: Fetch) -> Edge:
    """The right edge of the tree of `size` entries under `root`.

    Raises:
        Unverified: the partial tiles lead to another root.
        Malformed: a tile is not one.
    """
    rows: list[tuple[bytes, ...]] = [()] * ((size.bit_length() + 7) // 8)
    for tile in edge_tiles(size):
        rows[tile.level] = fetch_hashes(fetch, tile)
    edge = Edge(size, tuple(rows))
    if edge.root != root:
        raise Unverified(f"tiles: those of the right edge of {size} entries lead to another root")
    return edge


class TileReader:
    """Reads hashes and entries of the tree of `size` entries under `root`, an authenticated checkpoint's.

    A tile is kept while it is likely to be used again. Raises `Unverified`, in the constructor too, for what does
    not hash to the root, `Malformed` for what is no tile, and whatever `fetch` raises.
    """

    def __init__(self, size: int, root: bytes, fetch: Fetch) -> None:
        self.size = size
        self._fetch = fetch
        self._edge = read_edge(size, root, fetch)
        self._tiles: dict[tuple[int, int], tuple[bytes, ...]] = {}
        self._hashes: dict[Range, bytes] = {}

    def hashes(self, ranges: Iterable[Range]) -> tuple[bytes, ...]:
        """The hash of each of `ranges`, as the functions of `witness.tlog.merkle` name them."""
        return tuple(self._hash(low, high) for low, high in ranges)

    def entries(self, index: int) -> tuple[bytes, ...]:
        """The entries of bundle `index`: 256, or what is left in the last."""
        tile = tile_of(ENTRIES, index, self.size)
        entries = fetch_entries(self._fetch, tile)
        if tuple(map(leaf_hash, entries)) != self._tile(0, index):
            raise Unverified(f"{tile.path}: the entries are not those that the log committed to")
        return entries

    def _hash(self, low: int, high: int) -> bytes:
        if low == high:
            return EMPTY_ROOT
        known = self._hashes.get((low, high))
        if known is not None:
            return known
        count = high - low
        height = count.bit_length() - 1
        if count.bit_count() == 1 and height % 8 == 0:
            at = low >> height
            value = self._tile(height // 8, at // WIDTH)[at % WIDTH]
        else:
            middle = split(low, high)
            value = node_hash(self._hash(low, middle), self._hash(middle, high))
        if len(self._hashes) >= _MAX_MEMORY:
            self._hashes.clear()
        self._hashes[low, high] = value
        return value

    def _tile(self, level: int, index: int) -> tuple[bytes, ...]:
        if index == self.size >> (8 * level + 8):
            return self._edge.rows[level]
        known = self._tiles.get((level, index))
        if known is not None:
            return known
        tile = Tile(level, index)
        hashes = fetch_hashes(self._fetch, tile)
        if root_hash(hashes) != self._tile(level + 1, index // WIDTH)[index % WIDTH]:
            raise Unverified(f"{tile.path}: not the tile that the log committed to")
        if len(self._tiles) >= _MAX_MEMORY // WIDTH:
            self._tiles.clear()
        self._tiles[level, index] = hashes
        return hashes
