"""How long the consumer's program takes to answer, beside a Python that does nothing."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

PROGRAM = str(Path(sys.executable).parent / "wheelwitness")
NOTHING = [sys.executable, "-c", "pass"]
CASES = {
    "wheelwitness --help": [PROGRAM, "--help"],
    "wheelwitness check --help": [PROGRAM, "check", "--help"],
    "python -c 'from witness import check'": [sys.executable, "-c", "from witness import check"],
}


def start_rows(rounds: int = 15) -> dict[str, dict[str, float]]:
    """For each case the median of both, and their ratio; the two take turns."""
    return {name: _measure(command, rounds) for name, command in CASES.items()}


def _measure(command: list[str], rounds: int) -> dict[str, float]:
    ours, nothing = zip(*((_seconds(command), _seconds(NOTHING)) for _ in range(rounds)), strict=True)
    one, other = statistics.median(ours), statistics.median(nothing)
    return {"ours": one, "python -c pass": other, "ours / python -c pass": one / other}


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    return time.perf_counter() - started
