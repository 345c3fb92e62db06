"""WHEEL: what its rules equate, and what they must refuse."""

import pytest

from tests.pairs import outcome, release, used
from tests.wheels import DIST_INFO, WHEEL


def test_another_generator():
    for value in (b"setuptools (75.0.1)", b"flit 3.9.0", b"", "Ü".encode(), b"x" * 999):
        theirs = release(wheel=WHEEL.replace(b"setuptools (75.0.0)", value))
        assert used(release(), theirs) == {"generator@1"}
    use = outcome(release(), theirs).comparison.rules[1]
    assert (use.path, use.published) == (f"{DIST_INFO}/WHEEL", "Generator: setuptools (75.0.0)")
    assert use.rebuilt == f"Generator: {'x' * 289}"


OTHER = WHEEL.replace(b"75.0.0", b"75.0.1")
NOT_GENERATOR = {
    "and a tag": OTHER.replace(b"py3", b"py2.py3"),
    "and another tag": OTHER + b"Tag: py2-none-any\n",
    "and no tag": OTHER.replace(b"Tag: py3-none-any\n", b""),
    "and Root-Is-Purelib": OTHER.replace(b"true", b"false"),
    "and Wheel-Version": OTHER.replace(b"1.0", b"1.1"),
    "a tag alone": WHEEL.replace(b"py3", b"py2"),
    "Root-Is-Purelib alone": WHEEL.replace(b"true", b"false"),
    "and Build": OTHER + b"Build: 1\n",
    "the order alone": b"".join(reversed(WHEEL.splitlines(keepends=True))),
    "removed": WHEEL.replace(b"Generator: setuptools (75.0.0)\n", b""),
    "CR behind it": WHEEL.replace(b"(75.0.0)", b"(75.0.0)\rTag: py2-none-any"),
    "CRLF": WHEEL.replace(b"\n", b"\r\n"),
    "a continuation": WHEEL.replace(b"(75.0.0)", b"(75.0.1)\n Tag: py2-none-any"),
    "in its place, another": WHEEL.replace(b"Generator: setuptools (75.0.0)", b"Build: 1"),
    "another name": WHEEL.replace(b"Generator:", b"Generators:"),
    "the fields end there": OTHER.replace(b"(75.0.1)\n", b"(75.0.1)\n\n"),
    "text below": OTHER + b"\nTag: py2-none-any\n",
    "not UTF-8": WHEEL.replace(b"75.0.0", b"\xff"),
}


@pytest.mark.parametrize("wheel", NOT_GENERATOR.values(), ids=NOT_GENERATOR)
def test_more_than_another_generator(wheel):
    assert wheel != WHEEL
    assert used(release(), release(wheel=wheel)) is None


TWO = WHEEL.replace(b"Tag: py3-none-any\n", b"Tag: py2-none-any\nTag: py3-none-any\n")
SWAPPED = WHEEL.replace(b"Tag: py3-none-any\n", b"Tag: py3-none-any\nTag: py2-none-any\n")
FALSE = WHEEL.replace(b"true", b"false")

EQUATED = {
    "order of tags": (TWO, SWAPPED, {"tag-order@1"}),
    "False": (FALSE, FALSE.replace(b"false", b"False"), {"purelib-case@1"}),
    "empty lines": (WHEEL, WHEEL + b"\n", {"wheel-blank-tail@1"}),
    "no line feed": (WHEEL, WHEEL[:-1], {"wheel-blank-tail@1"}),
    "the fields end there": (WHEEL, OTHER + b"\n\n", {"generator@1", "wheel-blank-tail@1"}),
    "all": (
        TWO.replace(b"true", b"false"),
        SWAPPED.replace(b"true", b"False").replace(b"75.0.0", b"1") + b"\n",
        {"tag-order@1", "purelib-case@1", "wheel-blank-tail@1", "generator@1"},
    ),
    "the same text below": (WHEEL + b"\ntext\n", OTHER + b"\ntext\n", {"generator@1"}),
}


@pytest.mark.parametrize(("ours", "theirs", "ids"), EQUATED.values(), ids=EQUATED)
def test_wheel_files_that_say_the_same(ours, theirs, ids):
    assert used(release(wheel=ours), release(wheel=theirs)) == ids


DISTINCT = {
    "True, which uv and installer take for platlib": (WHEEL, WHEEL.replace(b"true", b"True")),
    "False and true": (WHEEL, WHEEL.replace(b"true", b"False")),
    "FALSE": (FALSE, FALSE.replace(b"false", b"FALSE")),
    "spaces around it": (FALSE, FALSE.replace(b"false", b"False ")),
    "another case of its name": (FALSE, FALSE.replace(b"Root-Is-Purelib: false", b"root-is-purelib: False")),
    "Root-Is-Purelib twice": (
        FALSE + b"Root-Is-Purelib: false\n",
        FALSE.replace(b"false", b"False") + b"Root-Is-Purelib: false\n",
    ),
    "a tag twice": (TWO + b"Tag: py3-none-any\n", SWAPPED + b"Tag: py3-none-any\n"),
    "one tag for another": (TWO, SWAPPED.replace(b"py2", b"cp27")),
    "a tag less": (TWO, WHEEL),
    "tags elsewhere": (TWO, b"Tag: py2-none-any\n" + WHEEL),
    "other fields in another order": (
        WHEEL,
        WHEEL.replace(b"Wheel-Version: 1.0\n", b"") + b"Wheel-Version: 1.0\n",
    ),
    "Wheel-Version": (WHEEL, WHEEL.replace(b"1.0\nG", b"1.9\nG")),
    "Build": (WHEEL, WHEEL + b"Build: 1\n"),
    "another Build": (WHEEL + b"Build: 2\n", WHEEL + b"Build: 1\n"),
    "Generator twice": (WHEEL + b"Generator: a\n", OTHER + b"Generator: a\n"),
    "text below the empty line": (WHEEL + b"\n", WHEEL + b"\nTag: py2-none-any\n"),
    "spaces below": (WHEEL + b"\n", WHEEL + b"\n \n"),
    "CRLF on both sides": (WHEEL.replace(b"\n", b"\r\n"), OTHER.replace(b"\n", b"\r\n")),
}


@pytest.mark.parametrize(("ours", "theirs"), DISTINCT.values(), ids=DISTINCT)
def test_wheel_files_that_do_not_say_the_same(ours, theirs):
    assert ours != theirs
    assert used(release(wheel=ours), release(wheel=theirs)) is None
