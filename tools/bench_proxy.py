"""`make bench`, the proxy: pages a second and how long one takes, beside the bare index and proxpi, on loopback.

Four clients ask for pages of 40 projects with 50 wheels each, in JSON, over connections that are kept; for `SECONDS`
each. `cold` is the first page of every project, judged by two witnesses whose sites are directories. The index is a
small server of this program, and the same for all. proxpi keeps pages and judges nothing; it is installed from PyPI
into an environment of its own, and skipped where that fails.
"""

import http.client
import json
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from bench_beside import BIN, free_port, installed, running

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.integration.trusted_nodes import ALPHA, BETA, stated
from witness.digest import sha256_hex

PROJECTS, FILES, CLIENTS, SECONDS = 40, 50, 4, 5.0
JSON = "application/vnd.pypi.simple.v1+json"
INDEX = """
import sys
from pathlib import Path
import uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
pages = {path.stem: path.read_bytes() for path in Path(sys.argv[1]).glob("*.json")}
async def page(request):
    return Response(pages[request.path_params["name"]], media_type="application/vnd.pypi.simple.v1+json")
uvicorn.run(Starlette(routes=[Route("/simple/{name}/", page)]), port=int(sys.argv[2]), log_level="warning")
"""


def proxy_rows() -> dict[str, dict[str, float]]:
    """A row for the bare index, for the proxy cold and warm, and for proxpi if it can be had."""
    rows: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory(prefix="wheelwitness-bench-proxy-") as directory, ExitStack() as stack:
        root = Path(directory)
        port = _world(root)
        index = f"http://127.0.0.1:{port}/simple/"
        stack.enter_context(running([sys.executable, "-c", INDEX, root / "pages", port], index))
        rows["the bare index"] = _ask(index, SECONDS)
        ours = f"http://127.0.0.1:{(own := free_port())}/simple/"
        command = [BIN / "wheelwitness", "proxy", "--index", index, "--policy", root / "policy.toml"]
        stack.enter_context(running([*command, "--port", own, "--state", root / "state"], ours))
        rows["wheelwitness proxy, cold"] = _ask(ours, 0)
        rows["wheelwitness proxy"] = _ask(ours, SECONDS)
        if (program := installed(root, "proxpi", "flask")) is None:
            return rows
        theirs = f"http://127.0.0.1:{(other := free_port())}/index/"
        variables = {"PROXPI_INDEX_URL": index, "FLASK_APP": "proxpi.server"}
        serve = [program, "run", "--port", other, "--with-threads"]
        stack.enter_context(running(serve, theirs, **variables))
        rows["proxpi, cold"] = _ask(theirs, 0)
        rows["proxpi"] = _ask(theirs, SECONDS)
    return rows


def _world(root: Path) -> int:
    (root / "pages").mkdir()
    port, seen = free_port(), []
    for project in (f"p{number:02}" for number in range(PROJECTS)):
        files = []
        for minor in range(FILES):
            name = f"{project}-1.{minor}-py3-none-any.whl"
            sha256 = sha256_hex(name.encode())
            seen.append((name, sha256))
            url = f"http://127.0.0.1:{port}/files/{name}"
            files.append(
                {"filename": name, "url": url, "hashes": {"sha256": sha256}, "size": 1, "yanked": False}
            )
        page = {"meta": {"api-version": "1.1"}, "name": project, "versions": [], "files": files}
        (root / "pages" / f"{project}.json").write_text(json.dumps(page))
    for node in (ALPHA, BETA):
        node.publish(root, [stated(node, sha256=sha256, filename=name) for name, sha256 in seen])
    tables = ALPHA.toml("alpha-site") + BETA.toml("beta-site")
    (root / "policy.toml").write_text(f"version = 1\nthreshold = 2\nmax-age-days = 100000\n{tables}")
    return port


def _ask(url: str, seconds: float) -> dict[str, float]:
    """Every project once, then again until `seconds` are over; by several clients, each with its own share."""
    started = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        shares = pool.map(lambda first: _client(url, first, started + seconds), range(CLIENTS))
        times = sorted(took for share in shares for took in share)
    whole = time.perf_counter() - started
    return {
        "pages/s": len(times) / whole,
        "p50 ms": statistics.median(times) * 1000,
        "p95 ms": times[int(len(times) * 0.95)] * 1000,
    }


def _client(url: str, first: int, end: float) -> list[float]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    times: list[float] = []
    while True:
        for number in range(first, PROJECTS, CLIENTS):
            began = time.perf_counter()
            connection.request("GET", f"{parts.path}p{number:02}/", headers={"Accept": JSON})
            answer = connection.getresponse()
            body = answer.read()
            times.append(time.perf_counter() - began)
            if answer.status != 200 or body.count(b'"filename"') != FILES:
                sys.exit(f"bench: {url}: {answer.status}: {body[:300]!r}")
            if 0 < end <= time.perf_counter():
                return times
        if time.perf_counter() >= end:
            return times


if __name__ == "__main__":
    for row, values in proxy_rows().items():
        print(f"{row:28}" + "".join(f"{value:10.1f} {name}" for name, value in values.items()))
