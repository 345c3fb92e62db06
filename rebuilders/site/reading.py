"""From the logs into the generator's memory: entries that are new, and difference reports that have changed.

Nothing is remembered that is not in a log, verified (witness.logged).
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from rebuilders.site import state
from rebuilders.site.paths import report
from rebuilders.site.reports import parse
from rebuilders.site.seen import Seen, seen
from rebuilders.site.state import State
from rebuilders.site.voices import Voice
from witness.bundle import shard_path
from witness.digest import SHA256_HEX
from witness.errors import FetchFailed, Incomplete, Malformed, NotFound
from witness.limits import MAX_REPORT
from witness.logged import LoggedWitness
from witness.store.directory import DirectoryStore

_BATCH: Final = 1024  # entries, in one transaction


def read_logs(memory: State, witnesses: Sequence[LoggedWitness]) -> int:
    """Adds what is new in each log, whose number is its place. How many entries that were.

    Raises:
        Unverified, Malformed: a log is not what its checkpoint says, or not the one that was read before.
        Incomplete: a file is missing, or the log is older than it was.
    """
    return sum(_read_log(memory, number, witness) for number, witness in enumerate(witnesses))


def _read_log(memory: State, number: int, witness: LoggedWitness) -> int:
    with memory.begin() as connection:
        before = state.read_until(connection, number)
    done = before.size if before else 0
    counts = [before.observations, before.commitments, before.other] if before else [0, 0, 0]
    if before:
        witness.check_continues(before.size, before.root)
    for start in range(done, witness.size, _BATCH):
        stop = min(start + _BATCH, witness.size)
        rows = _take(number, witness, start, stop, counts)
        with memory.begin() as connection:
            values = {"number": number, "size": stop, "root": witness.root_at(stop)}
            values |= dict(zip(("observations", "commitments", "other"), counts, strict=True))
            state.add_observations(connection, rows, values)
    return witness.size - done


def _take(number: int, witness: LoggedWitness, start: int, stop: int, counts: list[int]) -> list[Seen]:
    rows = []
    for said in witness.between(start, stop):
        if said.statement is not None:
            rows.append(seen(number, said.index, said.statement))
        counts[1] += said.commitments
        counts[2] += bool(said.other)
    counts[0] += len(rows)
    return rows


def mark_reports(memory: State, witnesses: Sequence[LoggedWitness]) -> None:
    """Marks the pages of files whose difference report is new, another one, or gone.

    A directory in which no file came or went has the time that it had, and is not looked into.
    """
    for number, witness in enumerate(witnesses):
        for folder in _folders(witness.source.reports):
            _mark_folder(memory, number, folder)


def _mark_folder(memory: State, number: int, folder: Path) -> None:
    try:
        stamp = str(folder.stat().st_mtime_ns)
        with memory.begin() as connection:
            before = state.reports_in(connection, number, folder.name)
            if before.get(".") == stamp:
                return
            found = {".": stamp, **dict(_stamps(folder))}
            changed = {name for name in {*before, *found} if before.get(name) != found.get(name)} - {"."}
            known = [name for name in changed if state.observations_of(connection, sha256=name)]
            state.mark(connection, "file", known)
            state.set_reports(connection, number, folder.name, found)
    except OSError as error:
        raise Incomplete(f"{folder}: {error.strerror or error}") from None


def _folders(root: Path) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if len(path.name) == 2 and path.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _stamps(folder: Path) -> Iterator[tuple[str, str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name.removesuffix(".json")
            if SHA256_HEX.fullmatch(name):
                found = entry.stat(follow_symlinks=False)
                yield name, f"{found.st_mtime_ns} {found.st_size}"


def voice_of(row: Seen, witness: LoggedWitness, *, own: bool) -> Voice:
    """What the node said in the entry that `row` stands for. `own`: its site is where the pages are.

    Raises:
        Unverified, Malformed: the entry is not what it was.
    """
    source = witness.source
    observed = witness.statement(row.index).observation
    place = shard_path(row.sha256)
    where = place if own else f"{source.url.rstrip('/')}/{place}" if source.url else ""
    voice = Voice(row, source.name, source.operator, where, observed)
    if observed.comparison is None or observed.comparison.report is None:
        return voice
    try:
        data = DirectoryStore(source.reports).get(report(row.sha256), limit=MAX_REPORT)
    except NotFound:
        return voice.with_report(None, "it is not at hand")
    except FetchFailed as error:
        return voice.with_report(None, str(error))
    try:
        return voice.with_report(parse(data, row.sha256, observed), "")
    except Malformed as error:
        return voice.with_report(None, str(error))
