"""How many nodes, and how many for each file? Tables and a chart for docs/explanation/scale.md, by simulation.

    .venv/bin/python tools/simulate_network.py --write     # some minutes; the same numbers each time
    .venv/bin/python tools/simulate_network.py --nodes 12 --days 20

The model and its assumptions are in tools/network_model.py, the work in tools/network_run.py.
"""

import argparse
import math
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.network_chart import chart
from tools.network_model import DAY, HOUR, KINDS, NEVER, WEEK, World
from tools.network_run import Run, Stage, simulate

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "explanation" / "scale.md"
PICTURE: Final = ROOT / "docs" / "images" / "network.svg"
SIZES: Final = (10, 30, 100, 300, 500)
REDUNDANCIES: Final = (2, 3, 4, 5, 6, 7)
SHOWN: Final = 100  # nodes in the chart and in what is compared
THRESHOLD: Final = 2


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--nodes", type=int, action="append", help="how many nodes; may be given several times"
    )
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="put tables and chart into the documentation")
    options = parser.parse_args()
    world, started = World(days=options.days, seed=options.seed), time.monotonic()
    sizes = tuple(options.nodes or SIZES)
    runs = list(_runs(world, sizes, REDUNDANCIES))
    shown = [run for run in runs if _size(run) == (SHOWN if SHOWN in sizes else sizes[-1])]
    network, witnesses = network_table(runs), witness_table(shown)
    if not options.write:
        print(f"{network}\n\n{witnesses}")
        return
    print("what if", file=sys.stderr)
    put("network", network)
    put("witnesses", witnesses)
    put("changes", change_table(replace(world, nodes=_size(shown[0]))))
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(picture(shown), "utf-8")
    print(f"{PAGE.name} and {PICTURE.name}, in {time.monotonic() - started:.0f} s", file=sys.stderr)


def _runs(world: World, sizes: Sequence[int], redundancies: Sequence[int]) -> Iterator[Run]:
    for nodes in sizes:
        stage = Stage.of(replace(world, nodes=nodes))
        for redundancy in redundancies:
            print(f"{nodes} nodes, {redundancy} for each file", file=sys.stderr)
            yield simulate(stage, redundancy)


def _size(run: Run) -> int:
    return run.stage.world.nodes


def network_table(runs: Sequence[Run]) -> str:
    """A row for each run: how long it takes until `THRESHOLD` operators agree, and how many files they have then."""
    head = ("nodes", "for each file", "median", "95 %", "99 %", "in a day", "in a week", "matches after a week",
            "backlog after 30 days")  # fmt: skip
    rows = []
    for run in runs:
        delays = run.delays(THRESHOLD)
        counts = run.witnesses(WEEK)
        mean = sum(count * files for count, files in counts.items()) / sum(counts.values())
        rows.append((str(_size(run)), str(run.redundancy), *_times(delays), f"{mean:.2f}",
                     _part(run.backlog_done(THRESHOLD, min(30, run.stage.world.days) * DAY))))  # fmt: skip
    return _table(head, rows)


def witness_table(runs: Sequence[Run]) -> str:
    """How many matches files have a week after their upload: a row for each redundancy."""
    head = ("for each file", *map(str, range(9)))
    rows = []
    for run in runs:
        counts = run.witnesses(WEEK)
        rows.append(
            (str(run.redundancy), *(_part(counts[number] / sum(counts.values())) for number in range(9)))
        )
    return _table(head, rows)


def change_table(world: World) -> str:
    """What another assumption does, or another choice, one at a time."""
    base, redundancy = Stage.of(world), 4
    ten = frozenset(Random(world.seed).sample(range(world.nodes), 10))
    servers = frozenset(number for number, node in enumerate(base.nodes) if node.kind is KINDS[0])
    plain = simulate(base, redundancy)
    cases = {
        "as above": plain.delays(THRESHOLD),
        "a threshold of 3": plain.delays(3),
        "the policy names 10 of the nodes": plain.delays(THRESHOLD, ten),
        "the policy names the servers alone": plain.delays(THRESHOLD, servers),
        "what is not one's share is done later": simulate(base, redundancy, later=True).delays(THRESHOLD),
        "results are committed to, and revealed when the day ends": _delays(world, redundancy, window=DAY),
        "builds fail three times as often": _delays(
            world, redundancy, own_failure=0.06, passing_failure=0.09
        ),
        "builds take four times as long": _delays(world, redundancy, seconds=4.0),
        "one provider has them all, and is down two days of 22": _delays(
            world, redundancy, providers=1, provider_up=20 * DAY, provider_down=2 * DAY
        ),
        "four times as many leave for good": _delays(world, redundancy, leaving=1 / (365 * DAY)),
    }
    head = ("what is different", "median", "95 %", "99 %", "in a day", "in a week")
    return _table(head, [(name, *_times(delays)) for name, delays in cases.items()])


def _delays(world: World, redundancy: int, **changes: float) -> list[float]:
    return simulate(Stage.of(replace(world, **changes)), redundancy).delays(THRESHOLD)


def picture(runs: Sequence[Run]) -> str:
    """Coverage by the time from upload, a line for each redundancy."""
    hours = [0.1 * 7200 ** (step / 120) for step in range(121)]  # to 720
    lines = {}
    for run in runs:
        delays = run.delays(THRESHOLD)
        lines[f"{run.redundancy} for each file"] = [
            (hour, sum(delay <= hour * HOUR for delay in delays) / len(delays)) for hour in hours
        ]
    return chart(f"Files on which {THRESHOLD} operators agree, {_size(runs[0])} nodes", lines)


def put(name: str, text: str) -> None:
    """Between the lines `begin` and `end` of that name in the page."""
    pattern = re.compile(rf"(<!-- begin {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
    page, count = pattern.subn(lambda found: f"{found[1]}{text}\n{found[2]}", PAGE.read_text("utf-8"))
    if count != 1:
        raise SystemExit(f"{PAGE}: no place for {name}")
    PAGE.write_text(page, "utf-8")


def _times(delays: Sequence[float]) -> tuple[str, ...]:
    quantiles = (
        delays[min(len(delays) - 1, math.ceil(part * len(delays)) - 1)] for part in (0.5, 0.95, 0.99)
    )
    within = (sum(delay <= limit for delay in delays) / len(delays) for limit in (DAY, WEEK))
    return (*map(_span, quantiles), *map(_part, within))


def _span(seconds: float) -> str:
    if seconds == NEVER:
        return "never"
    if seconds < 1.5 * HOUR:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / HOUR:.1f} h" if seconds < 2 * DAY else f"{seconds / DAY:.1f} d"


def _part(part: float) -> str:
    """In percent; what is not quite all is not called all, nor what is little nothing."""
    text = f"{part:.1%}"
    if text in ("100.0%", "0.0%") and part not in (0.0, 1.0):
        text = "> 99.9%" if part > 0.5 else "< 0.1%"
    return text.replace("%", " %").replace(".0 %", " %")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main()
