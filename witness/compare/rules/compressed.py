"""Payload that is compressed itself (gzip, RFC 1952): equal if both unpack to the same bytes."""

import hashlib
import re
import struct
import zlib
from dataclasses import dataclass
from typing import Final

from witness.compare.rules.rule import Pair, Rule, Subject, Use, Uses
from witness.errors import Malformed

GZIP: Final = Rule(
    "gzip@1",
    "content",
    "`.gz` in the payload",
    "time, operating system, level and name in the header, and how the content is compressed",
    "another content; several members; bytes after the end; a wrong CRC or size; comments, extra fields, reserved "
    "flags; names that are no plain file names; more than 16 MiB packed or 64 MiB unpacked",
    "The installed files differ, and this is why the level is `content`: whoever unpacks them gets the same bytes.",
)

_HEADER: Final = struct.Struct("<2sBBLBB")
_TRAILER: Final = struct.Struct("<LL")
_NAME_FLAG: Final = 0x08
_NAME: Final = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}")
_MAX_PACKED: Final = 16 * 1024 * 1024  # bytes
_MAX_UNPACKED: Final = 64 * 1024 * 1024
_CHUNK: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What a gzip file holds, and what its header says besides."""

    sha256: str
    size: int
    header: str


def read_gzip(data: bytes) -> Unpacked:
    """The one member of `data`, read to its end in chunks of bounded size.

    Raises:
        Malformed: it is not exactly one whole member, or readers may see something else in it.
    """
    if len(data) < _HEADER.size + _TRAILER.size:
        raise Malformed("too short for gzip")
    magic, method, flags, time, extra, system = _HEADER.unpack_from(data)
    if magic != b"\x1f\x8b" or method != 8 or flags & ~_NAME_FLAG:
        raise Malformed("not gzip, or with more than a name")
    at, name = _HEADER.size, b""
    if flags:
        end = data.find(b"\0", at, at + 101)
        name = data[at : max(at, end)]
        if not _NAME.fullmatch(name):
            raise Malformed("a name that is not plain")
        at = end + 1
    sha256, size = _inflated(data, at)
    return Unpacked(
        sha256, size, f"time {time}, level {extra}, system {system}, name {name.decode() or '(none)'}"
    )


def _inflated(data: bytes, at: int) -> tuple[str, int]:
    state = zlib.decompressobj(-zlib.MAX_WBITS)
    digest, size, crc = hashlib.sha256(), 0, 0
    piece = b""
    while not state.eof:
        if not piece:
            piece, at = data[at : at + _CHUNK], at + _CHUNK
        cut_short = not piece
        try:
            chunk = state.decompress(piece, _CHUNK)
        except zlib.error:
            raise Malformed("damaged") from None
        piece = state.unconsumed_tail
        size += len(chunk)
        if size > _MAX_UNPACKED or (cut_short and not chunk):
            raise Malformed("cut short, or more than is unpacked")
        digest.update(chunk)
        crc = zlib.crc32(chunk, crc)
    if state.unused_data + data[at:] != _TRAILER.pack(crc, size):
        raise Malformed("bytes after the end, or a wrong CRC or size")
    return digest.hexdigest(), size


def _judge(pair: Pair) -> Uses | None:
    mine, others = (read_gzip(content) for content in pair.contents(_MAX_PACKED))
    if (mine.sha256, mine.size) != (others.sha256, others.size):
        return None
    unpacked = f"unpacked sha256:{mine.sha256}"
    return (Use(GZIP, f"{mine.header}; {unpacked}", f"{others.header}; {unpacked}"),)


SUBJECT: Final = Subject((GZIP,), lambda pair: not pair.about and pair.path.endswith(".gz"), _judge)
