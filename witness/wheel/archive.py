"""Strict ZIP reading (PKWARE APPNOTE 6.3, as PEP 427 uses it): one way to read an archive, or a finding.

Two readers of one ZIP file may see different things: that is what every check here is about. A file that cannot
be read at all is `Malformed`. A file that can be read, but that another tool might read differently, or that
holds bytes which belong to nothing, is read and carries `findings`; what has findings is never called equal to
anything but the very same bytes. Nothing is extracted, and nothing is decompressed beyond its declared size.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from witness.errors import Malformed
from witness.limits import ARCHIVE, ArchiveLimits
from witness.wheel.ambiguity import end_findings, entry_findings, layout_findings, local_findings
from witness.wheel.entry import (
    CENTRAL,
    CENTRAL_MAGIC,
    DEFLATED,
    ENCRYPTED,
    END,
    END_MAGIC,
    LOCAL,
    LOCAL_MAGIC,
    STORED,
    UTF8,
    Entry,
    Finding,
)
from witness.wheel.paths import name_findings

_MAX_FINDINGS: Final = 200_000  # twice the members; a hostile archive could have millions
_CHUNK: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Archive:
    """A ZIP file in memory, its entries in the order of the central directory."""

    data: bytes
    entries: tuple[Entry, ...]
    findings: tuple[Finding, ...]

    def inflate(self, entry: Entry) -> Iterator[bytes]:
        """The content of `entry`, in chunks of bounded size.

        Raises:
            Malformed: unsupported method, or the content is not what size and CRC say.
        """
        crc = size = 0
        for chunk in _content(self.data, entry):
            crc = zlib.crc32(chunk, crc)
            size += len(chunk)
            yield chunk
        if size != entry.size or crc != entry.crc:
            raise Malformed(f"{entry.name!r}: the content is not what its size and CRC-32 say")


def read_archive(data: bytes, limits: ArchiveLimits = ARCHIVE) -> Archive:
    """The structure of the ZIP file `data`; contents are read by `Archive.inflate`.

    Raises:
        Malformed: not a ZIP file, encrypted, or beyond a limit.
    """
    if len(data) > limits.file:
        raise Malformed(f"an archive of {len(data)} bytes, more than the {limits.file} allowed")
    end, count, size, start, found = _read_end(data)
    if count > limits.members:
        raise Malformed(f"an archive of {count} members, more than the {limits.members} allowed")
    entries = tuple(_read_central(data, start, size, count, limits))
    total = sum(entry.size for entry in entries)
    if total > limits.unpacked(len(data)):
        allowed = limits.unpacked(len(data))
        raise Malformed(f"an archive that unpacks to {total} bytes, more than the {allowed} allowed")
    findings = chain(
        found,
        end_findings(data, end),
        chain.from_iterable(map(entry_findings, entries)),
        chain.from_iterable(local_findings(data, entry) for entry in entries),
        layout_findings(data, entries, start, end),
        name_findings(entries),
    )
    kept = tuple(dict.fromkeys(islice(findings, _MAX_FINDINGS + 1)))
    if len(kept) > _MAX_FINDINGS:
        raise Malformed("an archive with more findings than can be told")
    return Archive(data, entries, kept)


def _read_end(data: bytes) -> tuple[int, int, int, int, list[Finding]]:
    """Where the end record is, the count, size and offset of the central directory that it gives, what is odd of it."""
    findings: list[Finding] = []
    end = data.rfind(END_MAGIC, max(0, len(data) - END.size - 0xFFFF))
    if end < 0 or len(data) - end < END.size:
        raise Malformed("not a ZIP file: it has no end of central directory")
    _, disk, start_disk, here, count, size, start, comment = END.unpack_from(data, end)
    if comment:
        findings.append(Finding("", "archive-comment"))
    if len(data) != end + END.size + comment:
        findings.append(Finding("", "trailing-bytes"))
    if disk or start_disk or here != count:
        findings.append(Finding("", "several-disks"))
    if (
        data[max(0, end - 20) : end].startswith(b"PK\x06\x07")
        or 0xFFFFFFFF in (size, start)
        or count == 0xFFFF
    ):
        raise Malformed("a ZIP64 archive, which wheels of a sane size do not need")
    if start + size != end:
        # Prepended bytes shift every offset: readers that search from the end see another archive.
        findings.append(Finding("", "displaced-central-directory"))
    if start + size > end:
        raise Malformed("the central directory does not fit into the file")
    return end, count, size, start, findings


def _read_central(data: bytes, start: int, size: int, count: int, limits: ArchiveLimits) -> Iterator[Entry]:
    if size > limits.central:
        raise Malformed(f"a central directory of {size} bytes, more than the {limits.central} allowed")
    at = start
    taken = 0
    for _ in range(count):
        if at + CENTRAL.size > start + size:
            raise Malformed("the central directory is shorter than its count of members says")
        fields = CENTRAL.unpack_from(data, at)
        if fields[0] != CENTRAL_MAGIC:
            raise Malformed("the central directory holds something that is not a header")
        names, extras, comments = fields[10:13]
        if names > limits.name:
            raise Malformed(f"a member's name of {names} bytes, more than the {limits.name} allowed")
        body = at + CENTRAL.size
        at = body + names + extras + comments
        raw = data[body : body + names]
        entry = _entry(
            data, fields, raw, data[body + names : body + names + extras], data[at - comments : at]
        )
        taken += entry.data_offset + entry.compressed_size - entry.offset
        if taken > len(data):  # read once for each of them, a few bytes could keep a reader busy for days
            raise Malformed("members that share their bytes: together they are larger than the file")
        yield entry
    if at != start + size:
        raise Malformed("the central directory is longer than its members")


def _entry(data: bytes, fields: tuple[int, ...], raw: bytes, extra: bytes, comment: bytes) -> Entry:
    _, made_by, version, flags, method, time, date, crc, packed, size, *_rest = fields
    disk, internal, external, offset = fields[13:17]
    if flags & ENCRYPTED:
        raise Malformed(f"{raw[:80]!r}: an encrypted member")
    if 0xFFFFFFFF in (packed, size, offset):
        raise Malformed(f"{raw[:80]!r}: a ZIP64 member, which wheels of a sane size do not need")
    if offset + LOCAL.size > len(data) or data[offset : offset + 4] != LOCAL_MAGIC:
        raise Malformed(f"{raw[:80]!r}: no local header where the central directory says")
    local_names, local_extras = LOCAL.unpack_from(data, offset)[9:11]
    data_offset = offset + LOCAL.size + local_names + local_extras
    if data_offset + packed > len(data):
        raise Malformed(f"{raw[:80]!r}: its content does not fit into the file")
    return Entry(
        name=_decode(raw, utf8=bool(flags & UTF8)),
        raw_name=raw,
        made_by=made_by,
        version=version,
        flags=flags,
        method=method,
        time=time,
        date=date,
        crc=crc,
        compressed_size=packed,
        size=size,
        extra=extra,
        local_extra=data[data_offset - local_extras : data_offset],
        comment=comment,
        disk=disk,
        internal=internal,
        external=external,
        offset=offset,
        data_offset=data_offset,
    )


def _decode(raw: bytes, *, utf8: bool) -> str:
    """The name as most readers see it: cp437 unless bit 11 says UTF-8 (APPNOTE appendix D)."""
    try:
        return raw.decode("utf-8" if utf8 else "cp437")
    except UnicodeDecodeError:
        raise Malformed(f"{raw[:80]!r}: a member's name that is not the UTF-8 it claims to be") from None


def _content(data: bytes, entry: Entry) -> Iterator[bytes]:
    pieces = (
        data[at : min(at + _CHUNK, entry.data_offset + entry.compressed_size)]
        for at in range(entry.data_offset, entry.data_offset + entry.compressed_size, _CHUNK)
    )
    if entry.method == STORED:
        return pieces
    if entry.method == DEFLATED:
        return _inflate(pieces, entry)
    raise Malformed(f"{entry.name!r}: compression method {entry.method} is not one that wheels use")


def _inflate(pieces: Iterator[bytes], entry: Entry) -> Iterator[bytes]:
    state = zlib.decompressobj(-zlib.MAX_WBITS)
    left = entry.size
    for piece in pieces:
        if state.eof:
            raise Malformed(f"{entry.name!r}: bytes after the end of its compressed content")
        for chunk in _drain(state, piece, entry):
            left -= len(chunk)
            if left < 0:
                raise Malformed(f"{entry.name!r}: unpacks to more than its declared size")
            yield chunk
    if state.unused_data:
        raise Malformed(f"{entry.name!r}: bytes after the end of its compressed content")
    if not state.eof:
        raise Malformed(f"{entry.name!r}: its compressed content is cut short")


def _drain(state: "zlib._Decompress", piece: bytes, entry: Entry) -> Iterator[bytes]:
    """All that `piece` decompresses to; a full chunk may leave output behind even if no input is left."""
    while True:
        try:
            chunk = state.decompress(piece, _CHUNK)
        except zlib.error as error:
            raise Malformed(f"{entry.name!r}: damaged content: {error}") from None
        yield chunk
        piece = state.unconsumed_tail
        if len(chunk) < _CHUNK and not piece:
            return
