"""Compiled modules: the flags of marshal may differ, and nothing that an import could tell."""
# ruff: noqa: E501 - a row of a table is a line

import importlib.util
import marshal
import struct
import sys

import pytest

from tests.mangling import flips, prefixes
from tests.pairs import level, release, used
from tests.wheels import PAYLOAD, File
from witness.compare.rules.catalogue import equate
from witness.compare.rules.marshal_stream import CODE, PYTHON, read_code
from witness.errors import Malformed
from witness.wheel.reader import read_wheel

MAGIC = int.from_bytes(importlib.util.MAGIC_NUMBER[:2], "little")
TAG = f"cpython-3{sys.version_info[1]}"
SOURCE = b'''"""About."""
import os
NUMBERS = (1, -1, 2**40, 1.5, 2j, True, None, ..., "text", "t\xc3\xa4xt", b"bytes", (1, (2, "x")), 10**50)
def outer(a, b=(1, 2), *args, c="c", **kwargs):
    def inner(x):
        return x in {"p", "q"} or x == a or os.name
    return [inner(each) for each in args]
class Thing:
    """A thing."""
    name = "text"
    def method(self): return self.name, "t\xc3\xa4xt"
'''
CODE_OF = compile(SOURCE, "demo/mod.py", "exec", dont_inherit=True)
ONE, OTHER = marshal.dumps(CODE_OF), marshal.dumps(marshal.loads(marshal.dumps(CODE_OF)))


SIZE = len(SOURCE)


def header(flags=0, time=1_600_000_000, size=SIZE, magic=MAGIC, ending=b"\r\n"):
    return struct.pack("<H2sLLL", magic, ending, flags, time, size)


HASHED = header(3, 0x01234567, 0x89ABCDEF)


def pair(
    ours, theirs, *, name=f"demo/__pycache__/mod.{TAG}.pyc", source="demo/mod.py", sources=(SOURCE, SOURCE)
):
    return [
        release(payload=(*PAYLOAD, *([File(source, text)] if text is not None else []), File(name, content)))
        for content, text in zip((ours, theirs), sources, strict=True)
    ]


def test_flags_of_a_process():
    assert ONE != OTHER
    assert used(*pair(header() + ONE, header() + OTHER)) == {"bytecode-flags@1"}
    assert level(*pair(header() + ONE, header() + OTHER)) == "content"
    assert used(*pair(HASHED + ONE, HASHED + OTHER)) == {"bytecode-flags@1"}


@pytest.mark.parametrize(
    ("name", "source"),
    [(f"__pycache__/mod.{TAG}.pyc", "mod.py"), (f"demo/__pycache__/mod.{TAG}.opt-2.pyc", "demo/mod.py"),
     (f"demo-1.0.data/purelib/a/__pycache__/b.{TAG}.pyc", "demo-1.0.data/purelib/a/b.py")],
)  # fmt: skip
def test_where_python_looks(name, source):
    assert used(*pair(header() + ONE, header() + OTHER, name=name, source=source)) == {"bytecode-flags@1"}


@pytest.mark.parametrize(
    "name",
    ["demo/mod.pyc", "demo/__pycache__/mod.pyc", f"demo/__pycache__/other.{TAG}.pyc", "demo/__pycache__/mod.cpython-38.pyc",
     f"demo/__pycache__/mod.{TAG}.opt-3.pyc", f"demo/__pycache__/mod.{TAG}.opt-evil.pyc", "demo/__pycache__/mod.pypy311.pyc",
     f"demo/__pycache__/mod.{TAG}.x.pyc", f"demo-1.0.data/data/__pycache__/mod.{TAG}.pyc", f"demo/__pycache__/mod.{TAG}.PYC",
     f"demo-1.0.data/scripts/__pycache__/mod.{TAG}.pyc"],
)  # fmt: skip
def test_where_it_is_something_else(name):
    assert used(*pair(header() + ONE, header() + OTHER, name=name)) is None


