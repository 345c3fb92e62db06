"""One row of the eras at a time, with its evidence and without."""

from dataclasses import replace

import pytest

from rebuilders.facts.wheel import wheel_facts
from rebuilders.plan.eras import SETUPTOOLS, setuptools_eras
from tests.wheels import DIST_INFO, METADATA, File, wheel_of
from witness.wheel.reader import read_wheel

FACTS = wheel_facts(read_wheel(wheel_of()))


def facts(*, metadata=METADATA, entry_points="", headers=None, more=()):
    made = wheel_facts(read_wheel(wheel_of(*more)))
    text = metadata.decode()
    parsed = tuple(line.split(": ", 1) for line in text.split("\n\n")[0].splitlines())
    return replace(made, metadata=text, headers=tuple(map(tuple, parsed)), entry_points=entry_points)


PLATFORM = METADATA + b"Platform: any\n"  # so that the row about none stays silent
LICENSE = (File(f"{DIST_INFO}/LICENSE.txt", b"x"),)

SEEN = {
    "METADATA names the license files": facts(metadata=PLATFORM + b"License-File: X\n"),
    "license files that METADATA does not name": facts(metadata=PLATFORM, more=LICENSE),
    "METADATA says Platform: UNKNOWN": facts(metadata=METADATA + b"Platform: UNKNOWN\n"),
    "METADATA ends with two empty lines": facts(metadata=PLATFORM + b"\nx\n\n\n"),
    "METADATA has no Platform": facts(),
    "entry_points.txt ends with an empty line": facts(metadata=PLATFORM, entry_points="[a]\nb = c:d\n\n"),
}


@pytest.mark.parametrize("era", SETUPTOOLS, ids=lambda era: era.observed)
def test_each_row_with_its_evidence(era):
    assert list(setuptools_eras(SEEN[era.observed])) == [era]


@pytest.mark.parametrize("era", SETUPTOOLS, ids=lambda era: era.observed)
def test_each_row_without(era):
    others = [found for observed, found in SEEN.items() if observed != era.observed]
    assert not any(era.seen(found) for found in others)


@pytest.mark.parametrize(
    "name", ["LICENSE", "license.md", "COPYING", "NOTICE", "AUTHORS.rst", "licenses/LICENCE"]
)
def test_license_files(name):
    found = facts(metadata=PLATFORM, more=(File(f"{DIST_INFO}/{name}", b"x"),))
    assert [era.constraint for era in setuptools_eras(found)] == ["setuptools<57.0.0"]
    elsewhere = facts(metadata=PLATFORM, more=(File(f"demo/{name}", b"x"),))
    assert list(setuptools_eras(elsewhere)) == []


@pytest.mark.parametrize(
    ("tail", "lines"),
    [(b"", 0), (b"\n", 1), (b"\n\n", 2), (b"\nx", -1), (b"\nx\n\n", 1), (b"\nx\n\n\n", 2)],
)
def test_empty_lines_at_the_end_whatever_they_end_with(tail, lines):
    for text in (METADATA + tail, (METADATA + tail).replace(b"\n", b"\r\n")):
        assert facts(metadata=text).blank_tail == lines


def test_entry_points_of_windows():
    found = facts(metadata=PLATFORM, entry_points="[a]\r\nb = c:d\r\n\r\n")
    assert [era.constraint for era in setuptools_eras(found)] == ["setuptools<60.9.3"]


def test_a_constraint_is_told_once():
    both = facts(metadata=METADATA + b"Platform: UNKNOWN\n\nx\n\n\n")
    assert [era.constraint for era in setuptools_eras(both)] == ["setuptools<62.2.0"]
