"""RECORD held against the wheel that it is in (PEP 376, PEP 427): every line, and every member.

No installer is asked to do so, and PyPI looks at the names alone: what is wrong here is told, never mended.
"""

import base64
import csv
import hashlib
import io
from collections.abc import Iterator
from typing import Final

from witness.errors import Malformed
from witness.wheel.entry import Finding
from witness.wheel.manifest import SIGNATURES
from witness.wheel.reader import Wheel

_ALGORITHMS: Final = ("sha256", "sha384", "sha512")  # PEP 427: sha256 or better
_MAX_EXTRA_ROWS: Final = 1000  # more rows than members that are read before RECORD is given up


def record_findings(wheel: Wheel) -> Iterator[Finding]:
    """What the RECORD of `wheel` gets wrong; nothing, if it lists each member once, with its hash and its size."""
    path = f"{wheel.dist_info}/RECORD"
    if path not in wheel.members:
        yield Finding(path, "record-missing")
        return
    try:
        rows = _rows(wheel, path)
    except (Malformed, UnicodeDecodeError, csv.Error):
        yield Finding(path, "record-unreadable")
        return
    unlisted = {path, *(f"{wheel.dist_info}/{name}" for name in SIGNATURES)}
    seen: set[str] = set()
    for name, told, size in rows:
        if name in seen:
            yield Finding(name, "record-repeats")
        elif name not in wheel.members:
            yield Finding(name, "record-lists-no-member")
        elif name in unlisted:
            if told or size:
                yield Finding(name, "record-hashes-itself")
        else:
            yield from (Finding(name, kind) for kind in _row_faults(wheel, name, told, size))
        seen.add(name)
    for name in wheel.members.keys() - seen - unlisted:
        yield Finding(name, "record-omits-member")


def _rows(wheel: Wheel, path: str) -> list[tuple[str, str, str]]:
    text = wheel.read(path).decode("utf-8")
    most = len(wheel.members) + _MAX_EXTRA_ROWS
    rows: list[tuple[str, str, str]] = []
    for row in csv.reader(io.StringIO(text, newline=""), strict=True):
        if len(row) != 3 or len(rows) == most:
            raise Malformed("not rows of three")
        rows.append((row[0], row[1], row[2]))
    return rows


def _row_faults(wheel: Wheel, name: str, told: str, size: str) -> Iterator[str]:
    if not size:
        yield "record-without-size"
    elif size != str(wheel.members[name].size):
        yield "record-wrong-size"
    algorithm, _, value = told.partition("=")
    if not told:
        yield "record-without-hash"
    elif algorithm.lower() not in _ALGORITHMS:
        yield "record-weak-hash"
    else:
        digest = _digest(wheel, name, algorithm.lower())
        if value != base64.urlsafe_b64encode(digest).rstrip(b"=").decode() or algorithm != algorithm.lower():
            same = value.rstrip("=").replace("+", "-").replace("/", "_")
            alike = same == base64.urlsafe_b64encode(digest).rstrip(b"=").decode() or value == digest.hex()
            yield "record-odd-hash" if alike else "record-wrong-hash"


def _digest(wheel: Wheel, name: str, algorithm: str) -> bytes:
    if algorithm == "sha256":
        return bytes.fromhex(wheel.members[name].sha256)
    state = hashlib.new(algorithm)
    for chunk in wheel.archive.inflate(wheel.entries[name]):
        state.update(chunk)
    return state.digest()
