"""The strongest level at which two wheels are equal; what differs, if none."""

import zlib
from dataclasses import replace

import pytest

from tests.wheels import (
    ABOUT,
    DIST_INFO,
    FILES,
    PAYLOAD,
    WINDOWS,
    File,
    deflated,
    directory,
    dos,
    wheel_of,
    with_file,
    zip_of,
)
from witness.compare.ladder import MAX_LISTED, compare
from witness.compare.rules.catalogue import rule_set_id
from witness.wheel.reader import read_wheel

HONEST = wheel_of()
BODY = b"".join(f"value_{n} = {n * n}\n".encode() for n in range(2000))


def outcome(published, rebuilt):
    return compare(read_wheel(published), read_wheel(rebuilt))


def kinds(found):
    return {(difference.path, difference.kind) for difference in found.comparison.differences}


def test_bitwise():
    found = outcome(HONEST, HONEST)
    assert (found.level, found.matches, found.comparison.archive_exact) == ("bitwise", True, True)
    assert found.comparison.rule_set == rule_set_id()
    assert found.comparison.published == found.comparison.rebuilt


LARGE = (*FILES, File("demo/b.py", BODY))
TIME, DATE = dos(2024, 5, 6, 7, 8, 10)
CONTAINERS = {
    "times": zip_of(replace(file, time=TIME, date=DATE) for file in LARGE),
    "order": zip_of(reversed(LARGE)),
    "central order": wheel_of(LARGE[5], order=[5, 4, 3, 2, 1, 0]),
    "modes": zip_of(replace(file, mode=file.mode | 0o066) for file in LARGE),
    "modes of Windows": zip_of((*with_file(0, mode=0o100666, made_by=WINDOWS), LARGE[5])),
    "no modes": zip_of((*with_file(0, mode=0), LARGE[5])),
    "level 1": zip_of(replace(file, level=1) for file in LARGE),
    "level 9": zip_of(replace(file, level=9, flags=2) for file in LARGE),
    "levels that vary": zip_of(replace(file, level=9 - n) for n, file in enumerate(LARGE)),
    "stored": zip_of(replace(file, method=0) for file in LARGE),
    "versions": zip_of(replace(file, version=45, made_by=3 << 8 | 63) for file in LARGE),
    "UTF-8 flag": zip_of(replace(file, flags=0x800) for file in LARGE),
    "directories": zip_of(
        (directory("demo/"), *PAYLOAD, directory(f"{DIST_INFO}/"), *FILES[len(PAYLOAD) :], LARGE[5])
    ),
    "internal attributes": zip_of((*with_file(0, central={"internal": 1}), LARGE[5])),
    "extra fields": zip_of((*with_file(0, extra=b"UT\1\0x", local_extra=b"UT\0\0"), LARGE[5])),
}


@pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
def test_only_the_container_differs(container):
    """And the published bytes follow from the rebuilt members, whichever of the two was published."""
    for published, rebuilt in ((container, zip_of(LARGE)), (zip_of(LARGE), container)):
        found = outcome(published, rebuilt)
        assert (found.level, found.comparison.archive_exact) == ("archive", True)
        assert found.comparison.differences == ()


@pytest.mark.parametrize(
    "packed",
    [
        deflated(BODY, memory=1),
        deflated(BODY, strategy=zlib.Z_HUFFMAN_ONLY),
        deflated(BODY, strategy=zlib.Z_FIXED),
        deflated(BODY, 0),
    ],
    ids=["memory 1", "huffman only", "fixed codes", "level 0"],
)
def test_another_deflate_stream_is_equal_but_not_exact(packed):
    assert packed not in {deflated(BODY, level) for level in range(1, 10)}
    ours, theirs = wheel_of(File("demo/b.py", BODY, packed=packed)), wheel_of(File("demo/b.py", BODY))
    found = outcome(ours, theirs)
    assert (found.level, found.comparison.archive_exact) == ("archive", False)
    # The other way round, ours is zlib's and follows.
    assert outcome(theirs, ours).comparison.archive_exact


