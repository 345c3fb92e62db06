"""The static check beside unpacking the same files and beside diffoscope, in the same run; rows for `make bench`.

All are warm: the files are read once before. Unpacking is what any check of contents does at the least; diffoscope
is asked what differs between wheel and sdist, for a few pairs, since it takes seconds for each.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rebuilders.checking import check_target
from rebuilders.config import Settings
from rebuilders.inputs import LocalPair, from_files, from_index, local_pairs
from rebuilders.survey import Survey
from rebuilders.wiring import open_index
from witness.names import TargetName

JOBS = os.cpu_count() or 1
FEW = 3  # pairs for diffoscope
DIFFOSCOPE_SECONDS = 120

Row = dict[str, float | str]


def fetched(targets: tuple[str, ...], directory: Path) -> Path:
    """A directory with the files of `targets`, out of the product's own cache."""
    index, _, _ = open_index(Settings())
    for text in targets:
        target = from_index(TargetName.parse(text), index)
        if target.sdist is None:
            sys.exit(f"bench: {text} has no sdist")
        (directory / target.name.filename).write_bytes(target.data)
        (directory / target.sdist.filename).write_bytes(target.sdist.data)
    return directory


def static_rows(directory: Path, rounds: int) -> dict[str, Row]:
    """Seconds, pairs a second, and how often it was a match."""
    pairs, _ = local_pairs(directory)
    if not pairs:
        sys.exit(f"bench: {directory}: no wheel with the sdist of its release")
    size = sum(path.stat().st_size for pair in pairs for path in (pair.wheel, pair.sdist))
    matches = sum(result["result"] == "match" for result in Survey(JOBS).results(pairs))
    title = f"{len(pairs)} pairs, {size / 1e6:.0f} MB"
    rows: dict[str, Row] = {
        f"static, {title}, one process": _row(lambda: _one_by_one(pairs), len(pairs), rounds),
        f"static, {title}, {JOBS} processes": _row(
            lambda: list(Survey(JOBS).results(pairs)), len(pairs), rounds
        ),
        f"unzip -q and tar -xz, {title}": _unpacked(pairs, 1, rounds),
        f"unzip -q and tar -xz, {title}, {JOBS} at a time": _unpacked(pairs, JOBS, rounds),
        f"diffoscope, {min(FEW, len(pairs))} of them": _diffoscope(pairs[:FEW]),
    }
    for name, row in rows.items():
        row["matches"] = str(matches) if name.startswith("static") else ""
    return rows


def _one_by_one(pairs: list[LocalPair]) -> None:
    for pair in pairs:
        check_target(lambda pair=pair: from_files(pair.wheel, pair.sdist))  # type: ignore[misc]


def _unpacked(pairs: list[LocalPair], jobs: int, rounds: int) -> Row:
    if not shutil.which("unzip") or not shutil.which("tar"):
        return {"seconds": "absent", "pairs / s": ""}

    def unpack(pair: LocalPair) -> None:
        with tempfile.TemporaryDirectory(prefix="wheelwitness-bench-") as out:
            subprocess.run(["unzip", "-q", "-o", pair.wheel, "-d", out], check=False, capture_output=True)
            how = ["-xzf", pair.sdist] if pair.sdist.name.endswith(".gz") else ["--version"]
            subprocess.run(["tar", "-C", out, *how], check=False, capture_output=True)

    def all_() -> None:
        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(unpack, pairs))

    return _row(all_, len(pairs), rounds)


def _diffoscope(pairs: list[LocalPair]) -> Row:
    program = shutil.which(
        "diffoscope", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    )
    if program is None:
        return {"seconds": "absent", "pairs / s": ""}

    def compare() -> None:
        for pair in pairs:
            argv = [program, "--text", "/dev/null", pair.wheel, pair.sdist]
            try:
                subprocess.run(argv, capture_output=True, check=False, timeout=DIFFOSCOPE_SECONDS)
            except subprocess.TimeoutExpired:
                print(f"bench: diffoscope: {pair.wheel.name}: given up", file=sys.stderr)

    return _row(compare, len(pairs), 1)


def _row(call: Callable[[], object], count: int, rounds: int) -> Row:
    """The fastest round: what else the machine does can only add to it."""
    durations = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        durations.append(time.perf_counter() - started)
    return {"seconds": round(min(durations), 3), "pairs / s": round(count / min(durations), 1)}


def static_table(rows: dict[str, Row]) -> str:
    columns = ("seconds", "pairs / s", "matches")
    lines = [f"{'':52}" + "".join(f"{column:>12}" for column in columns)]
    lines += [
        f"{name:52}" + "".join(f"{row[column]!s:>12}" for column in columns) for name, row in rows.items()
    ]
    return "\n".join(lines)
