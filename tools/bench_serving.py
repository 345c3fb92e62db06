"""How many lookups a second a web server answers here: nginx and `rebuilder serve`, asked by wrk, all on loopback.

    .venv/bin/python tools/bench_serving.py SITE [--seconds 5]

SITE is a node's site, such as `bench_growth.py --keep` leaves. Needs Debian's packages `nginx-light` and `wrk`. One
worker, one thread that asks, sixteen connections; asked are files at random.
"""

import argparse
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONNECTIONS = 16
ASKED = 2000  # different files at most
NGINX = """
worker_processes 1;
daemon off;
pid {root}/pid;
error_log {root}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {root}/a; proxy_temp_path {root}/b; fastcgi_temp_path {root}/c;
  uwsgi_temp_path {root}/d; scgi_temp_path {root}/e;
  sendfile on; tcp_nodelay on; {gzip}
  server {{ listen 127.0.0.1:{port}; root {site}; }}
}}
"""
GZIP = "gzip on; gzip_comp_level 1; gzip_types application/octet-stream text/plain; default_type text/plain;"
OURS = """
import sys
from pathlib import Path
from rebuilders.node.server import serve_site
serve_site(Path(sys.argv[1]), "127.0.0.1", int(sys.argv[2]), lambda line: None)
"""
LUA = """
local paths = {{}}
for line in io.lines("{paths}") do paths[#paths + 1] = line end
local at = 0
request = function()
  at = at % #paths + 1
  return wrk.format("GET", paths[at], {{{headers}}})
end
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("site", type=Path)
    parser.add_argument("--seconds", type=int, default=5)
    options = parser.parse_args()
    if not (shutil.which("nginx") and shutil.which("wrk")):
        raise SystemExit("nginx and wrk are not installed: apt-get install nginx-light wrk")
    site = options.site.resolve()
    with tempfile.TemporaryDirectory(prefix="wheelwitness-bench-serving-") as directory:
        root = Path(directory)
        root.chmod(0o755)
        for kind, pattern in (("exact", "observations/*/*"), ("prefix", "lookup/*/*")):
            paths = _paths(site, pattern, root / kind)
            for name, gzip in (("nginx", ""), ("nginx, compressing", GZIP)):
                with _nginx(root, site, gzip) as port:
                    print(f"{kind:8}{name:20}{_asked(root, port, paths, options.seconds, packed=bool(gzip))}")
            with _ours(site) as port:
                print(f"{kind:8}{'rebuilder serve':20}{_asked(root, port, paths, options.seconds)}")


def _paths(site: Path, pattern: str, to: Path) -> Path:
    every = [path for path in site.glob(pattern) if path.is_file()]
    some = random.Random(1).sample(every, min(ASKED, len(every)))
    to.write_text("".join(f"/{path.relative_to(site).as_posix()}\n" for path in some))
    print(f"{to.name}: {sum(path.stat().st_size for path in some) / len(some) / 1000:.1f} kB in the mean")
    return to


def _asked(root: Path, port: int, paths: Path, seconds: int, *, packed: bool = False) -> str:
    script = root / "ask.lua"
    script.write_text(LUA.format(paths=paths, headers='["Accept-Encoding"]="gzip"' if packed else ""))
    command = [
        "wrk",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{seconds}s",
        "--latency",
        "-s",
        script,
        f"http://127.0.0.1:{port}/",
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 30).stdout
    rate, sent = re.search(r"Requests/sec:\s+(\S+)", said), re.search(r"Transfer/sec:\s+(\S+)", said)
    late, failed = (
        re.search(r"^\s+99%\s+(\S+)", said, re.MULTILINE),
        re.search(r"Non-2xx.*|Socket errors.*", said),
    )
    told = [found[1] if found else "?" for found in (rate, sent, late)]
    return f"{told[0]:>10} requests/s  {told[1]:>9}/s  99 % {told[2]}" + (f"  {failed[0]}" if failed else "")


@contextmanager
def _nginx(root: Path, site: Path, gzip: str) -> Iterator[int]:
    port = _free()
    (root / "nginx.conf").write_text(NGINX.format(root=root, site=site, port=port, gzip=gzip))
    with _running(["nginx", "-c", str(root / "nginx.conf"), "-e", str(root / "error.log")], port):
        yield port


@contextmanager
def _ours(site: Path) -> Iterator[int]:
    port = _free()
    with _running([sys.executable, "-c", OURS, str(site), str(port)], port):
        yield port


@contextmanager
def _running(command: list[str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command)
    try:
        for _ in range(200):
            with socket.socket() as asking:
                if asking.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(10)


def _free() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


if __name__ == "__main__":
    main()
