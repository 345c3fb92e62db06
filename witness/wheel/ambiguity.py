"""What two readers of one ZIP file may see differently: fields, bytes and layout. Names are in witness.wheel.paths."""

import stat
import struct
from collections.abc import Iterator
from typing import Final

from witness.wheel.entry import (
    DEFLATED,
    DESCRIPTOR,
    DESCRIPTOR_MAGIC,
    END,
    END_MAGIC,
    LOCAL,
    STORED,
    UNIX,
    UTF8,
    Entry,
    Finding,
)

_KNOWN_FLAGS: Final = DESCRIPTOR | UTF8 | 0x0006  # bits 1 and 2: what deflate was asked for
_MAX_VERSION: Final = 63  # APPNOTE 4.4.3: the highest there is; zipfile refuses what asks for more
_DOS_NO_FILE: Final = 0x18  # the attributes of directories and volume labels
# Time stamps and owners, which installers ignore. 0x7075 renames a member for some readers: never harmless.
# By id, the most bytes that one can have: three times and a byte of flags; two ids of 64 bits with their sizes.
_HARMLESS_EXTRA: Final = {0x5455: 13, 0x7875: 19}
_MAX_COMMENT: Final = 0xFFFF


def end_findings(data: bytes, end: int) -> Iterator[Finding]:
    """Another end record than the one at `end` that a reader might take: one whose comment ends with the file."""
    at = max(0, len(data) - END.size - _MAX_COMMENT)
    while (at := data.find(END_MAGIC, at)) >= 0 and at + END.size <= len(data):
        if at != end and at + END.size + END.unpack_from(data, at)[7] == len(data):
            yield Finding("", "several-end-records")
        at += 1


def entry_findings(entry: Entry) -> Iterator[Finding]:
    kind = stat.S_IFMT(entry.mode)
    checks = {
        "unsupported-compression": entry.method not in (STORED, DEFLATED),
        "unknown-flags": entry.flags & ~_KNOWN_FLAGS,
        "unknown-version": entry.version > _MAX_VERSION,
        "several-disks": entry.disk,
        "data-descriptor": entry.flags & DESCRIPTOR,
        "member-comment": entry.comment,
        "special-file": kind not in (0, stat.S_IFDIR if entry.is_dir else stat.S_IFREG)
        or (entry.external & _DOS_NO_FILE and not entry.is_dir),
        "special-mode": entry.mode & 0o7000 and entry.made_by >> 8 == UNIX,
        "ambiguous-executable": entry.executable and not entry.surely_executable,
        "name-without-utf8-flag": not entry.raw_name.isascii() and not entry.flags & UTF8,
        "directory-with-content": entry.is_dir and (entry.size or entry.compressed_size or entry.crc),
        "stored-size": entry.method == STORED and entry.size != entry.compressed_size,
        "unknown-extra-field": not _harmless(entry.extra) or not _harmless(entry.local_extra),
    }
    return (Finding(entry.name, kind) for kind, found in checks.items() if found)


def _harmless(extra: bytes) -> bool:
    """Whether it holds nothing but known fields, each once and no larger than it can be: no room to hide bytes in."""
    at = 0
    seen: set[int] = set()
    while at < len(extra):
        if at + 4 > len(extra):
            return False
        ident, size = struct.unpack_from("<HH", extra, at)
        at += 4 + size
        if size > _HARMLESS_EXTRA.get(ident, -1) or ident in seen or at > len(extra):
            return False
        seen.add(ident)
    return True


def local_findings(data: bytes, entry: Entry) -> Iterator[Finding]:
    fields = LOCAL.unpack_from(data, entry.offset)
    _, version, flags, method, time, date, crc, packed, size, names, _ = fields
    at = entry.offset + LOCAL.size
    told = [version, flags, method, time, date, data[at : at + names]]
    central = [entry.version, entry.flags, entry.method, entry.time, entry.date, entry.raw_name]
    if not flags & DESCRIPTOR:  # with one, crc and sizes follow the content
        told += [crc, packed, size]
        central += [entry.crc, entry.compressed_size, entry.size]
    if told != central:
        yield Finding(entry.name, "local-header-differs")


def layout_findings(data: bytes, entries: tuple[Entry, ...], start: int, end: int) -> Iterator[Finding]:
    """Members must lie one after the other from the first byte to the central directory, and it to the end."""
    at = 0
    for entry in sorted(entries, key=lambda entry: entry.offset):
        if entry.offset != at:
            yield Finding(entry.name, "hidden-bytes" if entry.offset > at else "overlapping-members")
        at = entry.data_offset + entry.compressed_size
        if entry.flags & DESCRIPTOR:
            at += 16 if data[at : at + 4] == DESCRIPTOR_MAGIC else 12
    if at != start or end < start:
        yield Finding("", "hidden-bytes" if start > at else "overlapping-members")
