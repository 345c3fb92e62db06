"""One fault each. A file that cannot be read is Malformed; one that readers may disagree about has a finding."""

import struct
import tracemalloc
import unicodedata
import zlib
from dataclasses import replace

import pytest

from tests.wheels import (
    ABOUT,
    DIST_INFO,
    FILES,
    METADATA,
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
from witness.errors import Malformed
from witness.limits import ArchiveLimits
from witness.wheel.archive import read_archive
from witness.wheel.entry import DEFLATED, STORED
from witness.wheel.reader import read_wheel

TEXT = b"some content, some content\n"
PACKED = deflated(TEXT)
TIMESTAMP = struct.pack("<HHBL", 0x5455, 5, 1, 1_600_000_000)
RENAMING = struct.pack("<HHB", 0x7075, 5, 1) + bytes(4)
SIZES = struct.pack("<LLL", zlib.crc32(TEXT), len(PACKED), len(TEXT))
DESCRIPTOR = b"PK\x07\x08" + SIZES


def findings(data):
    return {(finding.path, finding.kind) for finding in read_wheel(data).findings}


def test_an_honest_wheel_has_no_findings():
    wheel = read_wheel(wheel_of())
    assert wheel.findings == ()
    assert wheel.dist_info == DIST_INFO
    assert list(wheel.members) == [file.name for file in FILES]
    assert [path for path, member in wheel.members.items() if member.executable] == ["demo/run.sh"]
    assert wheel.read(f"{DIST_INFO}/METADATA") == METADATA


@pytest.mark.parametrize(
    "harmless",
    [
        File("demo/a.py", TEXT, method=STORED),
        File("demo/a.py", TEXT, level=9, flags=2),
        File("demo/a.py", TEXT, extra=TIMESTAMP, local_extra=TIMESTAMP),
        File("demo/a.py", TEXT, extra=struct.pack("<HH", 0x7875, 0)),
        File("demo/a.py", TEXT, mode=0o644),
        File("demo/a.py", TEXT, mode=0, made_by=WINDOWS, attributes=0x20),
        File("demo/a.py", TEXT, mode=0o100666, made_by=WINDOWS),
        File("demo/a.py", TEXT, version=63, made_by=3 << 8 | 63),
        File("demo/é.py", TEXT, flags=0x800),
        File("demo/a.py", TEXT, flags=0x800),
        File("demo/with space, comma.txt", TEXT),
        File("demo/empty", b""),
        File("demo/empty", b"", method=STORED),
        directory("demo/"),
        directory("demo/", mode=0, made_by=WINDOWS),
    ],
    ids=repr,
)
def test_what_honest_tools_write_is_no_finding(harmless):
    assert findings(wheel_of(harmless)) == set()


@pytest.mark.parametrize(
    ("layout", "kind"),
    [
        ({"comment": b"hello"}, "archive-comment"),
        ({"tail": b"x"}, "trailing-bytes"),
        ({"comment": b"hello", "end": {"comment": 4}}, "trailing-bytes"),
        ({"end": {"comment": 3}}, "trailing-bytes"),
        ({"gap": b"hidden"}, "hidden-bytes"),
        ({"behind_central": b"hidden"}, "displaced-central-directory"),
        ({"end": {"disk": 1}}, "several-disks"),
        ({"end": {"start_disk": 1}}, "several-disks"),
        ({"end": {"here": 4}}, "several-disks"),
    ],
    ids=str,
)
def test_findings_of_the_archive(layout, kind):
    assert ("", kind) in findings(wheel_of(**layout))


def polyglot():
    """Another archive, whose comment is the honest wheel: a reader that searches forward takes the first end record."""

    def made(comment):
        other = zip_of([File("other.py", TEXT)], end={"comment": comment})
        return len(other), zip_of((replace(FILES[0], before=other), *FILES[1:]))

    size, data = made(0)
    return made(len(data) - size)[1]


def test_several_end_records():
    assert findings(polyglot()) == {("", "several-end-records"), ("demo/__init__.py", "hidden-bytes")}
    comment = wheel_of(comment=zip_of(()))  # the last record is of an empty archive
    assert {finding.kind for finding in read_archive(comment).findings} >= {"several-end-records"}


def test_an_archive_within_a_member_is_none():
    assert findings(wheel_of(File("demo/nested.zip", wheel_of(), method=STORED))) == set()


MEMBER_FAULTS = {
    "data-descriptor": [{"flags": 8, "after": DESCRIPTOR}, {"flags": 8, "after": SIZES}],
    "member-comment": [{"comment": b"hello"}],
    "unknown-flags": [{"flags": 0x20}, {"flags": 0x40}, {"flags": 0x2000}, {"flags": 0x10}],
    "unknown-version": [{"version": 64}, {"version": 0x0114}],
    "several-disks": [{"central": {"disk": 1}}, {"central": {"disk": 0xFFFF}}],
    "unknown-extra-field": [
        {"extra": RENAMING},
        {"local_extra": RENAMING},
        {"extra": struct.pack("<HHQ", 1, 8, 3)},
        {"extra": b"UT"},
        {"extra": struct.pack("<HH", 0x5455, 9)},
        {"extra": TIMESTAMP + b"\0"},
        {"extra": TIMESTAMP * 2},
        {"extra": struct.pack("<HH", 0x5455, 14) + bytes(14)},
        {"local_extra": struct.pack("<HH", 0x7875, 20) + bytes(20)},
        {"local_extra": TIMESTAMP + struct.pack("<HH", 0xCAFE, 0)},
    ],
    "special-file": [
        {"mode": 0o120666},
        {"mode": 0o120644},
        {"mode": 0o020644},
        {"mode": 0o040644},
        {"mode": 0o010644},
        {"mode": 0o140644},
        {"attributes": 0x10},
        {"attributes": 0x08},
    ],
    "special-mode": [{"mode": 0o104644}, {"mode": 0o102644}, {"mode": 0o101644}, {"mode": 0o4644}],
    "ambiguous-executable": [
        {"mode": 0o755},
        {"mode": 0o100755, "made_by": WINDOWS},
        {"mode": 0o001},
        {"mode": 0o100010, "made_by": 19 << 8},
    ],
    "local-header-differs": [
        {"local": {"name": b"demo/b.py"}},
        {"local": {"name": b"demo/A.py"}},
        {"local": {"size": len(TEXT) + 1}},
        {"local": {"packed": len(PACKED) + 1}},
        {"local": {"packed": 0}},
        {"local": {"crc": 0}},
        {"local": {"method": STORED}},
        {"local": {"time": 99}},
        {"local": {"date": 99}},
        {"local": {"version": 10}},
        {"local": {"flags": 0x800}},
        {"local": {"flags": 8}},
    ],
    "hidden-bytes": [{"before": b"hidden"}, {"before": b"PK\x03\x04" + bytes(26)}, {"after": b"x"}],
    "name-without-utf8-flag": [{"raw": "demo/é.py".encode()}, {"raw": b"demo/\x81.py"}],
}


@pytest.mark.parametrize(
    ("kind", "changes"),
    [(kind, changes) for kind, all_changes in MEMBER_FAULTS.items() for changes in all_changes],
    ids=str,
)
def test_findings_of_a_member(kind, changes):
    file = replace(File("demo/a.py", TEXT), **changes)
    # In front of the others, so that what follows it is a member.
    found = findings(zip_of((file, *FILES)))
    assert {kind for _, kind in found} == {kind}


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd", "../demo.py", "demo/../../x.py", "demo/..", "./demo.py", "demo/./x.py", "demo//x.py", "", "/",
        "demo\\x.py", "C:x.py", "demo/x.py:stream", "demo/x?.py", "demo/x*.py", 'demo/".py', "demo/<x>.py", "demo/a|b",
        "demo/x\n.py", "demo/x\0.py", "demo/x\x1b[2J.py", "demo/x\x7f.py", "demo/x\x9b.py",
        "demo/x\u202eyp.exe", "demo/x\u200b.py", "demo/x\u2028.py", "demo/x\ufeff.py", "demo/x\U000e0041.py",
        "demo/x.py ", "demo/x.py.", "demo /x.py", "demo./x.py", "demo/\u0378.py",
    ],
)  # fmt: skip
def test_unsafe_names(name):
    assert (name, "unsafe-name") in findings(wheel_of(File(name, TEXT, flags=0x800)))


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("demo/a.py", "demo/a.py", "duplicate-name"),
        ("demo/a.py", "demo/A.py", "colliding-name"),
        ("demo/é.py", unicodedata.normalize("NFD", "demo/é.py"), "colliding-name"),
        ("demo/ß.py", "demo/SS.py", "colliding-name"),
        ("demo/a", "demo/a/b.py", "colliding-name"),
        ("demo/a/b/c.py", "demo/a", "colliding-name"),
        ("demo/A", "demo/a/b.py", "colliding-name"),
        ("demo/\ufb01.py", "demo/fi.py", "colliding-name"),  # NFKC
        ("demo/\u24b6.py", "demo/a.py", "colliding-name"),
        ("Extra/a.py", "extra/b.py", "colliding-name"),  # of the directories, the first is made
        ("a/Sub/x.py", "a/sub/y/z.py", "colliding-name"),
        ("demo/a", "demo/a-b/c.py", None),
        ("demo/a.py", "demo/a/b.py", None),
        ("demo/a", "demo/ab", None),
    ],
)
def test_names_that_collide(one, other, kind):
    files = [File(name, name.encode(), flags=0x800) for name in (one, other)]
    for order in (files, files[::-1]):
        kinds = {kind for _, kind in findings(wheel_of(*order))}
        assert kinds == ({kind} if kind else set())


