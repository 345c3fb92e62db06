"""RFC 6962 against the definitions in its text, for every size up to 300."""

import hashlib
from functools import cache

import pytest

from witness.errors import Unverified
from witness.tlog.edge import Edge
from witness.tlog.merkle import (
    EMPTY_ROOT,
    consistency_ranges,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    root_hash,
    verify_consistency,
    verify_inclusion,
)

SIZES = 300
ENTRIES = [b"entry %d" % number for number in range(SIZES)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


@cache
def mth(low, high):
    """MTH(D[low:high]), section 2.1."""
    if high - low == 0:
        return hashlib.sha256(b"").digest()
    if high - low == 1:
        return hashlib.sha256(b"\x00" + ENTRIES[low]).digest()
    k = 1
    while k * 2 < high - low:
        k *= 2
    return hashlib.sha256(b"\x01" + mth(low, low + k) + mth(low + k, high)).digest()


def path(m, low, high):
    """PATH(m, D[low:high]), section 2.1.1."""
    if high - low == 1:
        return []
    k = 1
    while k * 2 < high - low:
        k *= 2
    if m < k:
        return [*path(m, low, low + k), mth(low + k, high)]
    return [*path(m - k, low + k, high), mth(low, low + k)]


def subproof(m, low, high, *, complete):
    """SUBPROOF(m, D[low:high], complete), section 2.1.2."""
    if m == high - low:
        return [] if complete else [mth(low, high)]
    k = 1
    while k * 2 < high - low:
        k *= 2
    if m <= k:
        return [*subproof(m, low, low + k, complete=complete), mth(low + k, high)]
    return [*subproof(m - k, low + k, high, complete=False), mth(low, low + k)]


def test_known_hashes():
    """The vectors of certificate-transparency-go and of every implementation since."""
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    inputs = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    roots = {
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    leaves = [leaf_hash(bytes.fromhex(text)) for text in inputs]
    for size, root in roots.items():
        assert root_hash(leaves[:size]).hex() == root


def test_roots_of_every_size():
    edge = Edge()
    for size in range(SIZES + 1):
        assert root_hash(LEAVES[:size]) == mth(0, size)
        assert edge.root == mth(0, size)
        assert edge.size == size
        if size < SIZES:
            edge, _ = edge.extended([LEAVES[size]])


def test_inclusion_of_every_entry_in_every_size():
    for size in range(1, SIZES + 1):
        root = mth(0, size)
        for index in range(size):
            proof = [mth(low, high) for low, high in inclusion_ranges(index, size)]
            assert proof == path(index, 0, size)
            verify_inclusion(LEAVES[index], index, size, proof, root)


def test_consistency_of_every_two_sizes():
    for new in range(SIZES + 1):
        for old in range(new + 1):
            proof = [mth(low, high) for low, high in consistency_ranges(old, new)]
            assert proof == ([] if old == 0 else subproof(old, 0, new, complete=True))
            verify_consistency(old, mth(0, old), new, mth(0, new), proof)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 33])
def test_no_changed_inclusion_proof_holds(size):
    root = mth(0, size)
    for index in range(size):
        proof = path(index, 0, size)
        wrong = [
            (LEAVES[(index + 1) % SIZES], index, size, proof, root),
            (LEAVES[index], index, size, proof, bytes(32)),
            (LEAVES[index], -1, size, proof, root),
            (LEAVES[index], size, size, proof, root),
            (LEAVES[index], index, size, [*proof, bytes(32)], root),
            (LEAVES[index], index, size, [bytes(32), *proof], root),
            (LEAVES[index], index, 0, proof, root),
            (LEAVES[index][:-1], index, size, proof, root),
        ]
        wrong += [(LEAVES[index], other, size, proof, root) for other in range(size) if other != index]
        wrong += [
            (LEAVES[index], index, size, proof[:at] + proof[at + 1 :], root) for at in range(len(proof))
        ]
        wrong += [
            (LEAVES[index], index, size, [*proof[:at], bytes(32), *proof[at + 1 :]], root)
            for at in range(len(proof))
        ]
        for arguments in wrong:
            with pytest.raises(Unverified, match="inclusion proof"):
                verify_inclusion(*arguments)


@pytest.mark.parametrize(("old", "new"), [(1, 2), (1, 8), (3, 7), (4, 8), (6, 8), (7, 33), (32, 33)])
def test_no_changed_consistency_proof_holds(old, new):
    proof = subproof(old, 0, new, complete=True)
    good = (old, mth(0, old), new, mth(0, new), proof)
    verify_consistency(*good)
    wrong = [
        (old, mth(0, new), new, mth(0, new), proof),
        (old, mth(0, old), new, mth(0, old), proof),
        (new, mth(0, old), old, mth(0, new), proof),
        (old, mth(0, old)[:-1], new, mth(0, new), proof),
        (old, mth(0, old), new, mth(0, new), []),
        (old, mth(0, old), new, mth(0, new), [*proof, bytes(32)]),
        (old, mth(0, old), new, mth(0, new), proof[:-1]),
        (-1, mth(0, old), new, mth(0, new), proof),
    ]
    wrong += [
        (old, mth(0, old), new, mth(0, new), [*proof[:at], bytes(32), *proof[at + 1 :]])
        for at in range(len(proof))
    ]
    for arguments in wrong:
        with pytest.raises(Unverified, match="consistency proof"):
            verify_consistency(*arguments)


@pytest.mark.parametrize(
    ("old", "old_root", "new", "new_root", "proof"),
    [
        (0, bytes(32), 5, mth(0, 5), []),
        (0, EMPTY_ROOT, 5, mth(0, 5), [bytes(32)]),
        (5, mth(0, 5), 5, mth(0, 4), []),
        (5, mth(0, 5), 5, mth(0, 5), [bytes(32)]),
    ],
)
def test_trivial_consistency_is_checked_too(old, old_root, new, new_root, proof):
    with pytest.raises(Unverified, match="consistency proof"):
        verify_consistency(old, old_root, new, new_root, proof)


def test_leaves_and_nodes_are_told_apart():
    left, right = LEAVES[:2]
    assert leaf_hash(left + right) != node_hash(left, right)
