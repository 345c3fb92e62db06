"""What is fuzzed: functions of bytes that raise for nothing but a fault of ours, whatever the bytes.

Each reader may refuse with Malformed and nothing else. Where it accepts without a finding, what it saw is held against
another reader: Python's zipfile for archives, `email` for fields, a naive reading for RECORD, tarfile for sdists.
Memory and time are bounded by the fuzzer (tests/fuzz/run.py).
"""

import csv
import gzip
import io
import stat
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from email.parser import HeaderParser

from rebuilders.facts.sdist import sdist_facts
from rebuilders.facts.wheel import wheel_facts
from tests.wheels import ABOUT, DIST_INFO, FILENAME, FILES, File, directory, recorded, zip_of
from witness.compare.ladder import compare
from witness.digest import sha256_hex
from witness.errors import Malformed
from witness.names import WheelName
from witness.wheel.conformance import conformance
from witness.wheel.headers import read_headers
from witness.wheel.reader import Wheel, read_wheel

NAME = WheelName.parse(FILENAME)


def archive(data: bytes) -> None:
    """`data` as a wheel."""
    try:
        wheel = read_wheel(data)
    except Malformed:
        return
    flaws = conformance(wheel, NAME)
    try:
        wheel_facts(wheel)
    except Malformed:
        assert flaws, "facts cannot be read, and nothing is found"
    if not wheel.findings:
        agrees_with_zipfile(wheel)


def agrees_with_zipfile(wheel: Wheel) -> None:
    """pip, which uses zipfile, sees the same files, and so does the wheel that it would write of them."""
    rewritten = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(wheel.archive.data)) as other, zipfile.ZipFile(rewritten, "w") as again:
        infos = [info for info in other.infolist() if not info.is_dir()]
        assert sorted(info.filename for info in infos) == sorted(wheel.members)
        for info in infos:
            member, mode = wheel.members[info.filename], info.external_attr >> 16
            content = other.read(info)
            assert sha256_hex(content) == member.sha256
            assert bool(stat.S_ISREG(mode) and mode & 0o111) == member.executable, info.filename
            fresh = zipfile.ZipInfo(info.filename)
            fresh.external_attr = (0o100755 if member.executable else 0o100644) << 16
            fresh.create_system = 3
            again.writestr(fresh, content)
    found = compare(wheel, read_wheel(rewritten.getvalue()), (NAME, NAME))
    assert found.level == "archive" or rewritten.getvalue() == wheel.archive.data