def test_a_file_and_a_directory_of_one_name():
    found = findings(wheel_of(File("demo/a", TEXT), directory("demo/a/")))
    assert ("demo/a/", "colliding-name") in found


@pytest.mark.parametrize("content", [{"content": TEXT}, {"packed": b"x"}, {"crc": 7}], ids=str)
def test_a_directory_holds_nothing(content):
    assert ("demo/", "directory-with-content") in findings(wheel_of(directory("demo/", **content)))


@pytest.mark.parametrize("mode", [0o100644, 0o120777])
def test_a_directory_is_no_other_kind_of_file(mode):
    assert findings(wheel_of(directory("demo/", mode=mode))) == {("demo/", "special-file")}


@pytest.mark.parametrize("name", ["other/", "demo/sub/", "evil-1.0.dist-info/", "demo-1.0.data/"])
def test_an_empty_directory_is_seen_by_some_installers_only(name):
    assert findings(wheel_of(directory(name))) == {(name, "empty-directory")}


def test_directories_of_directories_are_empty_too():
    found = findings(wheel_of(directory("demo/"), directory("a/"), directory("a/b/")))
    assert found == {("a/", "empty-directory"), ("a/b/", "empty-directory")}


def test_overlapping_members():
    """Two names for one member's bytes: half of a ZIP bomb."""
    first, second = File("demo/a.py", TEXT), File("demo/a.py", TEXT, central={"offset": 0})
    kinds = {kind for _, kind in findings(zip_of((first, replace(second, name="demo/a.py"), *FILES)))}
    assert "overlapping-members" in kinds


