"""A former report to hold a new one against, so that only what became worse fails.

An entry is the same as before if it allows the same files, by SHA-256; a line that moves is no change, and another file
is a new entry. It is known if it was no better then: its verdict, its signatures and those who dissent. Whoever can
change the baseline can have anything known, so it is never looked for: the user names it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from witness.digest import SHA256_HEX
from witness.errors import InputError
from witness.escape import printable
from witness.limits import MIB
from witness.outcome import OUTCOMES
from witness.pinned import SEVERITY
from witness.report.guidance import GUIDANCE
from witness.report.json import SCHEMA
from witness.report.model import Report, Row

MAX_BASELINE: Final = 64 * MIB

_Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Before:
    """What is known of one entry."""

    name: str
    rank: int  # in SEVERITY, 0 is the worst
    bad_signature: bool
    dissenting: frozenset[str]

    def covers(self, row: Row) -> bool:
        dissenting = {voice.witness for voice in row.verdict.dissenting} if row.verdict else set()
        return (
            self.rank <= SEVERITY.index(row.outcome)
            and (self.bad_signature or not row.bad_signature)
            and dissenting <= self.dissenting
        )


@dataclass(frozen=True, slots=True)
class Baseline:
    """The entries of a former report, by what they allow."""

    entries: Mapping[_Key, _Before]

    def applied(self, report: Report) -> Report:
        """`report` with what is known marked, and with the names of what is gone."""
        rows = tuple(
            replace(row, known=True) if _is_bad(row) and self._covers(row) else row for row in report.rows
        )
        now = {_key_of(row) for row in rows}
        gone = tuple(before.name for key, before in self.entries.items() if key not in now)
        return replace(report, rows=rows, gone=gone)

    def _covers(self, row: Row) -> bool:
        before = self.entries.get(_key_of(row))
        return before is not None and before.covers(row)


def parse(data: bytes, *, name: str) -> Baseline:
    """The baseline in `data`, a report of schema `check/1`. `name` is its file, for messages.

    Raises:
        InputError: it is none.
    """
    if len(data) > MAX_BASELINE:
        raise InputError(f"{name}: larger than any report", hint="Is this the right file?")
    try:
        return Baseline(_entries(json.loads(data)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        hint = "A baseline is what `wheelwitness check --format json=FILE` wrote."
        raise InputError(f"{name}: not a report of schema {SCHEMA}", hint=hint) from None


def _entries(value: Any) -> dict[_Key, _Before]:
    if value["schema"] != SCHEMA:
        raise ValueError(f"not of schema {SCHEMA}")
    entries: dict[_Key, _Before] = {}
    for item in value["artifacts"]:
        key, before = _entry(item)
        known = entries.get(key, before)
        # Of an entry that stands there twice, the better of everything: less is known then.
        entries[key] = _Before(
            name=known.name,
            rank=max(known.rank, before.rank),
            bad_signature=known.bad_signature and before.bad_signature,
            dissenting=known.dissenting & before.dissenting,
        )
    return entries


def _entry(item: Any) -> tuple[_Key, _Before]:
    name, outcome = item["name"], item["verdict"]
    digests = tuple(sorted(file["sha256"] for file in item["files"]))
    dissenting, bad = item["dissenting"], item.get("badSignature", False)
    if not isinstance(name, str) or outcome not in OUTCOMES or not isinstance(bad, bool):
        raise ValueError("not an entry")
    if not all(isinstance(witness, str) for witness in dissenting):
        raise ValueError("not names")
    if not all(SHA256_HEX.fullmatch(digest) for digest in digests):
        raise ValueError("not digests")
    before = _Before(name, SEVERITY.index(outcome), bad, frozenset(dissenting))
    return digests or ("", name), before


def _key_of(row: Row) -> _Key:
    return tuple(sorted(file.artifact.sha256 for file in row.files)) or ("", printable(row.name))


def _is_bad(row: Row) -> bool:
    return row.bad_signature or GUIDANCE[row.outcome].weight != "fine"
