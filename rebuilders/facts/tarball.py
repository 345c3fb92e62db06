"""Strict reading of a tar's headers: one way to read the archive, or it is refused.

Where POSIX (pax), GNU and older headers contradict each other, readers of tar differ, and so do they where an archive
goes on after its end. Build tools make none of that. What passes here, any tar reader divides into the same members.
Follows POSIX.1-2017, pax, "ustar Interchange Format", and GNU tar's manual, "Basic Tar Format".
"""

import re
from collections.abc import Iterator
from typing import Final

from witness.errors import Malformed
from witness.limits import KIB

_BLOCK: Final = 512
_MAX_EXTENDED: Final = 256 * KIB  # of one extended header
_FILES: Final = (b"0", b"\0", b"7")
_OTHERS: Final = (b"1", b"2", b"3", b"4", b"5", b"6")
_LONG: Final = (b"L", b"K")  # GNU: the next member's name, its link's target
_PAX: Final = b"x"
_GLOBAL: Final = b"g"
_RECORD: Final = re.compile(rb"([1-9][0-9]{0,5}) ")
_OF_ONE: Final = (b"path", b"linkpath", b"size")  # what no global header can say of every member


def check_headers(plain: memoryview) -> int:
    """Walks through the headers of an unpacked tar; returns how many members it has. Raises Malformed."""
    at = members = 0
    pending: set[bytes] = set()  # types of the extended headers in front of the next member
    told: dict[bytes, bytes] = {}
    while at < len(plain):
        header = bytes(plain[at : at + _BLOCK])
        if not header.strip(b"\0"):
            break
        size, kind = _header(header)
        body = plain[at + _BLOCK : at + _BLOCK + size]
        if len(body) < size:
            raise Malformed("a tar member that is cut short")
        at += _BLOCK + -(-size // _BLOCK) * _BLOCK
        if kind in (*_LONG, _PAX, _GLOBAL):
            if kind in pending and kind != _GLOBAL:
                raise Malformed("two extended headers of one kind for one tar member")
            pending.add(kind)
            told |= _extended(kind, body)
        else:
            _member(header, size, pending, told)
            pending, told = set(), {}
            members += 1
    if pending - {_GLOBAL}:
        raise Malformed("an extended header without a tar member")
    if plain[at:].tobytes().strip(b"\0"):
        raise Malformed("a tar archive that goes on after its end")
    return members


def _header(header: bytes) -> tuple[int, bytes]:
    """The size and the type in a header block."""
    if len(header) < _BLOCK:
        raise Malformed("a tar header that is cut short")
    if sum(header[:148]) + 8 * 0x20 + sum(header[156:]) != _number(header[148:156]):
        raise Malformed("a tar header with a wrong checksum")
    return _number(header[124:136]), header[156:157]


def _number(field: bytes) -> int:
    """Octal digits, or GNU's base 256 for what is larger."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if not re.fullmatch(rb"[0-7]*", digits):
        raise Malformed("a number in a tar header that is none, or is negative")
    return int(digits or b"0", 8)


def _member(header: bytes, size: int, pending: set[bytes], told: dict[bytes, bytes]) -> None:
    kind = header[156:157]
    if kind == b"S" or any(key.startswith(b"GNU.sparse.") for key in told):
        raise Malformed("a sparse file in a tar")
    if kind not in (*_FILES, *_OTHERS):
        raise Malformed(f"a tar member of the unknown type {kind!r}")
    old_directory = kind == b"\0" and header[:100].partition(b"\0")[0].endswith(b"/")
    if size and (kind in _OTHERS or old_directory):
        raise Malformed("a tar member that is no file, and has content")
    if _PAX in pending and pending & {*_LONG}:
        raise Malformed("a tar member with extended headers of two formats")
    if told.get(b"size", str(size).encode()) != str(size).encode():
        raise Malformed("a tar member whose size differs from header to header")


def _extended(kind: bytes, body: memoryview) -> dict[bytes, bytes]:
    """What an extended header says of the next member."""
    if len(body) > _MAX_EXTENDED:
        raise Malformed(f"an extended header of {len(body)} bytes")
    if kind in _LONG:
        if b"\0" in body.tobytes().rstrip(b"\0"):
            raise Malformed("a long name in a tar with a NUL inside")
        return {}
    records = list(_records(body.tobytes()))
    found = dict(records)
    if len(found) < len(records):
        raise Malformed("an extended header that says something twice")
    if kind == _GLOBAL:
        if any(key in _OF_ONE or key.startswith(b"GNU.sparse.") for key in found):
            raise Malformed("a global header that names or measures every tar member")
        return {}
    return found


def _records(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Records of the form "length key=value\\n"."""
    body = body.rstrip(b"\0")
    at = 0
    while at < len(body):
        length = _RECORD.match(body, at)
        end = at + int(length[1]) if length else at
        key, equals, value = body[length.end() if length else at : end - 1].partition(b"=")
        if not (length and key and equals and body[end - 1 : end] == b"\n") or b"\0" in key + value:
            raise Malformed("an extended header that cannot be read")
        yield key, value
        at = end