HEADERS = {
    "another time": (header(), header(time=1_600_000_001)),
    "another size": (header(), header(size=1)),
    "a size that is not the source's": (header(size=1), header(size=1)),
    "another magic": (header(), header(magic=3413)),
    "an unknown magic": (header(magic=3000), header(magic=3000)),
    "no line end": (header(ending=b"\n\n"), header(ending=b"\n\n")),
    "a hash that nobody checks": (header(1), header(1)),
    "unknown flags": (header(4), header(4)),
    "checked and not": (header(3), header(1)),
    "by time and by hash": (header(), header(3)),
    "another hash": (HASHED, header(3, 0x01234567, 0x89ABCDEE)),
}


@pytest.mark.parametrize(("ours", "theirs"), HEADERS.values(), ids=HEADERS)
def test_headers_under_which_python_may_load_another(ours, theirs):
    assert used(*pair(ours + ONE, theirs + OTHER)) is None


@pytest.mark.parametrize(
    "sources",
    [
        (None, None),
        (SOURCE, None),
        (SOURCE, SOURCE + b"#"),
        (SOURCE, SOURCE.replace(b"\n", b"\r\n")),
        (b"", b""),
    ],
)
def test_without_the_source_that_it_was_made_from(sources):
    assert used(*pair(header() + ONE, header() + OTHER, sources=sources)) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"c"', b'"d"'), (b"1.5", b"1.25"), (b"2j", b"3j"), (b"-1", b"-2"), (b"os.name", b"os.sep"), (b'"p"', b'"r"'), (b"x == a", b"x != a"),
     (b"10**50", b"10**51"), (b"class Thing", b"class Thong"), (b"None, ...", b"..., None"), (b"True", b"1"), (b"*args", b"*rags"),
     (b"import os\n", b"import os\n\n"), (b"b=(1, 2)", b"b=(1, 3)"), (b'b"bytes"', b'"bytes"'), (b"return [", b"return ["),
     (b"(2, \"x\")", b"(2, \"y\")")],
)  # fmt: skip
def test_other_code(old, new):
    text = SOURCE.replace(old, new)
    other = marshal.dumps(compile(text, "demo/mod.py", "exec", dont_inherit=True))
    expected = None if text != SOURCE else read_code(ONE, MAGIC)
    try:
        same = read_code(other, MAGIC) == read_code(ONE, MAGIC)
    except Malformed:
        same = False
    assert same == (expected is not None)


def test_another_path_of_the_source():
    other = marshal.dumps(compile(SOURCE, "evil/mod.py", "exec", dont_inherit=True))
    assert used(*pair(header() + ONE, header() + other)) is None


def test_every_prefix_is_refused():
    for cut in prefixes(ONE):
        with pytest.raises(Malformed):
            read_code(cut, MAGIC)


def test_a_flipped_byte_is_refused_or_seen():
    """Or it flips a flag that nothing refers to."""
    said, unseen = read_code(ONE, MAGIC), 0
    for at, flipped in enumerate(flips(ONE, masks=(0x80, 0x01, 0x08))):
        try:
            same = read_code(flipped, MAGIC) == said
        except Malformed:
            continue
        if same:
            assert at % 3 == 0  # the mask is that of the flag
            assert marshal.loads(flipped) == CODE_OF
            unseen += 1
    assert unseen > 0


N, PADDING = b"N", struct.pack("<lllll", 0, 0, 0, 0, 0)


def code(*objects, number=b"\0\0\0\0"):
    """A code object of Python 3.11 by its ten objects."""
    return b"\xe3" + PADDING + b"".join(objects[:8]) + number + b"".join(objects[8:])


def said(*first):
    return read_code(code(*first, *[N] * (10 - len(first))), 3495)


