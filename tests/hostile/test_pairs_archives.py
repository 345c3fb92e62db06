"""A published wheel and a rebuilt one, with one fault in one of them: never a false match, and no traceback.

Each row says what is done to the honest wheel, and how the outcome is judged: the level, or None for a mismatch, or
Malformed where it cannot be read as a wheel at all. Each is judged both ways round, since it does not matter who erred.
"""

import io
import struct
import unicodedata
import zipfile
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wheels import (
    ABOUT,
    DIST_INFO,
    FILENAME,
    FILES,
    METADATA,
    PAYLOAD,
    WHEEL,
    WINDOWS,
    File,
    deflated,
    directory,
    recorded,
    wheel_of,
    with_file,
    zip_of,
)
from witness.compare.ladder import compare
from witness.digest import sha256_hex
from witness.errors import Malformed
from witness.names import WheelName
from witness.wheel.reader import read_wheel

HONEST = wheel_of()
TEXT = PAYLOAD[0].content
SCRIPT = 1
ABOUT_AT = len(PAYLOAD)
RENAMED = struct.pack("<HHBL", 0x7075, 14, 1, zlib.crc32(b"demo/__init__.py")) + b"demo/evil.py"[:9]
SIZES = struct.pack("<LLL", zlib.crc32(TEXT), len(deflated(TEXT)), len(TEXT))
LOCATOR = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
EMPTY_BLOCK = b"\0\0\0\xff\xff"


def first(**changes):
    return zip_of(with_file(0, **changes))


def about(name, content):
    """The honest wheel with another `.dist-info/name`, and a RECORD that is true of it."""
    files = (replace(f, content=content) if f.name == f"{DIST_INFO}/{name}" else f for f in FILES)
    return zip_of(recorded(files))


def record(change):
    return zip_of(with_file(len(FILES) - 1, content=change(FILES[-1].content)))


def shadowed(hidden):
    """The honest wheel, behind another one that a reader of local headers would take."""
    return zip_of((replace(FILES[0], before=hidden), *FILES[1:]))


CONTAINER = {
    "prepended script": (b"#!/bin/sh\n" + HONEST, Malformed),
    "prepended, offsets right": (shadowed(b"#!/bin/sh\n"), None),
    "appended byte": (HONEST + b"\0", None),
    "appended archive": (HONEST + zip_of([File("evil.py", b"x")]), Malformed),
    "appended wheel": (HONEST + first(content=b"evil"), Malformed),
    "a whole wheel in front": (shadowed(first(content=b"evil")), None),
    "a hidden local member": (shadowed(File("evil.py", b"x").local_part()), None),
    "a gap before the directory": (wheel_of(gap=b"\0"), None),
    "a gap behind the directory": (wheel_of(behind_central=b"\0"), None),
    "a comment": (wheel_of(comment=b"x"), None),
    "an end record in the comment": (wheel_of(comment=zip_of(())), Malformed),
    "a comment that is longer than said": (wheel_of(comment=b"xy", end={"comment": 1}), None),
    "a comment that is shorter than said": (wheel_of(end={"comment": 9}), None),
    "two disks": (wheel_of(end={"disk": 1}), None),
    "fewer members than listed": (wheel_of(end={"count": 4, "here": 4}), Malformed),
    "more members than listed": (wheel_of(end={"count": 6, "here": 6}), Malformed),
    "fewer members on this disk": (wheel_of(end={"here": 4}), None),
    "ZIP64 locator": (wheel_of(behind_central=LOCATOR), Malformed),
    "ZIP64 count": (wheel_of(end={"count": 0xFFFF, "here": 0xFFFF}), Malformed),
    "ZIP64 sizes in the local header alone": (first(local={"packed": 0xFFFFFFFF, "size": 0xFFFFFFFF}), None),
    "ZIP64 field that contradicts": (first(extra=struct.pack("<HHQ", 1, 8, 3)), None),
    "overlapping members": (
        zip_of((*FILES, File("demo/b.py", TEXT, packed=b"", central={"offset": 0, "packed": 17}))), Malformed),
    "local name": (first(local={"name": b"demo/__evil__.py"}), None),
    "local size": (first(local={"size": 1}), None),
    "local checksum": (first(local={"crc": 1}), None),
    "local method": (first(local={"method": 0}), None),
    "local flags": (first(local={"flags": 0x800}), None),
    "local time": (first(local={"time": 5}), None),
    "data descriptor": (first(flags=8, after=b"PK\x07\x08" + SIZES), None),
    "data descriptor that lies": (first(flags=8, after=b"PK\x07\x08" + bytes(12)), None),
    "encrypted": (first(flags=1), Malformed),
    "strongly encrypted": (first(flags=0x40), None),
    "masked headers": (first(flags=0x2000), None),
    "bzip2": (first(method=12, packed=b"BZh9"), Malformed),
    "Zstandard": (first(method=93, packed=b"x"), Malformed),
    "a method that lies": (first(method=0, packed=deflated(TEXT)), Malformed),
    "a member's comment": (first(comment=b"x"), None),
    "Unicode path": (first(extra=RENAMED), None),
    "Unicode path in the local header": (first(local_extra=RENAMED), None),
    "unknown extra field": (first(extra=struct.pack("<HH", 0xCAFE, 0)), None),
    "half an extra field": (first(extra=b"UT\x05"), None),
    "bytes behind a deflate stream": (first(packed=deflated(TEXT) + b"evil"), Malformed),
    "two deflate streams": (first(packed=deflated(TEXT) * 2), Malformed),
    "no end of the deflate stream": (first(packed=deflated(TEXT)[:-1]), Malformed),
    "zlib instead of deflate": (first(packed=zlib.compress(TEXT)), Malformed),
    "empty blocks in the deflate stream": (first(packed=EMPTY_BLOCK * 9 + deflated(TEXT)), "archive"),
    "checksum": (first(crc=1), Malformed),
    "size too small": (first(size=1), Malformed),
    "size too large": (first(size=1 << 20), Malformed),
    "bomb": (first(packed=deflated(bytes(8 << 20))), Malformed),
    "version needed": (first(version=99), None),
    "other times": (first(time=77, date=99), "archive"),
    "another level": (first(packed=deflated(TEXT, 0)), "archive"),
    "stored": (first(method=0), "archive"),
    "another order": (zip_of(FILES[::-1]), "archive"),
}  # fmt: skip