def test_prepended_bytes_that_offsets_account_for():
    shifted = zip_of((replace(FILES[0], before=b"#!/bin/sh\n"), *FILES[1:]))
    assert findings(shifted) == {("demo/__init__.py", "hidden-bytes")}


def test_prepended_bytes_that_offsets_do_not_account_for():
    with pytest.raises(Malformed, match="holds something that is not a header"):
        read_wheel(wheel_of(prefix=b"#!/bin/sh\n"))


def test_findings_of_what_cannot_be_unpacked():
    """They come from the structure alone, so that it can be shown even where the content cannot be read."""
    data = wheel_of(File("demo/a.py", TEXT, method=12, packed=b"x"), File("b", TEXT, method=STORED, size=1))
    kinds = {(finding.path, finding.kind) for finding in read_archive(data).findings}
    assert kinds == {("demo/a.py", "unsupported-compression"), ("b", "stored-size")}


LOCATOR = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
MALFORMED = [
    (b"", "no end of central directory"),
    (b"PK", "no end of central directory"),
    (b"PK\x05\x06" + bytes(17), "no end of central directory"),
    (wheel_of()[:-1], "no end of central directory"),
    (wheel_of() + bytes(70_000), "no end of central directory"),
    (zip_of(()), r"0 \.dist-info"),
    (zip_of(PAYLOAD), r"0 \.dist-info"),
    (wheel_of(File("other-1.0.dist-info/WHEEL", TEXT)), r"2 \.dist-info"),
    (zip_of([File("demo/demo-1.0.dist-info/WHEEL", TEXT)]), r"0 \.dist-info"),
    (zip_of([directory("demo-1.0.dist-info/")]), r"0 \.dist-info"),
    (wheel_of(behind_central=LOCATOR), "ZIP64 archive"),
    (wheel_of(end={"size": 0xFFFFFFFF}), "ZIP64 archive"),
    (wheel_of(end={"start": 0xFFFFFFFF}), "ZIP64 archive"),
    (wheel_of(end={"count": 0xFFFF, "here": 0xFFFF}), "ZIP64 archive"),
    (wheel_of(end={"count": 6}), "shorter than its count"),
    (wheel_of(end={"count": 4, "here": 4}), "longer than its members"),
    (wheel_of(end={"count": 0, "here": 0}), "longer than its members"),
    (wheel_of(end={"size": 1 << 20}), "does not fit into the file"),
    (wheel_of(end={"start": 3, "size": 300}), "something that is not a header"),
    (zip_of(with_file(0, flags=1)), "encrypted"),
    (zip_of(with_file(0, central={"size": 0xFFFFFFFF})), "ZIP64 member"),
    (zip_of(with_file(0, central={"packed": 0xFFFFFFFF})), "ZIP64 member"),
    (zip_of(with_file(0, central={"offset": 0xFFFFFFFF})), "ZIP64 member"),
    (zip_of(with_file(0, central={"offset": 1})), "no local header"),
    (zip_of(with_file(0, central={"offset": 1 << 30})), "no local header"),
    (zip_of(with_file(4, central={"packed": 1 << 20})), "does not fit into the file"),
    (zip_of(with_file(0, raw=b"demo/\xff.py", flags=0x800)), "not the UTF-8 it claims"),
    (zip_of(with_file(0, raw=b"demo/\xed\xa0\x80.py", flags=0x800)), "not the UTF-8 it claims"),
    *[(zip_of(with_file(0, method=m, packed=b"x")), f"method {m} ") for m in (1, 9, 12, 14, 93, 99)],
    (zip_of(with_file(0, size=239)), "more than its declared size"),
    (zip_of(with_file(0, size=0)), "more than its declared size"),
    (zip_of(with_file(0, size=241)), "not what its size and CRC-32"),
    (zip_of(with_file(0, crc=1)), "not what its size and CRC-32"),
    (zip_of(with_file(0, method=STORED, crc=1)), "not what its size and CRC-32"),
    (zip_of(with_file(0, method=STORED, size=239)), "not what its size and CRC-32"),
    (zip_of(with_file(0, packed=PACKED + b"x", content=TEXT)), "bytes after the end"),
    (zip_of(with_file(0, packed=PACKED + bytes(600_000), content=TEXT)), "bytes after the end"),
    (zip_of(with_file(0, packed=PACKED[:-1], content=TEXT)), "cut short"),
    (zip_of(with_file(0, packed=b"", content=b"")), "cut short"),
    (zip_of(with_file(0, packed=b"\xff\xff\xff", content=TEXT)), "damaged content"),
    (zip_of(with_file(0, packed=zlib.compress(TEXT), content=TEXT)), "damaged content"),
]