def test_what_is_shared_is_told_from_what_is_equal():
    text = b"\xfa\x01a"  # flagged, so that it may be referred to
    shared = said(text, b"r" + struct.pack("<L", 1))
    twice = said(text, b"z\x01a")
    assert shared != twice
    # The index counts flagged objects: the code itself is the first.
    flagged = said(b"\xfa\x01b", text, b"r" + struct.pack("<L", 2))
    plain = said(b"z\x01b", text, b"r" + struct.pack("<L", 1))
    assert flagged == plain != said(b"\xfa\x01b", text, b"r" + struct.pack("<L", 1))


HOSTILE = {
    "nothing": b"",
    "no code": b"N",
    "bytes behind it": ONE + b"N",
    "a list": code(b"[\0\0\0\0", *[N] * 9),
    "a dictionary": code(b"{0", *[N] * 9),
    "a set": code(b"<\0\0\0\0", *[N] * 9),
    "an old integer": code(b"I" + bytes(8), *[N] * 9),
    "an old float": code(b"f\x011", *[N] * 9),
    "an old complex number": code(b"x\x011\x011", *[N] * 9),
    "a null": code(b"0", *[N] * 9),
    "stop iteration": code(b"S", *[N] * 9),
    "an unknown type": code(b"\x7f", *[N] * 9),
    "a slice": code(b":NNN", *[N] * 9),
    "a flagged None": code(b"\xce", *[N] * 9),
    "a flagged reference": code(b"\xf2\0\0\0\0", *[N] * 9),
    "a reference to nothing": code(b"r\x09\0\0\0", *[N] * 9),
    "a reference to what holds it": code(b"r\0\0\0\0", *[N] * 9),
    "a tuple of itself": code(b"\xa9\x01r\x01\0\0\0", *[N] * 9),
    "a tuple of four thousand millions": code(b"(\xff\xff\xff\xff", *[N] * 9),
    "a text of four thousand millions": code(b"u\xff\xff\xff\xff", *[N] * 9),
    "a number with no digits": code(b"l\0\0\0\0", *[N] * 9),
    "a number with a zero in front": code(b"l\x02\0\0\0\x01\0\0\0", *[N] * 9),
    "a digit too large": code(b"l\x01\0\0\0\xff\xff", *[N] * 9),
    "tuples in tuples": code(b")\x01" * 200 + N, *[N] * 9),
    "tuples without end": code(b")\x01" * 100_000, *[N] * 9),
    "code in code": b"\xe3" + PADDING + b"\xe3" * 5000,
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_what_compilers_do_not_write(data):
    with pytest.raises(Malformed):
        read_code(data, 3495)
    assert used(*pair(header(magic=3495) + data, header(magic=3495) + data + b"x")) is None


def test_a_bomb_of_references_is_read_in_one_pass():
    """Each tuple refers twice to the one before: two to the thirtieth objects, if they were counted out."""
    doubled = [b"\xa9\x02NN"]
    doubled += [b"\xa9\x02" + 2 * (b"r" + struct.pack("<L", index)) for index in range(1, 31)]
    tuples = b")" + bytes([len(doubled)]) + b"".join(doubled)
    assert len(read_code(code(tuples, *[N] * 9), 3495)) == 64


def test_no_python_but_the_known():
    assert CODE.keys() == PYTHON.keys()
    assert PYTHON[MAGIC] == f"3{sys.version_info[1]}"
    with pytest.raises(Malformed):
        read_code(ONE, MAGIC + 1)


def test_too_large_to_judge():
    large = header() + code(b"s" + struct.pack("<L", 300_000) + bytes(300_000), *[N] * 9)
    assert used(*pair(large, large + b"x")) is None


def test_the_rule_itself_asks_for_one_source():
    name = f"demo/__pycache__/mod.{TAG}.pyc"
    for sources, expected in (((SOURCE, SOURCE), 1), ((SOURCE, SOURCE.replace(b"1.5", b"1.6")), 0)):
        ours, theirs = map(read_wheel, pair(header() + ONE, header() + OTHER, sources=sources))
        assert len(equate(ours, theirs, name)) == expected