# Members besides the honest ones, which make a file that is read in two ways.
AMBIGUOUS = {
    "twice": [FILES[0]],
    "twice, the other content": [replace(FILES[0], content=b"evil")],
    "case": [File("demo/__INIT__.py", b"evil")],
    "case of a directory": [File("Demo/x.py", b"evil")],
    "composed": [File(unicodedata.normalize(f, "demo/é.py"), b"x", flags=0x800) for f in ("NFC", "NFD")],
    "compatible": [File("demo/ﬁ.py", b"x", flags=0x800), File("demo/fi.py", b"x")],
    "a file and a directory": [File("demo/__init__.py/x.py", b"x")],
    "absolute": [File("/etc/evil", b"x")],
    "up": [File("../evil.py", b"x")],
    "up from below": [File("demo/../../evil.py", b"x")],
    "dot": [File("./evil.py", b"x")],
    "empty part": [File("demo//evil.py", b"x")],
    "no name": [File("", b"x")],
    "backslash": [File("demo\\evil.py", b"x")],
    "drive": [File("C:evil.py", b"x")],
    "stream": [File("demo/x.py:evil", b"x")],
    "quoted": [File('"demo/x.py"', b"x")],
    "trailing dot": [File("demo/x.py.", b"x")],
    "trailing blank": [File("demo/x.py ", b"x")],
    "NUL": [File("demo/x.py\0.txt", b"x")],
    "line feed": [File("demo/x\n.py", b"x")],
    "escape": [File("demo/\x1b[2J.py", b"x")],
    "right to left": [File("demo/\u202eyp.exe", b"x", flags=0x800)],
    "zero width": [File("demo/__in\u200bit__.py", flags=0x800)],
    "no UTF-8 flag": [File("demo/é.py", b"x")],
    "an empty directory": [directory("evil/")],
    "a directory with content": [directory("demo/", content=b"x")],
    "a directory that is a link": [directory("demo/", mode=0o120777)],
    "a link": [File("demo/link", b"/etc", mode=0o120777)],
    "installed to one path": [File("demo-1.0.data/purelib/demo/__init__.py", b"evil")],
}

NAMES = {
    **{name: (wheel_of(*more), None) for name, more in AMBIGUOUS.items()},
    "a device": (wheel_of(File("demo/nul.py", b"x")), None),
    "not UTF-8": (first(raw=b"demo/\xff.py", flags=0x800), Malformed),
    "a directory of files": (wheel_of(directory("demo/")), "archive"),
    "a second .dist-info": (wheel_of(File("evil-1.0.dist-info/METADATA", b"x")), Malformed),
    "another .dist-info": (
        zip_of(replace(f, name=f.name.replace("demo-1.0.d", "demo-1.1.d")) for f in FILES),
        None,
    ),
}

