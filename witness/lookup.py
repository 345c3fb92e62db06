"""Lookups by hash prefix: files that hold the bundles of every artifact whose digest begins with the same bits, so that
whoever serves one learns only that one of them was wanted. Why it is as it is: docs/adr/0029-lookups-by-prefix.md.

    lookup/width.json              how many bits name a file at present
    lookup/<bits>/<four digits>    the file: the prefix is the digest's first four digits, with the bits beyond cleared

A file is text. Its first line is the format's name, the bits, the prefix, and how many lines follow, or `full` where
they would be more than a file may hold. Each line is the artifact's digest, a space, and a bundle; by digest, and those
of one digest in the order of its shard. The digest is there to find a line cheaply, and is never believed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from witness import canonical
from witness.errors import Malformed
from witness.limits import KIB, MAX_BUNDLE, MAX_LOOKUP

FORMAT: Final = "wheelwitness-lookup-v1"
SCHEMA: Final = "lookup/1"
WIDTH_PATH: Final = "lookup/width.json"
MAX_WIDTH_FILE: Final = KIB
MAX_BITS: Final = (
    16  # with fewer than 65536 times as many files on PyPI as this, more would name a single one
)
ENTRIES: Final = 16  # of the log for each prefix, in the mean: at least so many, and less than twice as many

_DIGITS: Final = 4
_FULL: Final = "full"
_LINE: Final = re.compile(rb"([0-9a-f]{64}) (.*)", re.DOTALL)


class Full(Malformed):
    """The bundles of a prefix are more than its file may hold."""


def bits_for(size: int) -> int:
    """How many bits name a file where the log has `size` entries."""
    return min(MAX_BITS, max(0, (size // ENTRIES).bit_length() - 1))


def prefix_of(sha256: str, bits: int) -> str:
    """The digits that name the file of the artifact with this digest."""
    return _name(int(sha256[:_DIGITS], 16) >> (MAX_BITS - bits), bits)


def prefixes(bits: int) -> Iterator[str]:
    """Every prefix, in order."""
    return (_name(number, bits) for number in range(1 << bits))


def parts_of(prefix: str, old: int, new: int) -> Iterator[str]:
    """The prefixes of `new` bits, not fewer than `old`, that begin with `prefix`, which has `old`."""
    first = int(prefix, 16) >> (MAX_BITS - new)
    return (_name(number, new) for number in range(first, first + (1 << new - old)))


def directory_of(bits: int) -> str:
    """Where the files of this width are."""
    return f"lookup/{bits}"


def path_of(bits: int, prefix: str) -> str:
    """Where the file of `prefix` is."""
    return f"{directory_of(bits)}/{prefix}"


def encode_width(bits: int) -> bytes:
    """The file at `WIDTH_PATH`. `parse_width(encode_width(bits)) == bits`."""
    return canonical.dumps({"bits": bits, "schema": SCHEMA})


def parse_width(data: bytes) -> int:
    """How many bits name a file. Raises `Malformed`, also for more than anyone should be asked to tell."""
    value = canonical.loads_canonical(data, what=WIDTH_PATH, limit=MAX_WIDTH_FILE)
    if not isinstance(value, dict) or set(value) != {"bits", "schema"} or value["schema"] != SCHEMA:
        raise Malformed(f"{WIDTH_PATH}: not of the form {SCHEMA}")
    bits = value["bits"]
    if type(bits) is not int or not 0 <= bits <= MAX_BITS:
        raise Malformed(f"{WIDTH_PATH}: not from 0 to {MAX_BITS} bits")
    return bits


def encode(bits: int, prefix: str, lines: Mapping[str, Sequence[bytes]]) -> bytes:
    """The file of `prefix`, with bundles by digest; one that says that it is full if they are too many."""
    listed = [sha256.encode() + b" " + line + b"\n" for sha256 in sorted(lines) for line in lines[sha256]]
    data = b"".join([_head(bits, prefix, str(len(listed))), *listed])
    return data if len(data) <= MAX_LOOKUP else _head(bits, prefix, _FULL)


def parse(data: bytes, bits: int, prefix: str) -> dict[str, tuple[bytes, ...]]:
    """The bundles in the file of `prefix`, unverified, by the digest that stands before each.

    Raises:
        Full: it holds none, since they would be too many.
        Malformed: too large, cut off, of another prefix, or a line that is too long or begins with no digest.
    """
    if len(data) > MAX_LOOKUP:
        raise Malformed(f"lookup: {len(data)} bytes, more than the {MAX_LOOKUP} allowed")
    if data == _head(bits, prefix, _FULL):
        raise Full(f"lookup: more about the prefix {prefix} than a file may hold")
    head, *lines = data.split(b"\n")
    if not lines or lines.pop() != b"" or head + b"\n" != _head(bits, prefix, str(len(lines))):
        raise Malformed(f"lookup: not the whole file of the prefix {prefix} at {bits} bits")
    found: dict[str, list[bytes]] = {}
    for line in lines:
        parts = _LINE.fullmatch(line)
        if parts is None or len(parts[2]) > MAX_BUNDLE:
            raise Malformed("lookup: a line that is too long, or has no digest before its bundle")
        found.setdefault(parts[1].decode(), []).append(parts[2])
    return {sha256: tuple(bundles) for sha256, bundles in found.items()}


def _name(number: int, bits: int) -> str:
    return f"{number << (MAX_BITS - bits):0{_DIGITS}x}"


def _head(bits: int, prefix: str, count: str) -> bytes:
    return f"{FORMAT} {bits} {prefix} {count}\n".encode()
