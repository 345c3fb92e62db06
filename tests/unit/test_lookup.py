"""The format of files for lookups by prefix, and how wide prefixes are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mangling import flips, prefixes
from witness import lookup
from witness.errors import Malformed
from witness.limits import MAX_BUNDLE, MAX_LOOKUP

DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)
LINES = st.dictionaries(
    DIGESTS,
    st.lists(st.binary(min_size=1, max_size=30).filter(lambda line: b"\n" not in line), min_size=1).map(
        tuple
    ),
    max_size=8,
)
FILE = lookup.encode(3, "2000", {"2" * 64: (b"{}", b"[]"), "3" + "f" * 63: (b"bundle",)})


def test_the_file():
    assert FILE == (
        b"wheelwitness-lookup-v1 3 2000 3\n"
        + b"2" * 64
        + b" {}\n"
        + b"2" * 64
        + b" []\n3"
        + b"f" * 63
        + b" bundle\n"
    )


@given(st.integers(0, lookup.MAX_BITS), DIGESTS, LINES)
def test_round_trip(bits, digest, lines):
    prefix = lookup.prefix_of(digest, bits)
    assert lookup.parse(lookup.encode(bits, prefix, lines), bits, prefix) == lines


def test_what_is_cut_off_is_refused():
    for data in prefixes(FILE):
        with pytest.raises(Malformed):
            lookup.parse(data, 3, "2000")


def test_whatever_parses_is_written_back():
    for data in flips(FILE, masks=(0x01, 0x20)):
        try:
            parsed = lookup.parse(data, 3, "2000")
        except Malformed:
            continue
        # The order of digests is for the publisher: nobody relies on it.
        assert sorted(lookup.encode(3, "2000", parsed).split(b"\n")) == sorted(data.split(b"\n"))


@pytest.mark.parametrize(("bits", "prefix"), [(2, "2000"), (3, "0000"), (4, "2000")])
def test_of_another_prefix(bits, prefix):
    with pytest.raises(Malformed, match="not the whole file"):
        lookup.parse(FILE, bits, prefix)


def test_bounds():
    long = lookup.encode(0, "0000", {"2" * 64: (b"x" * (MAX_BUNDLE + 1),)})
    with pytest.raises(Malformed, match="too long"):
        lookup.parse(long, 0, "0000")
    with pytest.raises(Malformed, match="more than"):
        lookup.parse(b"x" * (MAX_LOOKUP + 1), 0, "0000")
    full = lookup.encode(0, "0000", {"2" * 64: (b"x" * MAX_BUNDLE,) * (MAX_LOOKUP // MAX_BUNDLE)})
    assert full == b"wheelwitness-lookup-v1 0 0000 full\n"
    with pytest.raises(lookup.Full):
        lookup.parse(full, 0, "0000")


@pytest.mark.parametrize(
    ("size", "bits"),
    [(0, 0), (1, 0), (31, 0), (32, 1), (63, 1), (64, 2), (1 << 20, 16), (10**9, 16)],
)
def test_the_width_of_a_log(size, bits):
    assert lookup.bits_for(size) == bits


@given(st.integers(lookup.ENTRIES, lookup.ENTRIES << lookup.MAX_BITS))
def test_a_prefix_has_its_share_of_the_entries(size):
    assert lookup.ENTRIES <= size / (1 << lookup.bits_for(size)) < 2 * lookup.ENTRIES


@given(DIGESTS, st.integers(0, lookup.MAX_BITS))
def test_prefixes_are_the_first_bits(digest, bits):
    prefix = lookup.prefix_of(digest, bits)
    assert int(prefix, 16) >> (16 - bits) == int(digest, 16) >> (256 - bits)
    assert int(prefix, 16) & ((1 << (16 - bits)) - 1) == 0


@given(DIGESTS, st.integers(0, 8), st.integers(0, 4))
def test_a_prefix_is_divided_among_longer_ones(digest, old, more):
    prefix = lookup.prefix_of(digest, old)
    parts = list(lookup.parts_of(prefix, old, old + more))
    assert len(set(parts)) == 1 << more
    assert lookup.prefix_of(digest, old + more) in parts
    assert set(parts) <= set(lookup.prefixes(old + more))


@pytest.mark.parametrize("bits", [0, 7, 16])
def test_width_round_trip(bits):
    assert lookup.parse_width(lookup.encode_width(bits)) == bits


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b'{"bits":true,"schema":"lookup/1"}',
        b'{"bits":1.0,"schema":"lookup/1"}',
        b'{"bits":-1,"schema":"lookup/1"}',
        b'{"bits":17,"schema":"lookup/1"}',
        b'{"bits":1,"schema":"lookup/2"}',
        b'{"bits":1,"more":1,"schema":"lookup/1"}',
        b'{"bits": 1, "schema": "lookup/1"}',
    ],
)
def test_no_width(data):
    with pytest.raises(Malformed):
        lookup.parse_width(data)