TYPES = {
    "symbolic link": (first(mode=0o120777), None),
    "device": (first(mode=0o020644), None),
    "pipe": (first(mode=0o010644), None),
    "directory without a slash": (first(mode=0o040755), None),
    "directory of DOS": (first(attributes=0x10), None),
    "set-uid": (first(mode=0o104755), None),
    "executable": (first(mode=0o100755), None),
    "executable for others alone": (first(mode=0o100645), None),
    "no longer executable": (zip_of(with_file(SCRIPT, mode=0o100644)), None),
    "executable without a type": (zip_of(with_file(SCRIPT, mode=0o755)), None),
    "executable on Windows": (zip_of(with_file(SCRIPT, made_by=WINDOWS)), None),
    "no mode": (first(mode=0), "archive"),
    "umask": (first(mode=0o100666), "archive"),
}  # fmt: skip

CONTENT = {
    "another byte": (first(content=TEXT[:-1] + b" "), None),
    "line ends": (first(content=TEXT.replace(b"\n", b"\r\n")), None),
    "a byte order mark": (first(content=b"\xef\xbb\xbf" + TEXT), None),
    "empty": (first(content=b""), None),
    "one more": (zip_of(recorded((*FILES, File("demo/evil.py", b"x")))), None),
    "one less": (zip_of(recorded(FILES[1:])), None),
    "RECORD left out": (zip_of(FILES[:-1]), None),
    "RECORD empty": (record(lambda _: b" "), None),
    "RECORD without hashes": (record(lambda text: b",,\n".join(row.split(b",")[0] for row in text.split())), None),
    "RECORD with a wrong hash": (record(lambda text: text.replace(b"sha256=", b"sha256=A", 1)), None),
    "RECORD with a wrong size": (record(lambda text: text.replace(b",240\n", b",241\n")), None),
    "RECORD with a weak hash": (record(lambda text: text.replace(b"sha256=", b"md5=", 1)), None),
    "RECORD twice the same": (record(lambda text: text * 2), None),
    "RECORD with what is not there": (record(lambda text: text + b"demo/none.py,,\n"), None),
    "RECORD with a path out": (record(lambda text: text + b"../../evil,,\n"), None),
    "RECORD not UTF-8": (record(lambda text: text + b"\xff,,\n"), None),
    "RECORD with a NUL": (record(lambda text: text + b"\0,,\n"), None),
    "RECORD of empty lines": (record(lambda text: b"\n" * 100_000), None),
    "RECORD in another order": (record(lambda text: b"\n".join(text.split()[::-1]) + b"\n"), "metadata"),
    "RECORD with other line ends": (record(lambda text: text.replace(b"\n", b"\r\n")), "metadata"),
    "METADATA with a dependency": (about("METADATA", METADATA + b"Requires-Dist: evil\n"), None),
    "METADATA with one below": (about("METADATA", METADATA + b"\nRequires-Dist: evil\n"), None),
    "METADATA with a second name": (about("METADATA", METADATA + b"Name: evil\n"), None),
    "METADATA with a second name in front": (about("METADATA", b"Name: evil\n" + METADATA), None),
    "METADATA with a lone CR": (about("METADATA", METADATA + b"\rRequires-Dist: evil\n"), None),
    "METADATA with a form feed": (about("METADATA", METADATA + b"A: b\x0cRequires-Dist: evil\n"), None),
    "METADATA in UTF-16": (about("METADATA", METADATA.decode().encode("utf-16")), None),
    "METADATA with a byte order mark": (about("METADATA", b"\xef\xbb\xbf" + METADATA), None),
    "METADATA in Latin-1": (about("METADATA", METADATA + b"Author: \xe9\n"), None),
    "METADATA of an mbox": (about("METADATA", b"From evil\n" + METADATA), None),
    "METADATA empty": (about("METADATA", b""), None),
    "WHEEL with another tag": (about("WHEEL", WHEEL + b"Tag: py2-none-any\n"), None),
    "WHEEL not pure": (about("WHEEL", WHEEL.replace(b"true", b"false")), None),
    "WHEEL of another version": (about("WHEEL", WHEEL.replace(b"1.0", b"2.0")), None),
    "WHEEL pure twice": (about("WHEEL", WHEEL + b"Root-Is-Purelib: false\n"), None),
    "WHEEL with a build tag": (about("WHEEL", WHEEL + b"Build: 1\n"), None),
    "WHEEL empty": (about("WHEEL", b""), None),
    "WHEEL by another release": (about("WHEEL", WHEEL.replace(b"75.0.0", b"75.0.1")), "metadata"),
}  # fmt: skip

PAIRS = {
    f"{kind}: {name}": pair
    for kind, pairs in (("container", CONTAINER), ("name", NAMES), ("type", TYPES), ("content", CONTENT))
    for name, pair in pairs.items()
}


