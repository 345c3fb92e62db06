"""`make bench`: a rebuild beside `uv build` and `pip wheel` of the same sdists, with the same pins, in the same run.

Everything is warm: downloads, build environments, uv's and pip's caches. Prints seconds and ratios; a ratio below 1
says that we were faster, although we also unpack in a sandbox, compare and explain. Then the static check beside
unpacking the same files (tools/bench_static.py), the log as it grows (tools/bench_log.py), a consumer's check
(tools/bench_verify.py), how a site is pushed to where it is served (tools/bench_push.py), and a node at work
(tools/bench_node.py). Nothing here passes or fails.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench_check import check_rows
from bench_log import log_rows
from bench_node import node_rows
from bench_proxy import proxy_rows
from bench_push import push_rows
from bench_site import SIZES as PAGED
from bench_site import site_rows
from bench_start import start_rows
from bench_static import fetched, static_rows, static_table
from bench_verify import verify_rows

from rebuilders.batch import Batch, read_list
from rebuilders.config import Settings
from rebuilders.pipeline import Report
from rebuilders.wiring import Workshop, open_workshop
from witness.names import TargetName

SMALL = "six==1.17.0"
TEN = (
    "six==1.17.0", "requests==2.34.2", "attrs==26.1.0", "idna==3.20", "packaging==26.3",
    "click==8.5.1", "jinja2==3.1.6", "h11==0.16.0", "iniconfig==2.3.1", "werkzeug==3.1.9",
)  # fmt: skip
BIN = Path(sys.executable).parent
JOBS = 2


@dataclass(frozen=True)
class Case:
    """A target with what its rebuild found out, so that the peers build the same thing."""

    target: TargetName
    sdist: Path
    python: Path
    constraints: Path
    as_of: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of each single measurement; the median counts")
    parser.add_argument("--json", action="store_true", help="write JSON instead of a table")
    parser.add_argument(
        "--list", type=Path, help="compare a batch over the targets in this file, and nothing else"
    )
    parser.add_argument(
        "--pairs",
        type=Path,
        help="the static check over the wheels and sdists in this directory, and nothing else",
    )
    parser.add_argument("--log", action="store_true", help="measure the log, and nothing else")
    parser.add_argument("--consumer", action="store_true", help="measure check and proxy, and nothing else")
    parser.add_argument("--start", action="store_true", help="measure how programs start, and nothing else")
    parser.add_argument("--verify", action="store_true", help="measure a consumer's check, and nothing else")
    parser.add_argument(
        "--site", type=int, nargs="*", metavar="SIZE", help="measure the pages of a node, and nothing else"
    )
    parser.add_argument("--node", action="store_true", help="measure a node at work, and nothing else")
    parser.add_argument("--push", action="store_true", help="measure pushing a site, and nothing else")
    arguments = parser.parse_args()
    rounds, as_json = arguments.rounds, arguments.json
    # What is measured alone: its rows, and how they are shown.
    alone: list[tuple[object, Callable[[], dict[str, dict[str, float]]], Callable[..., str]]] = [
        (arguments.log, log_rows, table),
        (arguments.consumer, lambda: {**check_rows(), **proxy_rows()}, plain_table),
        (arguments.site is not None, lambda: site_rows(arguments.site or PAGED), plain_table),
        (arguments.push, push_rows, plain_table),
        (arguments.node, node_rows, plain_table),
        (arguments.start, start_rows, table),
        (arguments.verify, lambda: verify_rows(rounds), table),
        (arguments.pairs, lambda: static_rows(arguments.pairs, rounds), static_table),
    ]
    for wanted, measured, shown in alone:
        if wanted:
            results = measured()
            print(json.dumps(results, indent=2) if as_json else shown(results))
            return
    with tempfile.TemporaryDirectory(prefix="wheelwitness-bench-") as directory:
        workshop = open_workshop(Settings())
        if arguments.list:
            results = over_a_list(workshop, read_list(arguments.list), Path(directory))
            print(json.dumps(results, indent=2) if as_json else table(results))
            return
        cases = [prepare(workshop, TargetName.parse(text), Path(directory)) for text in TEN]
        small = next(case for case in cases if str(case.target) == SMALL)
        rows = {
            f"one rebuild ({SMALL})": (
                lambda: workshop.rebuild(small.target, 600),
                lambda: uv_build(small),
                lambda: pip_wheel(small),
                rounds,
            ),
            f"a batch of ten, {JOBS} at a time": (
                lambda: batch([case.target for case in cases]),
                lambda: at_a_time(uv_build, cases),
                lambda: at_a_time(pip_wheel, cases),
                1,
            ),
        }
        results = {name: measure(*row) for name, row in rows.items()}
        (pairs := Path(directory) / "pairs").mkdir()
        static = static_rows(fetched(TEN, pairs), rounds)
    grown, verified, started = log_rows(), verify_rows(rounds), start_rows()
    checks, proxied, pushed, paged, nodes = check_rows(), proxy_rows(), push_rows(), site_rows(), node_rows()
    if as_json:
        rows = {
            **results,
            **static,
            **grown,
            **verified,
            **started,
            **checks,
            **proxied,
            **pushed,
            **paged,
            **nodes,
        }
        print(json.dumps(rows, indent=2))
    else:
        tables = [table(results), static_table(static), table(grown), table(verified), table(started)]
        more = [plain_table(rows) for rows in (checks, proxied, pushed, paged, nodes)]
        print(*tables, *more, sep="\n\n")


def over_a_list(
    workshop: Workshop, targets: list[TargetName], directory: Path
) -> dict[str, dict[str, float]]:
    """A batch with downloads in the cache, without build environments and again with them, beside `uv build` alone."""
    cache = workshop.ports.environments.cache
    built = [target for target in targets if workshop.rebuild(target, 600).best is not None]
    cases = [prepare(workshop, target, directory) for target in built]
    with ThreadPoolExecutor(JOBS) as pool:
        cases = [case for case, works in zip(cases, pool.map(is_built_by_uv, cases), strict=True) if works]
    theirs = timed(lambda: at_a_time(uv_build, cases), 1)[0]
    names = [case.target for case in cases]
    for name in ("environments", "installed"):
        shutil.rmtree(cache / name, ignore_errors=True)
    first, second = (timed(lambda: list(Batch(Settings(), JOBS, 600).results(names)), 1)[0] for _ in range(2))
    rows = {"no environment yet": first, "all warm": second}
    return {
        f"{len(cases)} targets, {name}": {"ours": ours, "uv build": theirs, "ours / uv build": ours / theirs}
        for name, ours in rows.items()
    }


def is_built_by_uv(case: Case) -> bool:
    try:
        uv_build(case)
    except SystemExit:
        return False
    return True


def prepare(workshop: Workshop, target: TargetName, directory: Path) -> Case:
    """Rebuilds once, which warms our caches, and writes down the pins."""
    report = workshop.rebuild(target, 600)
    if (
        report.best is None
        or report.target is None
        or report.target.sdist is None
        or report.target.uploaded is None
    ):
        sys.exit(f"bench: {target} was not rebuilt: {report.failure}")
    sdist = directory / report.target.sdist.filename
    sdist.write_bytes(report.target.sdist.data)
    constraints = directory / f"{target.project}.txt"
    pins = (f"{item.name}=={item.version}" for item in report.best.recipe.requirements)
    constraints.write_text("\n".join(pins) + "\n")
    python = interpreter(workshop, report)
    return Case(target, sdist, python, constraints, report.target.uploaded.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))


def interpreter(workshop: Workshop, report: Report) -> Path:
    assert report.best is not None
    name = report.best.recipe.interpreter
    return next(each.executable for each in workshop.ports.interpreters if each.name == name)


def uv_build(case: Case) -> None:
    with tempfile.TemporaryDirectory() as out:
        how = ["--wheel", "--quiet", "--no-config", "--python", case.python, "--out-dir", out]
        pins = ["--build-constraints", case.constraints, "--exclude-newer", case.as_of]
        run([BIN / "uv", "build", *how, *pins, case.sdist])


def pip_wheel(case: Case) -> None:
    with tempfile.TemporaryDirectory() as out:
        how = ["--quiet", "--no-deps", "--disable-pip-version-check", "--wheel-dir", out]
        run([BIN / "python", "-m", "pip", "wheel", *how, case.sdist], PIP_CONSTRAINT=str(case.constraints))


def run(argv: list[object], **variables: str) -> None:
    done = subprocess.run(
        list(map(str, argv)), env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"bench: {argv[0]} failed: {done.stderr[-2000:]}")


def batch(targets: list[TargetName]) -> None:
    for result in Batch(Settings(), JOBS, 600).results(targets):
        if result["result"] != "match":
            sys.exit(f"bench: {result['input']}: {result['result']}")


def at_a_time(build: Callable[[Case], None], cases: list[Case]) -> None:
    with ThreadPoolExecutor(JOBS) as pool:
        list(pool.map(build, cases))


def measure(
    ours: Callable[[], object], uv: Callable[[], object], pip: Callable[[], object], rounds: int
) -> dict[str, float]:
    """Medians in seconds, and ours in relation to each peer. The peers get a round to warm up."""
    uv()
    seconds = {name: statistics.median(timed(call, rounds)) for name, call in (("ours", ours), ("uv", uv))}
    seconds["pip"] = statistics.median(timed(pip, min(rounds, 2)))
    return {
        "ours": seconds["ours"],
        "uv build": seconds["uv"],
        "pip wheel": seconds["pip"],
        "ours / uv build": seconds["ours"] / seconds["uv"],
        "ours / pip wheel": seconds["ours"] / seconds["pip"],
    }


def timed(call: Callable[[], object], rounds: int) -> list[float]:
    durations = []
    for _ in range(rounds):
        started = time.perf_counter()
        call()
        durations.append(time.perf_counter() - started)
    return durations


def plain_table(results: dict[str, dict[str, float]]) -> str:
    """Rows that say their own units."""
    lines = (
        f"{name:50}" + "".join(f"{value:10.2f} {unit}" for unit, value in row.items())
        for name, row in results.items()
    )
    return "\n".join(lines)


def table(results: dict[str, dict[str, float]]) -> str:
    columns = list(next(iter(results.values())))
    lines = [f"{'':34}" + "".join(f"{column:>18}" for column in columns)]
    for name, row in results.items():
        cells = (f"{value:.2f}{'' if '/' in column else ' s'}" for column, value in row.items())
        lines.append(f"{name:34}" + "".join(f"{cell:>18}" for cell in cells))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
