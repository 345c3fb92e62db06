"""RECORD (PEP 376, PEP 427): a function of the other members, once it was checked against them."""

import base64
import csv
import io
from typing import Final

from witness.compare.rules.rule import Pair, Rule, Subject, Uses
from witness.errors import Malformed
from witness.wheel.manifest import SIGNATURES
from witness.wheel.reader import Wheel

RECORD: Final = Rule(
    "record-complete@1",
    "metadata",
    "`RECORD`",
    "the whole file: order, quotes, line ends",
    "a `RECORD` that does not list every member of its own wheel exactly once, with its SHA-256 and size, and "
    "nothing else",
    "It follows from the other members, which are compared. Installers write one of their own.",
)


def records_hold(published: Wheel, rebuilt: Wheel) -> bool:
    """Whether each wheel's RECORD is right about it. Where not, no rule may equate what RECORD should have told."""
    return all(_is_complete(wheel) for wheel in (published, rebuilt))


def _judge(pair: Pair) -> Uses | None:
    return (pair.use_of(RECORD),) if records_hold(pair.published, pair.rebuilt) else None


def _is_complete(wheel: Wheel) -> bool:
    path = f"{wheel.dist_info}/RECORD"
    try:
        text = wheel.read(path).decode("utf-8")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (Malformed, UnicodeDecodeError, csv.Error):
        return False
    if any(len(row) != 3 for row in rows):
        return False
    unlisted = {path, *(f"{wheel.dist_info}/{name}" for name in SIGNATURES)}
    listed = {name: (digest, size) for name, digest, size in rows}
    if len(listed) != len(rows) or not listed.keys() <= wheel.members.keys():
        return False
    if any(listed.get(name, ("", "")) != ("", "") for name in unlisted):
        return False
    return {name: row for name, row in listed.items() if name not in unlisted} == {
        name: (_record_hash(member.sha256), str(member.size))
        for name, member in wheel.members.items()
        if name not in unlisted
    }


def _record_hash(sha256: str) -> str:
    return "sha256=" + base64.urlsafe_b64encode(bytes.fromhex(sha256)).rstrip(b"=").decode()


SUBJECT: Final = Subject((RECORD,), lambda pair: pair.about == "RECORD", _judge)