def test_there_are_many():
    assert len(PAIRS) >= 80
    assert len({data for data, _ in PAIRS.values()} | {HONEST}) == len(PAIRS) + 1


@pytest.mark.parametrize(("data", "expected"), PAIRS.values(), ids=PAIRS)
def test_a_pair(data, expected):
    names = (WheelName.parse(FILENAME),) * 2
    if expected is Malformed:
        with pytest.raises(Malformed):
            read_wheel(data)
        return
    faulty, honest = read_wheel(data), read_wheel(HONEST)
    for published, rebuilt in ((faulty, honest), (honest, faulty)):
        found = compare(published, rebuilt, names)
        assert found.level == expected
        assert bool(found.comparison.differences_total) == (expected is None)
    assert compare(faulty, faulty, names).level == "bitwise"


@pytest.mark.parametrize("more", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_what_is_read_in_two_ways_equals_nothing_of_the_same_members(more):
    """Not even the same members in another container; no name may hide that the file is ambiguous."""
    for files in ((*FILES, *more), (*more, *FILES)):
        faulty, moved = (read_wheel(zip_of(replace(file, time=time) for file in files)) for time in (0, 77))
        for pair in ((faulty, moved), (moved, faulty)):
            found = compare(*pair)
            assert not found.matches
            assert found.comparison.findings_total
        assert compare(faulty, faulty).level == "bitwise"


def test_a_flaw_is_told_and_takes_no_level():
    files = (*FILES, File("demo/nul.py", b"x"))
    found = compare(read_wheel(zip_of(files)), read_wheel(zip_of(replace(file, time=77) for file in files)))
    assert found.level == "archive"
    assert {(f.path, f.kind) for f in found.comparison.findings} == {
        ("demo/nul.py", "device-name"), ("demo/nul.py", "record-omits-member")}  # fmt: skip


@pytest.mark.parametrize(
    ("other", "agree"),
    [
        ("Demo-1.0-py3-none-any.whl", True),
        ("demo-1.0.0-py3-none-any.whl", True),
        ("demo-1.0-py2-none-any.whl", False),
        ("demo-1.0-py2.py3-none-any.whl", False),
        ("demo-1.0-1-py3-none-any.whl", False),
        ("demo-1.0.post1-py3-none-any.whl", False),
        ("demo_x-1.0-py3-none-any.whl", False),
        ("demo-1.0-py3-none-linux_x86_64.whl", False),
    ],
)
@pytest.mark.parametrize("rebuilt", [HONEST, first(time=77)], ids=["same bytes", "same members"])
def test_the_same_wheel_under_another_name(other, agree, rebuilt):
    names = (WheelName.parse(FILENAME), WheelName.parse(other))
    found = compare(read_wheel(HONEST), read_wheel(rebuilt), names)
    assert found.matches == agree
    assert [(d.path, d.kind) for d in found.comparison.differences] == [(other, "filename")] * (not agree)
    for unnamed in ((None, names[1]), (names[0], None), (None, None)):
        assert compare(read_wheel(HONEST), read_wheel(rebuilt), unnamed).matches


contents = st.binary(max_size=60) | st.just(TEXT)
payloads = st.lists(
    st.builds(
        lambda name, content, method, mode: File(name, content, method=method, mode=mode),
        st.sampled_from(["demo/a.py", "demo/b.sh", "demo/c/d.txt", "e.py", "demo-1.0.data/scripts/f"]),
        contents,
        st.sampled_from([0, 8]),
        st.sampled_from([0o100644, 0o100755, 0]),
    ),
    max_size=4,
    unique_by=lambda file: file.name,
)


def seen_by_zipfile(data):
    """Every file's path, content and exec bit, as pip reads them; None where it cannot."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return sorted(
                (info.filename, sha256_hex(archive.read(info)), bool(info.external_attr >> 16 & 0o111))
                for info in archive.infolist()
                if not info.is_dir()
            )
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        return None


@settings(deadline=None, max_examples=400)
@given(payloads, st.data())
def test_one_other_byte_is_never_bitwise_and_archive_only_where_zipfile_sees_the_same(payload, data):
    published = zip_of(recorded((*payload, *ABOUT)))
    at = data.draw(st.integers(0, len(published) - 1))
    mask = data.draw(st.integers(1, 255))
    flipped = published[:at] + bytes([published[at] ^ mask]) + published[at + 1 :]
    try:
        other = read_wheel(flipped)
    except Malformed:
        return
    for pair in ((read_wheel(published), other), (other, read_wheel(published))):
        found = compare(*pair)
        assert found.level != "bitwise"
        if found.matches:
            assert seen_by_zipfile(flipped) == seen_by_zipfile(published)
