"""Merkle trees of RFC 6962 section 2.1, on plain values: hashes, proofs, and which hashes a proof is made of.

A range `(low, high)` stands for the leaves `low <= i < high`, and for the hash of the tree over them. A proof is the
hashes of a list of ranges that only sizes decide, so whoever can hash ranges (witness.tlog.tiles) can make proofs.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, TypeAlias

from witness.errors import Unverified

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()

Range: TypeAlias = tuple[int, int]


def leaf_hash(entry: bytes) -> bytes:
    """MTH({entry})."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node above `left` and `right`."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_hash(hashes: Sequence[bytes]) -> bytes:
    """The root of the tree whose lowest nodes are `hashes`, which may be leaves or complete subtrees of one size."""
    if not hashes:
        return EMPTY_ROOT
    row = list(hashes)
    while len(row) > 1:
        # A last node without a sibling moves up as it is, which is RFC 6962's tree for every size.
        above = [node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        row = above + row[len(above) * 2 :]
    return row[0]


def split(low: int, high: int) -> int:
    """Where RFC 6962 divides a tree of at least two leaves: after the largest power of two below its size."""
    return low + (1 << (high - low - 1).bit_length() - 1)


def inclusion_ranges(index: int, size: int) -> tuple[Range, ...]:
    """PATH(index, D[size]), lowest first. Needs `0 <= index < size`."""
    low, high = 0, size
    ranges: list[Range] = []
    while high - low > 1:
        middle = split(low, high)
        if index < middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    return tuple(reversed(ranges))


def consistency_ranges(old: int, new: int) -> tuple[Range, ...]:
    """PROOF(old, D[new]), lowest first; nothing for `old` 0 or `new`. Needs `0 <= old <= new`."""
    if old in (0, new):
        return ()
    low, high = 0, new
    ranges: list[Range] = []
    while high != old:
        middle = split(low, high)
        if old <= middle:
            ranges.append((middle, high))
            high = middle
        else:
            ranges.append((low, middle))
            low = middle
    # The old tree itself, if it is a complete subtree of the new one from the first leaf on, is known already.
    if low > 0:
        ranges.append((low, high))
    return tuple(reversed(ranges))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Returns if the tree of `size` leaves under `root` has the hash `leaf` at `index` (RFC 9162 section 2.1.3.2).

    Raises:
        Unverified: it does not follow from `proof`.
    """
    if not 0 <= index < size:
        raise Unverified(f"inclusion proof: no entry {index} in a tree of {size}")
    _check_lengths("inclusion", (leaf, root, *proof))
    position, last, computed = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise Unverified("inclusion proof: too long")
        if position & 1 or position == last:
            computed = node_hash(sibling, computed)
            position, last = _skip_levels(position, last)
        else:
            computed = node_hash(computed, sibling)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise Unverified("inclusion proof: too short")
    if computed != root:
        raise Unverified("inclusion proof: leads to another root")


def verify_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Returns if the tree of `new` leaves begins with that of `old` leaves (RFC 9162 section 2.1.4.2).

    Raises:
        Unverified: it does not follow from `proof`.
    """
    if not 0 <= old <= new:
        raise Unverified(f"consistency proof: a tree of {new} cannot follow one of {old}")
    _check_lengths("consistency", (old_root, new_root, *proof))
    if old in (0, new):
        if proof:
            raise Unverified("consistency proof: too long")
        if old_root != (EMPTY_ROOT if old == 0 else new_root):
            raise Unverified("consistency proof: two roots of one size")
        return
    # A complete old tree is a node of the new one, and the proof leaves out what the reader has.
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        raise Unverified("consistency proof: too short")
    if _climb_both(old, new, path) != (old_root, new_root):
        raise Unverified("consistency proof: leads to other roots")


def _climb_both(old: int, new: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    before = after = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise Unverified("consistency proof: too long")
        if position & 1 or position == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            position, last = _skip_levels(position, last)
        else:
            after = node_hash(after, sibling)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise Unverified("consistency proof: too short")
    return before, after


def _skip_levels(position: int, last: int) -> tuple[int, int]:
    """Up to the level where the node is a right child: between, it has no sibling."""
    while position != 0 and not position & 1:
        position, last = position >> 1, last >> 1
    return position, last


def _check_lengths(what: str, hashes: Sequence[bytes]) -> None:
    # Without this, bytes of another length could be read as two hashes, or as none.
    if not set(map(len, hashes)) <= {HASH_BYTES}:
        raise Unverified(f"{what} proof: a hash that is not {HASH_BYTES} bytes long")