class _Choices:
    """Decisions taken from bytes; when they run out, the first of each."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def number(self, limit: int) -> int:
        """Below `limit`, of up to four bytes."""
        size = 1 if limit <= 256 else 2 if limit <= 65_536 else 4
        piece = self._data[self._at : self._at + size]
        self._at += size
        return int.from_bytes(piece, "little") % limit

    def bytes(self, most: int) -> bytes:
        size = self.number(most + 1)
        piece = self._data[self._at : self._at + size]
        self._at += size
        return piece

    def sometimes(self) -> bool:
        return self.number(8) == 7


_NUMBERS = {"version": 1 << 16, "flags": 1 << 16, "method": 16, "time": 1 << 16, "date": 1 << 16, "crc": 1 << 32,
            "packed": 1 << 32, "size": 1 << 32}  # fmt: skip
_PLACES = {"disk": 1 << 16, "internal": 1 << 16, "external": 1 << 32, "offset": 1 << 32}
_END = {
    "disk": 2,
    "start_disk": 2,
    "here": 9,
    "count": 9,
    "size": 1 << 16,
    "start": 1 << 16,
    "comment": 1 << 16,
}


_PLACES_OF_NAMES = (b"", b"demo/", b"demo-1.0.data/purelib/", b"demo-1.0.data/", f"{DIST_INFO}/".encode())


def container(data: bytes) -> None:
    """A wheel with sound checksums whose container the bytes decide; a raw one seldom gets past its CRC."""
    choose = _Choices(data)
    files = [_file(choose) for _ in range(choose.number(4))]
    files[choose.number(len(files) + 1) : 0] = ABOUT
    if not choose.sometimes():
        files = list(recorded(files))
    count = len(files)
    made = zip_of(
        files,
        order=[choose.number(count) for _ in files] if choose.sometimes() else None,
        prefix=choose.bytes(9) if choose.sometimes() else b"",
        gap=choose.bytes(40) if choose.sometimes() else b"",
        tail=choose.bytes(40) if choose.sometimes() else b"",
        comment=choose.bytes(40) if choose.sometimes() else b"",
        behind_central=choose.bytes(40) if choose.sometimes() else b"",
        end=_overrides(choose, _END) if choose.sometimes() else None,
    )
    archive(made)


def _file(choose: _Choices) -> File:
    name = _PLACES_OF_NAMES[choose.number(len(_PLACES_OF_NAMES))] + choose.bytes(24)
    if choose.sometimes():
        return directory(name.decode("latin-1"), raw=name)
    file = File(
        name.decode("latin-1"),
        choose.bytes(60),
        raw=name,
        method=8 * choose.number(2),
        mode=(0o100644, 0o100755, 0o644, 0, 0o120777)[choose.number(5)] if choose.sometimes() else 0o100644,
        made_by=choose.number(1 << 16) if choose.sometimes() else 0x0314,
        flags=choose.number(1 << 16) if choose.sometimes() else 0x800,
    )
    if not choose.sometimes():
        return file
    return replace(
        file,
        extra=choose.bytes(24),
        local_extra=choose.bytes(24),
        comment=choose.bytes(9),
        attributes=choose.number(1 << 16),
        before=choose.bytes(40),
        after=choose.bytes(40),
        packed=choose.bytes(80) if choose.sometimes() else None,
        local=_overrides(choose, _NUMBERS),
        central=_overrides(choose, {**_NUMBERS, **_PLACES}),
    )


def _overrides(choose: _Choices, limits: dict[str, int]) -> dict[str, int]:
    names = list(limits)
    return {
        name: choose.number(limits[name])
        for name in {names[choose.number(len(names))] for _ in range(choose.number(3))}
    }


def fields(data: bytes) -> None:
    """`data` as METADATA or WHEEL."""
    headers = read_headers(data)
    if headers.faults:
        return
    text = data.decode("utf-8").replace("\r\n", "\n")
    message = HeaderParser().parsestr(text)
    theirs = [(name.lower(), str(value)) for name, value in message.items()]
    assert theirs == list(headers.fields), "email sees other fields"
    assert message.get_payload() == headers.body, "email sees another body"
    assert not message.defects


def about(data: bytes) -> None:
    """METADATA and WHEEL of a wheel, divided at the first NUL."""
    metadata, _, wheel = data.partition(b"\0")
    told = {f"{DIST_INFO}/METADATA": metadata, f"{DIST_INFO}/WHEEL": wheel}
    archive(zip_of(recorded(replace(file, content=told.get(file.name, file.content)) for file in FILES)))


def record(data: bytes) -> None:
    """`data` as RECORD."""
    path = f"{DIST_INFO}/RECORD"
    files = [replace(file, content=data) if file.name == path else file for file in FILES]
    wheel = read_wheel(zip_of(files))
    if any(finding.kind.startswith("record-") for finding in conformance(wheel, NAME)):
        return
    rows = {row[0]: row[1:] for row in csv.reader(io.StringIO(data.decode("utf-8"), newline=""))}
    assert rows.keys() | {path} == wheel.members.keys()
    assert all(rows[name][1] == str(member.size) for name, member in wheel.members.items() if name != path)


def sdist(data: bytes) -> None:
    """`data` as the tar inside an sdist, as a gzip file, and as a ZIP file."""
    packed = gzip.compress(data, 0, mtime=0)
    for content, filename in ((packed, "demo-1.0.tar.gz"), (data, "demo-1.0.tar.gz"), (data, "demo-1.0.zip")):
        try:
            facts = sdist_facts(content, filename, "0" * 64)
        except Malformed:
            continue
        assert all(".." not in path.split("/") and not path.startswith("/") for path in facts.members)
        if content is packed:
            with tarfile.open(fileobj=io.BytesIO(data)) as other:
                names = {entry.name.removeprefix("./") for entry in other if entry.isreg()}
            assert names == {f"{facts.top}/{path}" for path in facts.members}


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (archive, container, fields, about, record, sdist)
}
