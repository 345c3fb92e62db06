"""Writes the published file anew from the rebuilt members and the published container fields.

If the outcome is the published file, byte for byte, then all that distinguishes it from the rebuilt one is a
short list of ZIP fields: times, modes, order, compression level. That is the `archiveExact` of an observation.
"""

import hashlib
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from witness.limits import GIB
from witness.wheel.archive import Archive
from witness.wheel.entry import (
    CENTRAL,
    CENTRAL_MAGIC,
    DEFLATED,
    END,
    END_MAGIC,
    LOCAL,
    LOCAL_MAGIC,
    Entry,
)
from witness.wheel.reader import Wheel

_LEVELS: Final = (6, 9, 1, 2, 3, 4, 5, 7, 8)  # zlib's default first, then what people ask for
# Deflated in search of the level, of all members together: enough for nine tries at what PyPI takes without asking,
# and a bound on the time that a file made for it can take.
_MAX_DEFLATED: Final = 1 * GIB


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
    search = _Search(_MAX_DEFLATED)
    placed: dict[int, tuple[int, int, int, int]] = {}
    for index, entry in sorted(enumerate(published.archive.entries), key=lambda pair: pair[1].offset):
        own = entry if entry.is_dir else rebuilt.entries[entry.name]
        size = entry.compressed_size if entry.method == DEFLATED else own.size
        placed[index] = (own.crc, size, own.size, at)
        header = _local_header(entry, placed[index])
        yield header
        if entry.method == DEFLATED and not entry.is_dir:
            wanted = _compressed(published.archive, entry)
            same = own.method == DEFLATED and _compressed(rebuilt.archive, own) == wanted
            if not same and not search.deflates(rebuilt.archive, own, wanted):
                yield None
                return
            yield wanted
        elif not entry.is_dir:
            yield from rebuilt.archive.inflate(own)
        at += len(header) + size
    size = 0
    for index, entry in enumerate(published.archive.entries):
        header = _central_header(entry, placed[index])
        size += len(header)
        yield header
    count = len(published.archive.entries)
    yield END.pack(END_MAGIC, 0, 0, count, count, size, at, 0)


def _compressed(archive: Archive, entry: Entry) -> bytes:
    return archive.data[entry.data_offset : entry.data_offset + entry.compressed_size]


@dataclass(slots=True)
class _Search:
    """The zlib level that a file was deflated at. `left` is how many bytes may yet be deflated to find it."""

    left: int
    level: int = _LEVELS[0]

    def deflates(self, archive: Archive, entry: Entry, wanted: bytes) -> bool:
        """Whether some level makes `wanted` of the content; that level is tried first for the next member."""
        for level in (self.level, *(level for level in _LEVELS if level != self.level)):
            if self._at(level, archive, entry, wanted):
                self.level = level
                return True
        return False

    def _at(self, level: int, archive: Archive, entry: Entry, wanted: bytes) -> bool:
        """A wrong level is given up at its first other byte."""
        state = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
        at = 0
        for piece in self._packed(state, archive, entry):
            if not wanted.startswith(piece, at):
                return False
            at += len(piece)
        return at == len(wanted)

    def _packed(self, state: "zlib._Compress", archive: Archive, entry: Entry) -> Iterator[bytes]:
        for chunk in archive.inflate(entry):
            self.left -= len(chunk)
            if self.left < 0:
                return
            yield state.compress(chunk)
        yield state.flush()


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
