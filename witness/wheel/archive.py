"""Strict ZIP reading (PKWARE APPNOTE 6.3, as PEP 427 uses it): one way to read an archive, or a finding.

Two readers of one ZIP file may see different things: that is what every check here is about. A file that cannot
be read at all is `Malformed`. A file that can be read, but that another tool might read differently, or that
holds bytes which belong to nothing, is read and carries `findings`; what has findings is never called equal to
anything but the very same bytes. Nothing is extracted, and nothing is decompressed beyond its declared size.
"""

import stat
import struct
import unicodedata
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from witness.errors import Malformed
from witness.limits import ARCHIVE, ArchiveLimits

STORED: Final = 0
DEFLATED: Final = 8

LOCAL: Final = struct.Struct("<4sHHHHHLLLHH")
CENTRAL: Final = struct.Struct("<4sHHHHHHLLLHHHHHLL")
END: Final = struct.Struct("<4sHHHHLLH")
LOCAL_MAGIC: Final = b"PK\x03\x04"
CENTRAL_MAGIC: Final = b"PK\x01\x02"
END_MAGIC: Final = b"PK\x05\x06"
DESCRIPTOR_MAGIC: Final = b"PK\x07\x08"

_ENCRYPTED: Final = 0x0001
_DESCRIPTOR: Final = 0x0008
_UTF8: Final = 0x0800
_KNOWN_FLAGS: Final = _DESCRIPTOR | _UTF8 | 0x0006  # bits 1 and 2: what deflate was asked for
_UNIX: Final = 3
_MAX_VERSION: Final = 63  # APPNOTE 4.4.3: the highest there is; zipfile refuses what asks for more
_DOS_NO_FILE: Final = 0x18  # the attributes of directories and volume labels
# Time stamps and owners, which installers ignore. 0x7075 renames a member for some readers: never harmless.
_HARMLESS_EXTRA: Final = frozenset({0x5455, 0x7875})
_CHUNK: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """An ambiguity: `path` is a member's name, or empty for the archive as a whole."""

    path: str
    kind: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One member, by its central header. Offsets and sizes are bytes; `date_time` is the raw DOS pair."""

    name: str
    raw_name: bytes
    made_by: int
    version: int
    flags: int
    method: int
    time: int
    date: int
    crc: int
    compressed_size: int
    size: int
    extra: bytes
    local_extra: bytes
    comment: bytes
    disk: int
    internal: int
    external: int
    offset: int
    data_offset: int

    @property
    def is_dir(self) -> bool:
        return self.name.endswith("/")

    @property
    def mode(self) -> int:
        """The Unix mode, type bits included; 0 where the archive does not say."""
        return self.external >> 16

    @property
    def executable(self) -> bool:
        """Whether some installer would set an exec bit."""
        return not self.is_dir and bool(self.mode & 0o111)

    @property
    def surely_executable(self) -> bool:
        """Whether every installer would: pip asks for S_IFREG, uv for an archive made on Unix."""
        return self.executable and stat.S_ISREG(self.mode) and self.made_by >> 8 == _UNIX

    @property
    def moment(self) -> tuple[int, int, int, int, int, int]:
        """Year, month, day, hour, minute, second as written: no zone, steps of two seconds."""
        date, time = self.date, self.time
        return (
            (date >> 9) + 1980, (date >> 5) & 15, date & 31,
            time >> 11, (time >> 5) & 63, (time & 31) * 2,
        )  # fmt: skip


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
    findings: list[Finding] = []
    end, count, size, start = _read_end(data, findings)
    if count > limits.members:
        raise Malformed(f"an archive of {count} members, more than the {limits.members} allowed")
    entries = tuple(_read_central(data, start, size, count, limits))
    total = sum(entry.size for entry in entries)
    if total > limits.total:
        raise Malformed(f"an archive that unpacks to {total} bytes, more than the {limits.total} allowed")
    for entry in entries:
        findings += _entry_findings(entry)
        findings += _local_findings(data, entry)
    findings += _layout_findings(data, entries, start, end)
    findings += _name_findings(entries)
    return Archive(data, entries, tuple(dict.fromkeys(findings)))


def _read_end(data: bytes, findings: list[Finding]) -> tuple[int, int, int, int]:
    """Where the end record is, and the count, size and offset of the central directory that it gives."""
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
    return end, count, size, start


def _read_central(data: bytes, start: int, size: int, count: int, limits: ArchiveLimits) -> Iterator[Entry]:
    at = start
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
        yield _entry(data, fields, raw, data[body + names : body + names + extras], data[at - comments : at])
    if at != start + size:
        raise Malformed("the central directory is longer than its members")


def _entry(data: bytes, fields: tuple[int, ...], raw: bytes, extra: bytes, comment: bytes) -> Entry:
    _, made_by, version, flags, method, time, date, crc, packed, size, *_rest = fields
    disk, internal, external, offset = fields[13:17]
    if flags & _ENCRYPTED:
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
        name=_decode(raw, utf8=bool(flags & _UTF8)),
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


def _entry_findings(entry: Entry) -> Iterator[Finding]:
    kind = stat.S_IFMT(entry.mode)
    checks = {
        "unsupported-compression": entry.method not in (STORED, DEFLATED),
        "unknown-flags": entry.flags & ~_KNOWN_FLAGS,
        "unknown-version": entry.version > _MAX_VERSION,
        "several-disks": entry.disk,
        "data-descriptor": entry.flags & _DESCRIPTOR,
        "member-comment": entry.comment,
        "special-file": kind not in (0, stat.S_IFDIR if entry.is_dir else stat.S_IFREG)
        or (entry.external & _DOS_NO_FILE and not entry.is_dir),
        "special-mode": entry.mode & 0o7000 and entry.made_by >> 8 == _UNIX,
        "ambiguous-executable": entry.executable and not entry.surely_executable,
        "name-without-utf8-flag": not entry.raw_name.isascii() and not entry.flags & _UTF8,
        "directory-with-content": entry.is_dir and (entry.size or entry.compressed_size or entry.crc),
        "stored-size": entry.method == STORED and entry.size != entry.compressed_size,
        "unknown-extra-field": not _harmless(entry.extra) or not _harmless(entry.local_extra),
    }
    return (Finding(entry.name, kind) for kind, found in checks.items() if found)


def _harmless(extra: bytes) -> bool:
    at = 0
    while at < len(extra):
        if at + 4 > len(extra):
            return False
        ident, size = struct.unpack_from("<HH", extra, at)
        at += 4 + size
        if ident not in _HARMLESS_EXTRA or at > len(extra):
            return False
    return True


def _local_findings(data: bytes, entry: Entry) -> Iterator[Finding]:
    fields = LOCAL.unpack_from(data, entry.offset)
    _, version, flags, method, time, date, crc, packed, size, names, _ = fields
    at = entry.offset + LOCAL.size
    told = [version, flags, method, time, date, data[at : at + names]]
    central = [entry.version, entry.flags, entry.method, entry.time, entry.date, entry.raw_name]
    if not flags & _DESCRIPTOR:  # with one, crc and sizes follow the content
        told += [crc, packed, size]
        central += [entry.crc, entry.compressed_size, entry.size]
    if told != central:
        yield Finding(entry.name, "local-header-differs")


def _layout_findings(data: bytes, entries: tuple[Entry, ...], start: int, end: int) -> Iterator[Finding]:
    """Members must lie one after the other from the first byte to the central directory, and it to the end."""
    at = 0
    for entry in sorted(entries, key=lambda entry: entry.offset):
        if entry.offset != at:
            yield Finding(entry.name, "hidden-bytes" if entry.offset > at else "overlapping-members")
        at = entry.data_offset + entry.compressed_size
        if entry.flags & _DESCRIPTOR:
            at += 16 if data[at : at + 4] == DESCRIPTOR_MAGIC else 12
    if at != start or end < start:
        yield Finding("", "hidden-bytes" if start > at else "overlapping-members")


def _name_findings(entries: tuple[Entry, ...]) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for entry in entries:
        if not _plain(entry.name):
            yield Finding(entry.name, "unsafe-name")
        # Some file systems fold case and normalise: there, the later of two members would win.
        folded = _fold(entry.name.removesuffix("/"))
        if folded in seen:
            yield Finding(entry.name, "duplicate-name" if seen[folded] == entry.name else "colliding-name")
        seen[folded] = entry.name
    parents = _parents(seen)
    for folded, name in seen.items():
        if folded in parents and not name.endswith("/"):
            yield Finding(name, "colliding-name")
    # pip makes no directory of its own accord, uv makes each: an empty one can be imported, and can shadow.
    filled = _parents(entry.name for entry in entries if not entry.is_dir)
    for entry in entries:
        if entry.is_dir and entry.name.removesuffix("/") not in filled:
            yield Finding(entry.name, "empty-directory")


def _parents(paths: Iterable[str]) -> set[str]:
    """Every directory that one of `paths` lies in."""
    found: set[str] = set()
    for path in paths:
        at = path.rfind("/")
        while at > 0 and path[:at] not in found:
            found.add(path[:at])
            at = path.rfind("/", 0, at)
    return found


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _plain(name: str) -> bool:
    """A relative path with nothing in it that any system or terminal treats specially."""
    parts = name.removesuffix("/").split("/")
    return (
        all(part not in ("", ".", "..") and not part.endswith((" ", ".")) for part in parts)
        and not any(char in '\\:*?"<>|' for char in name)
        and not any(unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs", "Cn") for char in name)
    )
