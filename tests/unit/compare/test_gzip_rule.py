"""gzip in the payload: one member of the same content."""

import gzip
import struct
import zlib

import pytest

from tests.pairs import level, outcome, release, used
from tests.wheels import PAYLOAD, File, deflated
from witness.compare.rules import compressed
from witness.compare.rules.compressed import read_gzip
from witness.errors import Malformed

TEXT = b"".join(b"line %d\n" % n for n in range(3000))


def packed(
    content=TEXT, *, time=0, flags=0, extra=0, system=255, name=b"", body=None, crc=None, size=None, tail=b""
):
    header = struct.pack("<2sBBLBB", b"\x1f\x8b", 8, flags | (8 if name else 0), time, extra, system)
    trailer = struct.pack(
        "<LL", zlib.crc32(content) if crc is None else crc, len(content) if size is None else size
    )
    return header + (name and name + b"\0") + (deflated(content) if body is None else body) + trailer + tail


def equal(ours, theirs, name="demo/data.json.gz"):
    return used(*(release(payload=(*PAYLOAD, File(name, content))) for content in (ours, theirs)))


ALIKE = {
    "time": packed(time=1_700_000_000),
    "system and level": packed(system=3, extra=2),
    "name": packed(name=b"data.json"),
    "compression": packed(body=deflated(TEXT, 9)),
    "another strategy": packed(body=deflated(TEXT, strategy=zlib.Z_FIXED)),
    "stored": packed(body=deflated(TEXT, 0)),
    "Python's": gzip.compress(TEXT, mtime=5),
}


@pytest.mark.parametrize("theirs", ALIKE.values(), ids=ALIKE)
def test_the_same_content(theirs):
    assert gzip.decompress(theirs) == TEXT
    assert equal(packed(), theirs) == {"gzip@1"}


def test_both_headers_are_told():
    pair = [
        release(payload=[File("a.gz", content)])
        for content in (packed(), packed(time=7, system=3, name=b"x"))
    ]
    assert level(*pair) == "content"
    (use,) = (use for use in outcome(*pair).comparison.rules if use.id == "gzip@1")
    assert use.published.startswith("time 0, level 0, system 255, name (none); unpacked sha256:")
    assert use.rebuilt.startswith("time 7, level 0, system 3, name x; unpacked sha256:")


@pytest.mark.parametrize(
    "content", [b"", b"x", TEXT * 40, bytes(3_000_000)], ids=["empty", "one", "long", "zeros"]
)
def test_contents_of_any_size(content):
    assert equal(packed(content), packed(content, time=1, body=deflated(content, 1))) == {"gzip@1"}


BROKEN = {
    "another content": packed(TEXT + b"x"),
    "another content of the same size": packed(TEXT[:-2] + b"x\n"),
    "a second member": packed() + packed(b"evil"),
    "a second member that is empty": packed() + packed(b""),
    "bytes after the end": packed(tail=b"evil"),
    "zeros after the end": packed(tail=bytes(16)),
    "a wrong CRC": packed(crc=1),
    "a wrong size": packed(size=1),
    "no trailer": packed()[:-8],
    "cut in the trailer": packed()[:-1],
    "cut in the content": packed(body=deflated(TEXT)[:-5]),
    "bytes after the stream": packed(body=deflated(TEXT) + b"xx"),
    "damaged": packed(body=b"\xff" * 40),
    "no end of stream": packed(body=zlib.compressobj(6, 8, -15).compress(TEXT)),
    "another method": packed().replace(b"\x8b\x08", b"\x8b\x07", 1),
    "another magic": b"\x1f\x8c" + packed()[2:],
    "not gzip": TEXT,
    "empty": b"",
    "a flag of text": packed(flags=1),
    "a CRC of the header": packed(flags=2),
    "an extra field": packed(flags=4),
    "a comment": packed(flags=16),
    "a reserved flag": packed(flags=32),
    "an empty name": packed(flags=8, body=b"\0" + deflated(TEXT)),
    "a name that is a path": packed(name=b"../evil"),
    "a name with a control character": packed(name=b"a\x1b[2J"),
    "a name without end": packed(flags=8, body=b"a" * 300),
    "a name that begins with a point": packed(name=b".bashrc"),
    "a name too long": packed(name=b"a" * 101),
}


@pytest.mark.parametrize("theirs", BROKEN.values(), ids=BROKEN)
def test_what_is_not_the_same_or_not_plain(theirs):
    assert equal(packed(), theirs) is None


@pytest.mark.parametrize("theirs", list(BROKEN.values())[2:], ids=list(BROKEN)[2:])
def test_two_that_are_broken_alike(theirs):
    other = theirs[:4] + b"\x01" + theirs[5:]  # another time
    assert equal(theirs, other if other != theirs else theirs + b"x") is None


@pytest.mark.parametrize("end", range(len(packed(b"some text"))))
def test_every_prefix_is_refused(end):
    with pytest.raises(Malformed):
        read_gzip(packed(b"some text")[:end])


@pytest.mark.parametrize(
    "name", ["demo-1.0.data/data/share/man/man1/demo.1.gz", "demo-1.0.data/purelib/x.tar.gz", "x.gz"]
)
def test_wherever_payload_is(name):
    assert equal(packed(), packed(time=1), name) == {"gzip@1"}


@pytest.mark.parametrize(
    "name",
    [
        "demo-1.0.data/scripts/x.gz",
        "demo-1.0.dist-info/licenses/x.gz",
        "demo/x.tgz",
        "demo/x.GZ",
        "demo/gz",
        "demo/x.zip",
    ],
)
def test_nothing_else_is_unpacked(name):
    assert equal(packed(), packed(time=1), name) is None


def test_a_bomb_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(compressed, "_MAX_UNPACKED", 1_000_000)
    fitting, bomb = bytes(1_000_000), bytes(1_000_001)
    assert equal(packed(fitting), packed(fitting, time=1)) == {"gzip@1"}
    assert equal(packed(bomb), packed(bomb, time=1)) is None


def test_memory_is_bounded():
    """64 MiB and more of zeros in 64 KiB: read in chunks, and given up at the limit."""
    import tracemalloc

    state = zlib.compressobj(9, 8, -15)
    body = b"".join([*(state.compress(bytes(1 << 20)) for _ in range(70)), state.flush()])
    tracemalloc.start()
    try:
        with pytest.raises(Malformed):
            read_gzip(packed(b"", body=body))
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