@pytest.mark.parametrize(("data", "message"), MALFORMED)
def test_what_cannot_be_read(data, message):
    with pytest.raises(Malformed, match=message):
        read_wheel(data)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (ArchiveLimits(file=100), "more than the 100 allowed"),
        (ArchiveLimits(members=4), "5 members, more than the 4"),
        (ArchiveLimits(member=239), "'demo/__init__.py' has 240 bytes, more than the 239"),
        (ArchiveLimits(total=300), "unpacks to .* more than the 300"),
        (ArchiveLimits(name=20), "name of .* bytes, more than the 20"),
    ],
    ids=str,
)
def test_limits(limits, message):
    with pytest.raises(Malformed, match=message):
        read_wheel(wheel_of(), limits)


def test_what_unpacks_to_much_more_than_its_size_is_refused_once_it_is_large():
    file = File("demo/zeros", bytes(3000))
    limits = ArchiveLimits(small=2000, ratio=2)
    with pytest.raises(Malformed, match=r"unpacks to .* more than the"):
        read_wheel(wheel_of(file), limits)
    assert read_wheel(wheel_of(file), replace(limits, ratio=4)).findings == ()
    assert read_wheel(wheel_of(file), replace(limits, small=4000)).findings == ()


def test_members_that_share_their_bytes_are_not_read_once_for_each():
    """Each is read in a moment, and a hundred thousand of them in a day."""
    first = File("demo/a", b"", packed=deflated(b"")[:-2] + b"\0\0\0\xff\xff" * 1000 + deflated(b""))
    others = [
        replace(first, name=f"demo/{n}", packed=b"", central={"offset": 0, "packed": 5002}) for n in range(9)
    ]
    with pytest.raises(Malformed, match="share their bytes"):
        read_wheel(zip_of((first, *others, *FILES)))