@pytest.mark.parametrize("size", [0, 1, 262_143, 262_144, 262_145, 524_288, 700_001])
@pytest.mark.parametrize("level", [1, 6, 9])
def test_deflate_streams_of_any_size_are_found_again(size, level):
    content = (BODY * (size // len(BODY) + 1))[:size]
    published = wheel_of(File("demo/b.py", content, level=level))
    assert outcome(published, wheel_of(File("demo/b.py", content, method=0))).comparison.archive_exact


MISMATCHES = [
    ({"content": b"x = 2\n" * 40}, {("demo/__init__.py", "content")}),
    ({"content": b"x = 1\n" * 39}, {("demo/__init__.py", "content")}),
    ({"mode": 0o100755}, {("demo/__init__.py", "executable-bit")}),
    ({"mode": 0o100645}, {("demo/__init__.py", "executable-bit")}),
    (
        {"name": "demo/Init.py"},
        {("demo/__init__.py", "only-in-published"), ("demo/Init.py", "only-in-rebuilt")},
    ),
]


@pytest.mark.parametrize(("change", "expected"), MISMATCHES)
def test_mismatches(change, expected):
    found = outcome(HONEST, zip_of(with_file(0, **change)))
    assert (found.level, found.matches, found.comparison.archive_exact) == (None, False, False)
    assert kinds(found) == expected
    assert found.comparison.differences_total == len(expected)
    assert found.comparison.published != found.comparison.rebuilt


@pytest.mark.parametrize("index", range(len(ABOUT)))
def test_dist_info_differs(index):
    changed = zip_of(with_file(len(PAYLOAD) + index, content=b"other"))
    found = outcome(HONEST, changed)
    assert kinds(found) == {(ABOUT[index].name, "content")}
    assert found.comparison.published.payload_digest == found.comparison.rebuilt.payload_digest


FINDINGS = {
    "comment": (wheel_of(comment=b"x"), ("", "archive-comment")),
    "hidden": (wheel_of(gap=b"hidden"), ("", "hidden-bytes")),
    "descriptor": (
        zip_of(with_file(0, local={"time": 1})),
        ("demo/__init__.py", "local-header-differs"),
    ),
    # pip and uv disagree about these two, and about whether `evil` can be imported.
    "exec without type": (zip_of(with_file(1, mode=0o755)), ("demo/run.sh", "ambiguous-executable")),
    "exec on Windows": (zip_of(with_file(1, made_by=WINDOWS)), ("demo/run.sh", "ambiguous-executable")),
    "empty directory": (wheel_of(directory("evil/")), ("evil/", "empty-directory")),
    "version": (zip_of(with_file(0, version=99)), ("demo/__init__.py", "unknown-version")),
}


@pytest.mark.parametrize(("data", "finding"), FINDINGS.values(), ids=FINDINGS)
def test_a_wheel_with_findings_equals_its_own_bytes_alone(data, finding):
    path, kind = finding
    assert outcome(data, data).level == "bitwise"
    assert (path, f"published-{kind}") in kinds(outcome(data, HONEST))
    assert (path, f"rebuilt-{kind}") in kinds(outcome(HONEST, data))
    moved = zip_of(replace(file, time=TIME) for file in FILES)
    assert not outcome(data, moved).matches


def test_long_lists_are_cut_but_counted():
    many = [File(f"demo/f{n:03}", b"") for n in range(MAX_LISTED + 50)]
    found = outcome(wheel_of(*many), HONEST)
    assert len(found.comparison.differences) == MAX_LISTED
    assert found.comparison.differences_total == MAX_LISTED + 50


def test_long_names_are_cut():
    name = "demo/" + "x" * 600
    (difference,) = outcome(wheel_of(File(name)), HONEST).comparison.differences
    assert difference.path == name[:299] + "…"
