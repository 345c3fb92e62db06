"""`make bench`, a consumer's check over HTTP: 500 pins against five witnesses on loopback.

A new process each time. `cold`: nothing is known, and every witness is asked about every file. `remembered`: the same
again with `--max-age 3600` (witness/remembered.py). `offline`: from a file of bundles, all of them verified;
`snapshot`: from a snapshot of the five logs, likewise. Bytecode is there, as installers or a first run leave it. The
sites are served by one process of `rebuilder serve`'s server beside it. pip-audit answers another question about the
same file, with one request a package. It is installed from PyPI into an environment of its own, skipped where that
fails, and asks a service on loopback that knows of nothing: less than that it never costs.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench_beside import free_port, installed, running

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.integration.trusted_nodes import Node, stated
from witness.digest import sha256_hex

PINS = 500
NODES = tuple(Node(f"node-{letter}", f"Operator {letter}") for letter in "abcde")
PROGRAM = "from witness.cli.main import main; main()"
OSV = """
import sys
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
async def query(request):
    await request.body()
    return JSONResponse({})
app = Starlette(routes=[Route("/v1/query", query, methods=["POST"])])
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
"""
SERVER = """
import sys
from pathlib import Path
from rebuilders.node.server import serve_site
serve_site(Path(sys.argv[1]), "127.0.0.1", 0, lambda line: print(line, flush=True))
"""


def check_rows(rounds: int = 3) -> dict[str, dict[str, float]]:
    """Seconds by the clock and of CPU time, which other work on the machine changes less; medians of `rounds`."""
    with tempfile.TemporaryDirectory(prefix="wheelwitness-bench-check-") as directory:
        root = Path(directory)
        requirements = _world(root)
        with _served(root / "sites") as url:
            _policy(root, url)
            ways = {
                "cold": lambda: _check(root, requirements, fresh=True),
                "remembered": lambda: _check(root, requirements, "--max-age", "3600"),
                "offline": lambda: _check(root, requirements, "--bundle", str(root / "all.jsonl")),
                "snapshot": lambda: _check(root, requirements, "--snapshot", str(root / "snapshot")),
            }
            _program(root, "snapshot", root / "snapshot")
            ways["offline"]()  # leaves the bytecode
            rows: dict[str, dict[str, float]] = {}
            for name, way in ways.items():
                if name == "remembered":
                    way()
                took = sorted(way() for _ in range(rounds))[rounds // 2]
                rows[f"check of {PINS} pins, {len(NODES)} witnesses, {name}"] = {
                    "s": took[0],
                    "CPU s": took[1],
                }
        if (audited := _pip_audit(root, requirements, rounds)) is not None:
            for row in rows.values():
                row |= {"/ pip-audit's s": row["s"] / audited[0], "/ its CPU s": row["CPU s"] / audited[1]}
            rows["pip-audit, whose service knows of nothing"] = {"s": audited[0], "CPU s": audited[1]}
    return rows


def _world(root: Path) -> Path:
    (root / "sites").mkdir()
    files = [(f"p{number:03}-1.0-py3-none-any.whl", sha256_hex(b"%d" % number)) for number in range(PINS)]
    for node in NODES:
        site = node.publish(root, [stated(node, sha256=sha256, filename=name) for name, sha256 in files])
        site.rename(root / "sites" / node.name)
    with (root / "all.jsonl").open("wb") as every:
        for path in sorted((root / "sites").rglob("observations/*/*.jsonl")):
            every.write(path.read_bytes())
    requirements = root / "requirements.txt"
    lines = (f"{name.split('-')[0]}==1.0 --hash=sha256:{sha256}\n" for name, sha256 in files)
    requirements.write_text("".join(lines))
    return requirements


def _policy(root: Path, url: str) -> None:
    tables = "".join(node.toml(f"{url}{node.name}") for node in NODES)
    (root / "policy.toml").write_text(f"version = 1\nthreshold = 3\nmax-age-days = 100000\n{tables}")


@contextmanager
def _served(root: Path) -> Iterator[str]:
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(root)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().split()[-1]
    finally:
        server.terminate()
        server.wait()


def _check(root: Path, requirements: Path, *options: str, fresh: bool = False) -> tuple[float, float]:
    if fresh:
        shutil.rmtree(root / "state", ignore_errors=True)
    took, used, out = _program(root, "check", requirements, *options)
    if out.splitlines()[:1] != [f"{PINS} files: {PINS} reproduced"]:
        sys.exit(f"bench: check: {out[-500:]}")
    return took, used


def _program(root: Path, *arguments: object) -> tuple[float, float, str]:
    variables = {
        "PYTHONPYCACHEPREFIX": str(root / "bytecode"),
        "WHEELWITNESS_POLICY": str(root / "policy.toml"),
        "WHEELWITNESS_STATE": str(root / "state"),
    }
    return _timed([sys.executable, "-c", PROGRAM, *arguments], **variables)


def _timed(command: list[object], **variables: str) -> tuple[float, float, str]:
    """Seconds by the clock and of CPU time, and what was said. Ends the bench where the command fails."""
    started, before = time.perf_counter(), os.times()
    done = subprocess.run(
        list(map(str, command)),
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    took, after = time.perf_counter() - started, os.times()
    if done.returncode:
        sys.exit(f"bench: {command[0]}: {done.returncode}: {done.stdout[-500:]}{done.stderr[-2000:]}")
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return took, used, done.stdout


def _pip_audit(root: Path, requirements: Path, rounds: int) -> tuple[float, float] | None:
    program = installed(root, "pip-audit", "pip-audit")
    if program is None:
        return None
    url = f"http://127.0.0.1:{(port := free_port())}/v1/query"
    service = ["--vulnerability-service", "osv", "--osv-url", url, "--cache-dir", root / "audit-cache"]
    how = ["--no-deps", "--disable-pip", "--progress-spinner", "off", "--requirement", requirements]
    with running([sys.executable, "-c", OSV, port], url):
        return sorted(_timed([program, *service, *how])[:2] for _ in range(rounds))[rounds // 2]


if __name__ == "__main__":
    for row, values in check_rows().items():
        print(f"{row:50}" + "".join(f"{value:8.2f} {name}" for name, value in values.items()))
