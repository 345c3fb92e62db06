"""Verdicts of earlier runs, for who checks the same files again soon and allows it (`check --max-age`).

    <state>/verdicts/<SHA-256 of policy, evidence and version>.json    VERDICTS, of one user

A verdict is remembered only if it is `reproduced` or `equivalent`, and nothing about it was rejected or could not be
reached: what is missing is asked for anew each time. It holds for at most the time that its user allows, and never
beyond the moment when it would change by age alone (witness.expiry); being used does not make it younger. Another
policy, new evidence against any log, or a change of keys that was seen, is another file. What cannot be read, or what
others could have written, is ignored, and said so.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from witness import __version__, files
from witness.digest import sha256_hex
from witness.errors import Incomplete
from witness.escape import printable
from witness.evidence import Artifact
from witness.expiry import kept_until
from witness.limits import MIB
from witness.policy import Policy
from witness.store.directory import DirectoryStore
from witness.verdict import Verdict

SCHEMA: Final = "verdicts/1"
MAX_FILE: Final = 32 * MIB
MAX_VERDICTS: Final = 20_000
MAX_SECONDS: Final = 86_400  # the most that `--max-age` takes
_WORTH: Final = ("reproduced", "equivalent")


@dataclass(frozen=True, slots=True)
class Remembered:
    """A verdict, when it was reached, and the first moment when it may be another by age alone. Both in UTC."""

    verdict: Verdict
    reached: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class _Document:
    schema: str
    verdicts: tuple[Remembered, ...]


class Memory:
    """Of one policy. `seconds` is how old a verdict may be that is used."""

    def __init__(self, state: Path, digest: str, seconds: float) -> None:
        name = sha256_hex("\n".join([digest, __version__, *_known(state)]).encode("utf-8", "surrogateescape"))
        self.path = state / "verdicts" / f"{name}.json"
        self.trouble = ""
        self._seconds = seconds
        self._changed = False
        self._held: dict[Artifact, Remembered] = {}
        try:
            self._held = {item.verdict.artifact: item for item in self._read()}
        except FileNotFoundError:
            pass
        except (OSError, ValueError, RecursionError) as error:
            why = printable(str(error).partition("\n")[0], limit=200)
            self.trouble = f"{printable(str(self.path))}: ignored, and written anew: {why}"

    def recall(self, artifact: Artifact, now: datetime) -> Verdict | None:
        """What was decided about `artifact`, if it may still be used at `now`."""
        found = self._held.get(artifact)
        if found is None or not found.reached <= now < found.until:
            return None
        return found.verdict if now - found.reached < timedelta(seconds=self._seconds) else None

    def remember(self, verdicts: Iterable[Verdict], policy: Policy, now: datetime) -> None:
        """Takes in what was just decided, and forgets what it replaces."""
        for verdict in verdicts:
            self._held.pop(verdict.artifact, None)
            self._changed = True
            if _is_plain(verdict):
                self._held[verdict.artifact] = Remembered(verdict, now, kept_until(verdict, policy, now))

    def save(self) -> None:
        """Writes it down, the newest `MAX_VERDICTS`, where that is possible: it costs the next run its time."""
        if not self._changed:
            return
        newest = sorted(self._held.values(), key=lambda item: item.reached)[-MAX_VERDICTS:]
        data = _adapter().dump_json(_Document(SCHEMA, tuple(newest)))
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            DirectoryStore(self.path.parent).put(self.path.name, data)
            self.path.chmod(0o600)
            self._clear_away()
        except (OSError, Incomplete) as error:
            self.trouble = f"{printable(str(self.path))}: cannot be written: {printable(str(error))}"

    def _clear_away(self) -> None:
        """Files that have run out, whatever policy they were of."""
        now = self.path.stat().st_mtime
        for path in self.path.parent.glob("*.json"):
            if now - path.stat().st_mtime > MAX_SECONDS:
                path.unlink(missing_ok=True)

    def _read(self) -> tuple[Remembered, ...]:
        with self.path.open("rb") as file:
            found = os.fstat(file.fileno())
            if files.may_be_others(found):
                raise ValueError("others may have written it")
            data = file.read(MAX_FILE + 1)
        if len(data) > MAX_FILE:
            raise ValueError("larger than it may be")
        document: _Document = _adapter().validate_json(data, strict=True)
        if document.schema != SCHEMA:
            raise ValueError("of another version")
        return document.verdicts


def _known(state: Path) -> list[str]:
    """What is known of logs and keys, apart from what a policy says: evidence by name, events of keys by content."""
    evidence = sorted(str(path.relative_to(state)) for path in state.glob("evidence/*/*"))
    keys = sorted(state.glob("keys/*.jsonl"))
    return [*evidence, *(f"{path.name} {sha256_hex(path.read_bytes())}" for path in keys)]


def _is_plain(verdict: Verdict) -> bool:
    heard = all(item.reachable for item in verdict.silent)
    return verdict.outcome in _WORTH and heard and not verdict.rejected and not verdict.dissenting


def _adapter() -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(_Document)
