"""Headers of tar that readers take differently, one fault each."""
# ruff: noqa: E501 - a row of a table is a line

import gzip
import tarfile

import pytest

from rebuilders.facts.sdist import sdist_facts
from rebuilders.facts.tarball import check_headers
from tests.sdists import PYPROJECT, TOP, info, tar_of
from witness.errors import Malformed

END = bytes(1024)


def record(key, value):
    body = f" {key}={value}\n"
    length = len(body) + 1
    while len(f"{length}{body}") != length:
        length += 1
    return f"{length}{body}".encode()


def block(name, content=b"", kind=tarfile.REGTYPE, **raw):
    """One header with its content; `raw` are bytes to be written over fields, the checksum after them unless given."""
    made = bytearray(info(name, len(content), kind=kind).tobuf(tarfile.GNU_FORMAT)[:512])
    fields = {
        "name": 0,
        "mode": 100,
        "size": 124,
        "mtime": 136,
        "checksum": 148,
        "linkname": 157,
        "magic": 257,
    }
    for field, value in raw.items():
        made[fields[field] : fields[field] + len(value)] = value
    if "checksum" not in raw:
        made[148:156] = b" " * 8
        made[148:156] = b"%06o\0 " % sum(made)
    return bytes(made) + content.ljust(-(-len(content) // 512) * 512, b"\0")


def pax(*records, kind=b"x"):
    return block("PaxHeader", b"".join(records), kind)


FIRST = block(f"{TOP}/pyproject.toml", PYPROJECT)
A = block(f"{TOP}/a.py", b"a")
REFUSED = {
    "a PAX size that is not the header's": ([pax(record("size", 600)), A, bytes(512)], "differs from header to header"),
    "a PAX size where the header has none": ([pax(record("size", 1)), block(f"{TOP}/b"), b"x".ljust(512, b"\0")], "differs"),
    "a PAX size that is no number": ([pax(record("size", "1.0")), A], "differs"),
    "a global path": ([pax(record("path", f"{TOP}/x"), kind=b"g"), A], "global header"),
    "a global size": ([pax(record("size", 5), kind=b"g"), A], "global header"),
    "a global target": ([pax(record("linkpath", "/etc"), kind=b"g"), A], "global header"),
    "a global sparse map": ([pax(record("GNU.sparse.name", "x"), kind=b"g"), A], "global header"),
    "a sparse member": ([block(f"{TOP}/x", b"x", b"S")], "sparse"),
    "a sparse member by PAX": ([pax(record("GNU.sparse.size", 9)), A], "sparse"),
    "another name by a sparse header": ([pax(record("GNU.sparse.name", f"{TOP}/x")), A], "sparse"),
    "two PAX headers": ([pax(record("path", f"{TOP}/x")), pax(record("path", f"{TOP}/y")), A], "two extended headers"),
    "two long names": ([block("L", b"x\0", b"L"), block("L", b"y\0", b"L"), A], "two extended headers"),
    "a long name and a PAX header": ([block("L", f"{TOP}/x\0".encode(), b"L"), pax(record("path", f"{TOP}/y")), A], "two formats"),
    "a long name with a NUL": ([block("L", b"demo-1.0/x\0y\0", b"L"), A], "NUL"),
    "a PAX path with a NUL": ([pax(record("path", f"{TOP}/x\0y")), A], "cannot be read"),
    "a PAX record twice": ([pax(record("path", f"{TOP}/x"), record("path", f"{TOP}/y")), A], "twice"),
    "a PAX record with a wrong length": ([pax(b"99 path=x\n"), A], "cannot be read"),
    "a PAX record without a line end": ([pax(b"8 path=x;"), A], "cannot be read"),
    "a PAX record with a zero in front": ([pax(b"010 path=x\n"), A], "cannot be read"),
    "an extended header at the end": ([pax(record("path", f"{TOP}/x"))], "without a tar member"),
    "an unknown type": ([block(f"{TOP}/x", b"x", b"Z")], "unknown type"),
    "a directory with content": ([block(f"{TOP}/d/", b"x" * 512, b"5")], "has content"),
    "an old directory with content": ([block(f"{TOP}/d/", b"x" * 512, b"\0")], "has content"),
    "a link with content": ([block(f"{TOP}/l", A, b"2", linkname=b"a.py")], "has content"),
    "a hard link with content": ([block(f"{TOP}/l", A, b"1", linkname=b"demo-1.0/a.py")], "has content"),
    "a wrong checksum": ([A[:148] + b"0000000\0" + A[156:], A], "checksum"),
    "a size that is no number": ([block(f"{TOP}/x", size=b"12x")], "none, or is negative"),
    "a size with a prefix": ([block(f"{TOP}/x", size=b"0o1")], "none, or is negative"),
    "a negative size": ([block(f"{TOP}/x", size=b"\xff" * 12)], "none, or is negative"),
    "a mode that is no number": ([block(f"{TOP}/x", mode=b"rwxr-xr"), A], "cannot be read"),
    "more behind a lone block of zeros": ([bytes(512), A], "after its end"),
    "more behind the end": ([END, A], "after its end"),
    "text behind the end": ([END, b"x"], "after its end"),
    "a member that is cut short": ([A[:512] + b"a"[:0]], "cut short"),
    "half a header": ([A[:300]], "cut short"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name):
    parts, message = REFUSED[name]
    whole = b"".join([FIRST, *parts])
    data = whole if "cut short" in message else whole + END
    with pytest.raises(Malformed, match=message):
        sdist_facts(gzip.compress(data, 1, mtime=0), "demo-1.0.tar.gz", "0" * 64)


ALLOWED = {
    "a global comment": [pax(record("comment", "0123abc"), kind=b"g"), A],
    "a PAX path and time": [pax(record("path", f"{TOP}/x" * 20), record("mtime", "1600000000.5")), A],
    "a PAX size that agrees": [pax(record("size", 1)), A],
    "a long name": [block("././@LongLink", f"{TOP}/{'x' * 150}\0".encode(), b"L"), A],
    "a size in base 256": [block(f"{TOP}/x", b"xyz", size=b"\x80" + bytes(10) + b"\x03")],
    "a file of the old type": [block(f"{TOP}/x", b"x", b"\0")],
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_is_allowed(name):
    data = b"".join([FIRST, *ALLOWED[name], END])
    assert len(sdist_facts(gzip.compress(data), "demo-1.0.tar.gz", "0" * 64).members) == 2
    assert check_headers(memoryview(data)) == 2


def test_every_format_passes():
    members = [(info(f"{TOP}/{'d' * 60}/{'é' * 40}.py"), b"x" * 1000), (info(TOP, kind=tarfile.DIRTYPE), b"")]
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        assert check_headers(memoryview(tar_of(members, form))) == 2


def test_the_end_may_be_missing_or_long():
    for end in (b"", bytes(512), END, bytes(10240)):
        assert check_headers(memoryview(FIRST + A + end)) == 2
