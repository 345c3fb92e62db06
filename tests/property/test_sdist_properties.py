"""Whatever bytes an index serves as an sdist: facts, or Malformed."""

import gzip

from hypothesis import given, settings
from hypothesis import strategies as st

from rebuilders.facts.sdist import sdist_facts
from tests.mangling import prefixes
from tests.sdists import sdist_of, zip_sdist_of
from witness.errors import Malformed

TARBALL = sdist_of({"setup.py": b"import setuptools\n", "x" * 120 + ".py": b""}, mtime=1.5)
PLAIN = gzip.decompress(TARBALL)
ZIPPED = zip_sdist_of({"setup.py": b"import setuptools\n", "pyproject.toml": b"a = 1\n"})


def read(data, filename):
    try:
        return sdist_facts(data, filename, "0" * 64)
    except Malformed:
        return None


def test_every_prefix_is_refused():
    assert [len(data) for data in prefixes(TARBALL) if read(data, "demo-1.0.tar.gz")] == []
    assert [len(data) for data in prefixes(ZIPPED) if read(data, "demo-1.0.zip")] == []


def mangled(seed):
    edits = st.tuples(st.integers(0, len(seed)), st.integers(0, 3), st.binary(max_size=12))

    def apply(changes):
        data = bytearray(seed)
        for at, gone, new in changes:
            data[at : at + gone] = new
        return bytes(data)

    return st.lists(edits, min_size=1, max_size=5).map(apply)


def overwritten(seed):
    """Headers with other bytes at the same places: sizes, types, checksums of tar."""
    edits = st.tuples(st.integers(0, len(seed) - 13), st.binary(min_size=1, max_size=12))

    def apply(changes):
        data = bytearray(seed)
        for at, new in changes:
            data[at : at + len(new)] = new
        for at in range(0, len(data) - 511, 512):
            block = data[at : at + 512]
            if block[257:262] == b"ustar":  # mended, or nothing behind it would be looked at
                block[148:156] = b" " * 8
                data[at + 148 : at + 156] = b"%06o\0 " % sum(block)
        return bytes(data)

    return st.lists(edits, min_size=1, max_size=6).map(apply)


@given(mangled(PLAIN) | overwritten(PLAIN))
@settings(deadline=None, max_examples=300)
def test_mutated_tarballs(plain):
    found = read(gzip.compress(plain, 1, mtime=0), "demo-1.0.tar.gz")
    assert found is None or found.members


@given(mangled(TARBALL))
@settings(deadline=None)
def test_mutated_gzips(data):
    found = read(data, "demo-1.0.tar.gz")
    assert found is None or found.members


@given(mangled(ZIPPED))
@settings(deadline=None, max_examples=200)
def test_mutated_zips(data):
    found = read(data, "demo-1.0.zip")
    assert found is None or found.members