def test_a_central_directory_is_bounded():
    with pytest.raises(Malformed, match=r"central directory of .* more than the 100"):
        read_wheel(wheel_of(), ArchiveLimits(central=100))


def test_deep_names_take_memory_in_proportion():
    deep = [File(f"{n}/" + "a/" * 500 + "b", b"") for n in range(1000)]
    data = wheel_of(*deep)
    tracemalloc.start()
    try:
        assert findings(data) == set()
        assert tracemalloc.get_traced_memory()[1] < 10 * len(data)
    finally:
        tracemalloc.stop()


def test_limits_allow_what_reaches_them():
    data = wheel_of()
    total = sum(len(file.content) for file in FILES)
    name = max(len(file.name) for file in FILES)
    limits = ArchiveLimits(
        file=len(data), members=5, member=max(len(file.content) for file in FILES), total=total, name=name
    )
    assert read_wheel(data, limits).findings == ()


def test_a_bomb_is_left_as_soon_as_it_is_larger_than_declared():
    bomb = zip_of((File("demo/bomb", packed=deflated(bytes(64 << 20)), size=1000, crc=0), *ABOUT))
    tracemalloc.start()
    try:
        with pytest.raises(Malformed, match="more than its declared size"):
            read_wheel(bomb)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("size", [0, 1, 262_143, 262_144, 262_145, 600_000])
@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_contents_of_any_size_are_read_whole(size, method):
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    wheel = read_wheel(wheel_of(File("demo/data", content, method=method)))
    assert wheel.read("demo/data") == content
    assert wheel.members["demo/data"].size == size


@pytest.mark.parametrize(
    ("path", "limit", "message"),
    [("demo/none.py", 999, "has no"), ("demo/", 999, "has no"), ("demo/__init__.py", 10, "more than the 10")],
)
def test_reading_a_member_is_bounded(path, limit, message):
    wheel = read_wheel(wheel_of(directory("demo/")))
    with pytest.raises(Malformed, match=message):
        wheel.read(path, limit=limit)


def test_moments_are_as_written():
    time, date = dos(2021, 12, 31, 23, 59, 58)
    (entry, *_) = read_archive(zip_of([File("a", time=time, date=date)])).entries
    assert entry.moment == (2021, 12, 31, 23, 59, 58)
    (entry, *_) = read_archive(zip_of([File("a", time=0xFFFF, date=0xFFFF)])).entries
    assert entry.moment == (2107, 15, 31, 31, 63, 62)
