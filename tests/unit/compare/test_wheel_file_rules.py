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
