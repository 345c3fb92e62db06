"""CRLF and LF: where they are equal, and where something else hides behind them."""
# ruff: noqa: E501 - a row of a table is a line

import ast
from dataclasses import replace

import pytest

from tests.pairs import level, release, used
from tests.wheels import DIST_INFO, PAYLOAD, File, recorded, zip_of

SOURCE = b'"""About."""\nx = """a\n\tb\n"""\ny = (1 +\n     2)\nz = "q\\\n"\n'


def sources(ours, theirs, *, name="demo/mod.py", mode=0o100644):
    return [release(payload=(*PAYLOAD, File(name, content, mode=mode))) for content in (ours, theirs)]


def crlf(content):
    return content.replace(b"\n", b"\r\n")


ALIKE = {
    "a module": (SOURCE, crlf(SOURCE)),
    "one line": (SOURCE, SOURCE.replace(b"\n", b"\r\n", 1)),
    "other lines": (SOURCE.replace(b"x =", b"x ="), SOURCE.replace(b"+\n", b"+\r\n")),
    "a declared encoding": (b"# -*- coding: utf-8 -*-\nx = '\xc3\xa9'\n", b"# -*- coding: utf-8 -*-\r\nx = '\xc3\xa9'\r\n"),
    "Latin-1": (b"#!/x\n# vim: set fileencoding=latin-1\n'\xe9'\n", crlf(b"#!/x\n# vim: set fileencoding=latin-1\n'\xe9'\n")),
    "a byte order mark": (b"\xef\xbb\xbfx = 1\n", b"\xef\xbb\xbfx = 1\r\n"),
    "not Python, and so for all": (b"print 'x'\n", b"print 'x'\r\n"),
}  # fmt: skip


@pytest.mark.parametrize(("ours", "theirs"), ALIKE.values(), ids=ALIKE)
def test_source_that_is_one_program(ours, theirs):
    assert used(*sources(ours, theirs)) == {"source-line-ends@1"}
    assert level(*sources(ours, theirs)) == "content"
    assert tree(ours) == tree(theirs)


def tree(content):
    try:
        return ast.dump(ast.parse(content))
    except SyntaxError:
        return None


@pytest.mark.parametrize(
    "name",
    [
        "demo.py",
        "demo/stub.pyi",
        "demo-1.0.data/purelib/a.py",
        "demo-1.0.data/platlib/b/a.py",
        "demo.data.py",
    ],
)
def test_source_is_where_it_can_be_imported(name):
    assert used(*sources(b"x\n", b"x\r\n", name=name)) == {"source-line-ends@1"}


@pytest.mark.parametrize(
    "name",
    ["demo-1.0.data/scripts/run.py", "demo-1.0.data/data/bin/run.py", "demo-1.0.data/headers/x.py", "demo-1.0.data/x.py",
     f"{DIST_INFO}/x.py", "demo/x.sh", "demo/x.txt", "demo/x.PY", "demo/x.pyx", "demo/py", "demo/x.pth", "x.pth", "x.PTH",
     "demo/py.typed"],
)  # fmt: skip
def test_others_are_no_source(name):
    assert used(*sources(b"x\n", b"x\r\n", name=name)) is None


DIFFERENT = {
    "another program": (b"x = 1\n", b"x = 2\r\n"),
    "a line more": (b"x = 1\n", b"x = 1\r\n\r\n"),
    "no line end at the end": (b"x = 1\n", b"x = 1"),
    "a space": (b"x = 1\n", b"x = 1 \r\n"),
    "a lone CR ends a comment": (b"# x\ry = 1\n", b"# x\ry = 1\r\n"),
    "CR CR LF": (b"# x\r\n", b"# x\r\r\n"),
    "CR for LF": (b"x\ny\n", b"x\ry\n"),
    "an escape in place of the line end": (b"x = 'a\\\nb'\n", b"x = 'a\\r\\nb'\r\n"),
    "form feed": (b"\x0cx = 1\n", b"\x0cx = 1\r\n"),
    "vertical tab": (b"x = 1\x0b\n", b"x = 1\x0b\r\n"),
    "NUL": (b"x = 1\n\0evil\n", b"x = 1\r\n\0evil\r\n"),
    "the end of a file of DOS": (b"x = 1\n\x1aevil\n", b"x = 1\r\n\x1aevil\r\n"),
    "UTF-7, in which letters are a CR": (b"# coding: utf-7\n'+AA0-\n'\n", b"# coding: utf-7\n'+AA0-\r\n'\n"),
    "unicode_escape": (b"# coding: unicode_escape\n#\\r\n", b"# coding: unicode_escape\n#\\r\r\n"),
    "UTF-16": (b"# coding: utf-16\nx\n", b"# coding: utf-16\nx\r\n"),
    "Shift JIS": (b"# coding: shift_jis\nx\n", b"# coding: shift_jis\nx\r\n"),
    "an unknown encoding": (b"# coding: evil\nx\n", b"# coding: evil\nx\r\n"),
    "in the second line": (b"#\n# coding=utf-7\nx\n", b"#\r\n# coding=utf-7\r\nx\r\n"),
    "two declarations": (b"# coding: utf-8\n# coding: latin-1\n", b"# coding: utf-8\r\n# coding: latin-1\r\n"),
    "another declaration": (b"# coding: utf-8\n", b"# coding: latin-1\r\n"),
    "a mark of UTF-8 beside Latin-1": (b"\xef\xbb\xbf# coding: latin-1\n", b"\xef\xbb\xbf# coding: latin-1\r\n"),
    "a byte order mark more": (b"x\n", b"\xef\xbb\xbfx\r\n"),
    "not UTF-8": (b"'\xff'\n", b"'\xff'\r\n"),
    "not ASCII, as it says": (b"# coding: ascii\n'\xc3\xa9'\n", b"# coding: ascii\r\n'\xc3\xa9'\r\n"),
}  # fmt: skip


