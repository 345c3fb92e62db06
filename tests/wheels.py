"""Tiny wheels, written as raw ZIP structures so that a test can get any one of them wrong."""

import base64
import hashlib
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from witness.wheel.entry import CENTRAL, CENTRAL_MAGIC, DEFLATED, END, END_MAGIC, LOCAL, LOCAL_MAGIC, STORED

UNIX = 3 << 8 | 20
WINDOWS = 0 << 8 | 20
DATE = (2020 - 1980) << 9 | 2 << 5 | 2  # 2020-02-02
FILENAME = "demo-1.0-py3-none-any.whl"
DIST_INFO = "demo-1.0.dist-info"
METADATA = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"
WHEEL = b"Wheel-Version: 1.0\nGenerator: setuptools (75.0.0)\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def deflated(content: bytes, level: int = 6, *, memory: int = 8, strategy: int = 0) -> bytes:
    state = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, memory, strategy)
    return state.compress(content) + state.flush()


def dos(*moment: int) -> tuple[int, int]:
    """The DOS pair (time, date) of year, month, day, hour, minute, second."""
    year, month, day, hour, minute, second = moment
    return hour << 11 | minute << 5 | second // 2, (year - 1980) << 9 | month << 5 | day


@dataclass(frozen=True)
class File:
    """One member. Fields that are None are computed; `local` and `central` overwrite single header fields."""

    name: str
    content: bytes = b""
    method: int = DEFLATED
    level: int = 6
    packed: bytes | None = None
    mode: int = 0o100644
    made_by: int = UNIX
    version: int = 20
    flags: int = 0
    time: int = 0
    date: int = DATE
    crc: int | None = None
    size: int | None = None
    extra: bytes = b""
    local_extra: bytes = b""
    comment: bytes = b""
    attributes: int = 0  # the low half of the external ones
    raw: bytes | None = None
    before: bytes = b""  # in front of the local header
    after: bytes = b""  # behind the content
    local: dict[str, int | bytes] = field(default_factory=dict)
    central: dict[str, int] = field(default_factory=dict)

    @property
    def bytes_packed(self) -> bytes:
        if self.packed is not None:
            return self.packed
        return deflated(self.content, self.level) if self.method == DEFLATED else self.content

    @property
    def bytes_name(self) -> bytes:
        return self.name.encode() if self.raw is None else self.raw

    def _fields(self) -> dict[str, int]:
        return {
            "version": self.version,
            "flags": self.flags,
            "method": self.method,
            "time": self.time,
            "date": self.date,
            "crc": zlib.crc32(self.content) if self.crc is None else self.crc,
            "packed": len(self.bytes_packed),
            "size": len(self.content) if self.size is None else self.size,
        }

    def local_part(self) -> bytes:
        fields = {**self._fields(), **self.local}
        name = fields.pop("name", self.bytes_name)
        assert isinstance(name, bytes)
        header = LOCAL.pack(LOCAL_MAGIC, *fields.values(), len(name), len(self.local_extra))
        return header + name + self.local_extra + self.bytes_packed + self.after

    def central_part(self, offset: int) -> bytes:
        external = self.mode << 16 | self.attributes
        tail = {"disk": 0, "internal": 0, "external": external, "offset": offset}
        fields = {**self._fields(), **tail, **self.central}
        last = [fields.pop(name) for name in tail]
        name = self.bytes_name
        header = CENTRAL.pack(
            CENTRAL_MAGIC, self.made_by, *fields.values(),
            len(name), len(self.extra), len(self.comment), *last,
        )  # fmt: skip
        return header + name + self.extra + self.comment


def directory(name: str, **changes: object) -> File:
    made = File(name, method=STORED, mode=0o40755, attributes=0x10)
    return replace(made, **changes)  # type: ignore[arg-type]


def zip_of(
    files: Iterable[File],
    *,
    order: Sequence[int] | None = None,
    prefix: bytes = b"",
    gap: bytes = b"",
    tail: bytes = b"",
    comment: bytes = b"",
    behind_central: bytes = b"",
    end: dict[str, int] | None = None,
) -> bytes:
    """A ZIP file. `order` is that of the central directory; offsets take `before` into account, not `prefix`."""
    files = list(files)
    body, offsets = b"", []
    for file in files:
        body += file.before
        offsets.append(len(body))
        body += file.local_part()
    body += gap
    central = b"".join(files[index].central_part(offsets[index]) for index in order or range(len(files)))
    fields = {
        "disk": 0, "start_disk": 0, "here": len(files), "count": len(files),
        "size": len(central), "start": len(body), "comment": len(comment), **(end or {}),
    }  # fmt: skip
    return prefix + body + central + behind_central + END.pack(END_MAGIC, *fields.values()) + comment + tail


PAYLOAD = (File("demo/__init__.py", b"x = 1\n" * 40), File("demo/run.sh", b"#!/bin/sh\n", mode=0o100755))
ABOUT = (
    File(f"{DIST_INFO}/METADATA", METADATA),
    File(f"{DIST_INFO}/WHEEL", WHEEL),
    File(f"{DIST_INFO}/RECORD", b"", mode=0o100664),
)


def recorded(files: Iterable[File]) -> tuple[File, ...]:
    """`files` with a RECORD that is true of them."""
    files = tuple(files)
    rows = (f"{file.name},{_row(file)}\n" for file in files)
    text = "".join(rows).encode()
    return tuple(
        replace(file, content=text) if file.name == f"{DIST_INFO}/RECORD" else file for file in files
    )


def _row(file: File) -> str:
    if file.name == f"{DIST_INFO}/RECORD":
        return ","
    digest = base64.urlsafe_b64encode(hashlib.sha256(file.content).digest()).rstrip(b"=").decode()
    return f"sha256={digest},{len(file.content)}"


FILES = recorded((*PAYLOAD, *ABOUT))


def wheel_of(*more: File, **layout: object) -> bytes:
    """The honest wheel of this module, with `more` members."""
    return zip_of((*FILES, *more), **layout)  # type: ignore[arg-type]


def with_file(index: int, **changes: object) -> tuple[File, ...]:
    """The honest wheel's files, one of them changed."""
    files = list(FILES)
    files[index] = replace(files[index], **changes)  # type: ignore[arg-type]
    return tuple(files)
