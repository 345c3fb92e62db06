"""Writes the published file anew from the rebuilt members and the published container fields.

If the outcome is the published file, byte for byte, then all that distinguishes it from the rebuilt one is a
short list of ZIP fields: times, modes, order, compression level. That is the `archiveExact` of an observation.
"""

import hashlib
import zlib
from collections.abc import Iterator
from typing import Final

from witness.wheel.archive import (
    CENTRAL,
    CENTRAL_MAGIC,
    DEFLATED,
    END,
    END_MAGIC,
    LOCAL,
    LOCAL_MAGIC,
    Archive,
    Entry,
)
from witness.wheel.reader import Wheel

_LEVELS: Final = (6, 9, 1, 2, 3, 4, 5, 7, 8)  # zlib's default first, then what people ask for
_CHUNK: Final = 256 * 1024


def regenerates(published: Wheel, rebuilt: Wheel) -> bool:
    """Whether the published bytes follow from the rebuilt members. Both have the same members, no findings."""
    state = hashlib.sha256()
    for piece in _pieces(published, rebuilt):
        if piece is None:
            return False
        state.update(piece)
    return state.hexdigest() == published.sha256


def _pieces(published: Wheel, rebuilt: Wheel) -> Iterator[bytes | None]:
    """The file's bytes in order, or None as soon as some content cannot be had."""
    at = 0
    level = _LEVELS[0]
    placed: dict[int, tuple[int, int, int, int]] = {}
    for index, entry in sorted(enumerate(published.archive.entries), key=lambda pair: pair[1].offset):
        content = b"" if entry.is_dir else b"".join(rebuilt.archive.inflate(rebuilt.entries[entry.name]))
        packed = content
        if entry.method == DEFLATED:
            found = _deflate_like(content, _compressed(published.archive, entry), level)
            if found is None:
                yield None
                return
            packed, level = found
        placed[index] = (zlib.crc32(content), len(packed), len(content), at)
        header = _local_header(entry, placed[index])
        yield header
        yield packed
        at += len(header) + len(packed)
    size = 0
    for index, entry in enumerate(published.archive.entries):
        header = _central_header(entry, placed[index])
        size += len(header)
        yield header
    count = len(published.archive.entries)
    yield END.pack(END_MAGIC, 0, 0, count, count, size, at, 0)


def _compressed(archive: Archive, entry: Entry) -> bytes:
    return archive.data[entry.data_offset : entry.data_offset + entry.compressed_size]


def _deflate_like(content: bytes, wanted: bytes, first: int) -> tuple[bytes, int] | None:
    """`content` deflated to exactly `wanted`, and the zlib level that did it; `first` is tried first."""
    for level in (first, *(level for level in _LEVELS if level != first)):
        if _deflates_to(content, wanted, level):
            return wanted, level
    return None


def _deflates_to(content: bytes, wanted: bytes, level: int) -> bool:
    """Whether zlib makes `wanted` of `content`; a wrong level is given up at its first other byte."""
    state = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    at = 0
    for start in range(0, len(content) + _CHUNK, _CHUNK):
        packed = state.compress(content[start : start + _CHUNK])
        if start >= len(content):
            packed += state.flush()
        if not wanted.startswith(packed, at):
            return False
        at += len(packed)
    return at == len(wanted)


def _local_header(entry: Entry, place: tuple[int, int, int, int]) -> bytes:
    crc, packed, size, _ = place
    fields = (entry.version, entry.flags, entry.method, entry.time, entry.date, crc, packed, size)
    header = LOCAL.pack(LOCAL_MAGIC, *fields, len(entry.raw_name), len(entry.local_extra))
    return header + entry.raw_name + entry.local_extra


def _central_header(entry: Entry, place: tuple[int, int, int, int]) -> bytes:
    crc, packed, size, at = place
    header = CENTRAL.pack(
        CENTRAL_MAGIC, entry.made_by, entry.version, entry.flags, entry.method, entry.time, entry.date,
        crc, packed, size, len(entry.raw_name), len(entry.extra), len(entry.comment),
        0, entry.internal, entry.external, at,
    )  # fmt: skip
    return header + entry.raw_name + entry.extra + entry.comment