@pytest.mark.parametrize(("ours", "theirs"), DIFFERENT.values(), ids=DIFFERENT)
def test_source_that_may_be_two_programs(ours, theirs):
    assert used(*sources(ours, theirs)) is None


def test_an_executable_has_no_other_line_ends():
    assert used(*sources(b"#!/bin/sh\n", b"#!/bin/sh\r\n", mode=0o100755)) is None
    assert used(*sources(b"#!/bin/sh\n", b"#!/bin/sh\r\n")) == {"source-line-ends@1"}


@pytest.mark.parametrize("name", ["demo/__pycache__/mod.cpython-311.pyc", "demo/mod.pyo", "other/x.PYC"])
def test_no_source_beside_compiled_modules(name):
    """Whose header says the size of one of the two: Python would run them for one wheel and not for the other."""
    pair = [
        release(payload=(*PAYLOAD, File("demo/mod.py", text), File(name, b"x")))
        for text in (b"x\n", b"x\r\n")
    ]
    assert used(*pair) is None


def test_nothing_beside_the_line_ends_is_equated():
    ours, theirs = sources(b"x\n", b"x\r\n")
    assert used(ours, release(payload=(*PAYLOAD, File("demo/mod.py", b"x\r\n", mode=0o100755)))) is None
    assert (
        used(ours, release(payload=(*PAYLOAD, File("demo/mod.py", b"x\r\n"), File("demo/more.py")))) is None
    )
    assert used(ours, release(payload=(PAYLOAD[0], File("demo/mod.py", b"x\r\n")))) is None
    assert theirs


@pytest.mark.parametrize(
    "name",
    ["LICENSE", "LICENSE.txt", "LICENCE", "COPYING.md", "NOTICE", "AUTHORS.rst", "licenses/LICENSE", "licenses/a/b.txt",
     "zip-safe", "not-zip-safe"],
)  # fmt: skip
def test_texts_that_nobody_reads(name):
    pair = [release(about={name: content}) for content in (b"a\x0c\n\xffb\n", b"a\x0c\r\n\xffb\r\n")]
    assert used(*pair) == {"dist-info-line-ends@1"}
    assert level(*pair) == "metadata"


def test_top_level_in_another_line_end():
    assert used(release(), release(tops=b"demo\r\n")) == {"dist-info-line-ends@1"}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(b"a\n", b"b\r\n"), (b"a\n", b"a\r"), (b"a\rb\n", b"a\rb\r\n"), (b"a\n", b"a\r\r\n"), (b"a\n", b"a \r\n"),
     ("a\n".encode("utf-16-le"), "a\r\n".encode("utf-16-le")), (b"\n\0", b"\r\n\0"), (b"", b"\r\n")],
)  # fmt: skip
def test_texts_that_differ_in_more(ours, theirs):
    assert used(*(release(about={"LICENSE": content}) for content in (ours, theirs))) is None


@pytest.mark.parametrize(
    "name", ["x/LICENSE", "license", "licenses", "namespace_packages.txt", "WHEEL.json", "entry_points.txt"]
)
def test_texts_that_somebody_may_read(name):
    assert used(*(release(about={name: content}) for content in (b"a\n", b"a\r\n"))) is None


def test_an_executable_licence():
    plain, odd = (
        recorded_with(content, mode) for content, mode in ((b"a\n", 0o100644), (b"a\r\n", 0o100755))
    )
    assert used(plain, odd) is None
    assert used(recorded_with(b"a\n", 0o100755), odd) is None


def recorded_with(content, mode):
    about = [
        File(f"{DIST_INFO}/{name}", text)
        for name, text in (("METADATA", b"Name: demo\nVersion: 1\n"), ("RECORD", b""))
    ]
    licence = File(f"{DIST_INFO}/LICENSE", content, mode=mode)
    return zip_of(recorded([*map(replace, PAYLOAD), licence, *about]))
