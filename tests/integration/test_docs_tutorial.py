"""The tutorial is true: its commands are run as they stand, and print what it says they print.

Times, keys and ports are those of the run. Once with packages of our own, without a network; and once with PyPI.
"""

import base64
import contextlib
import hashlib
import http.server
import io
import json
import os
import re
import socket
import subprocess
import sys
import tarfile
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial" / "first-verdict.md"
BIN = Path(sys.executable).parent
JSON = "application/vnd.pypi.simple.v1+json"
CHANGES = (
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
    (r"\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44}", "+KEY"),
    (r"ed25519:[A-Za-z0-9+/=]{44}", "ed25519:KEY"),
)
# What differs when the two projects are ours.
OF_OTHER_FILES = (
    (r"match \(\w+\)", "match"),
    (r"rebuilt: \w+( \(exact\))?", "rebuilt"),
    (r"-py2\.py3-|-py3-", "-TAG-"),
    (r"observations/../[0-9a-f]{64}", "observations/DIGEST"),
    (r"sha256:[0-9a-f]{64}", "sha256:DIGEST"),
)


def steps() -> list[tuple[str, str]]:
    """Each command of the tutorial with what it is said to print."""
    blocks = re.findall(r"^```console\n(.*?)^```", TUTORIAL.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    parts = re.split(r"^\$ ", "".join(blocks), flags=re.MULTILINE)[1:]
    return [(line, output) for line, _, output in (part.partition("\n") for part in parts)]


@pytest.mark.sandbox
@pytest.mark.loopback
@pytest.mark.enable_socket
def test_with_projects_of_our_own(tmp_path):
    with index({"six": "1.17.0", "idna": "3.20"}) as url:
        follow(tmp_path, {"UV_DEFAULT_INDEX": url, "UV_NO_CONFIG": "1"}, OF_OTHER_FILES, shows=False)


@pytest.mark.sandbox
@pytest.mark.loopback
@pytest.mark.network
@pytest.mark.enable_socket
def test_with_pypi(tmp_path):
    follow(tmp_path, {}, (), shows=True)


def follow(
    home: Path, variables: dict[str, str], changes: tuple[tuple[str, str], ...], *, shows: bool
) -> None:
    environment = {
        **os.environ,
        **variables,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "WHEELWITNESS_CACHE": str(home / "cache"),
        "UV_CACHE_DIR": str(home / "uv"),
    }
    environment.pop("WHEELWITNESS_INDEX", None)
    ports = {"8417": free_port(), "8418": free_port()}
    servers: list[subprocess.Popen[str]] = []
    try:
        for command, expected in steps():
            here = with_ports(command, ports)
            if command.startswith("kill "):
                end(servers)
                continue
            if command.endswith(" &"):
                server = subprocess.Popen(
                    here.removesuffix(" &").split(),
                    cwd=home,
                    env=environment,
                    text=True,
                    stdout=subprocess.PIPE,
                )
                servers.append(server)
                printed = server.stdout.readline()
            else:
                done = subprocess.run(
                    ["/bin/bash", "-c", here],
                    cwd=home,
                    env=environment,
                    text=True,
                    capture_output=True,
                    check=False,
                )
                printed = done.stdout
                assert not done.stderr, f"{command}: {done.stderr}"
            if shows or "show" not in command.split():
                compare(command, with_ports(expected, ports), printed, (*CHANGES, *changes))
    finally:
        end(servers)


def compare(command: str, expected: str, printed: str, changes: tuple[tuple[str, str], ...]) -> None:
    for pattern, replacement in changes:
        expected = re.sub(pattern, replacement, expected)
        printed = re.sub(pattern, replacement, printed)
    # An ellipsis on a line of its own stands for any lines.
    pattern = ".*".join(re.escape(part) for part in re.split(r"^…\n", expected, flags=re.MULTILINE))
    assert re.fullmatch(pattern, printed, re.DOTALL), f"$ {command}\n{printed}"


def end(servers: "list[subprocess.Popen[str]]") -> None:
    for server in servers:
        server.terminate()
        server.communicate(timeout=20)
    servers.clear()


def with_ports(text: str, ports: dict[str, int]) -> str:
    for shown, ours in ports.items():
        text = text.replace(shown, str(ours))
    return text


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


BACKEND = textwrap.dedent(
    """
    import os, zipfile

    FILES = {files!r}

    def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
        with zipfile.ZipFile(os.path.join(wheel_directory, {wheel!r}), "w") as archive:
            for name, text in FILES.items():
                archive.writestr(zipfile.ZipInfo(name), text)
        return {wheel!r}
    """
)


WHEEL = "Wheel-Version: 1.0\nGenerator: own\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def release(name: str, version: str, directory: Path) -> dict[str, bytes]:
    """The wheel and the sdist of a project with its backend in its own tree."""
    wheel = f"{name}-{version}-py3-none-any.whl"
    members = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{name}-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{name}-{version}.dist-info/WHEEL": WHEEL,
    }
    lines = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},{len(text)}"
        for path, text in members.items()
    ]
    record = f"{name}-{version}.dist-info/RECORD"
    members[record] = "\n".join([*lines, f"{record},,", ""])
    backend = BACKEND.format(files=members, wheel=wheel)
    namespace: dict[str, object] = {}
    exec(backend, namespace)
    namespace["build_wheel"](str(directory))
    sdist = io.BytesIO()
    with tarfile.open(fileobj=sdist, mode="w:gz") as archive:
        project = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        for path, text in {"pyproject.toml": project, "backend.py": backend}.items():
            info = tarfile.TarInfo(f"{name}-{version}/{path}")
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return {wheel: (directory / wheel).read_bytes(), f"{name}-{version}.tar.gz": sdist.getvalue()}


@contextlib.contextmanager
def index(releases: dict[str, str]) -> Iterator[str]:
    """The address of an index that has these releases and nothing else."""
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        files = {name: release(name, version, Path(directory)) for name, version in releases.items()}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.rstrip("/").rsplit("/", 1)[-1]
            every = {filename: data for held in files.values() for filename, data in held.items()}
            if name in every:
                self.answer("application/octet-stream", every[name])
            elif name in files:
                self.answer(JSON, page(name, releases[name], files[name]))
            else:
                self.send_error(404)

        def answer(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Silent."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/simple/"
        finally:
            server.shutdown()
            thread.join()


def page(name: str, version: str, files: dict[str, bytes]) -> bytes:
    return json.dumps(
        {
            "meta": {"api-version": "1.1"},
            "name": name,
            "versions": [version],
            "files": [
                {
                    "filename": filename,
                    "url": f"../../files/{filename}",
                    "hashes": {"sha256": hashlib.sha256(data).hexdigest()},
                    "size": len(data),
                    "upload-time": "2026-01-01T00:00:00Z",
                }
                for filename, data in files.items()
            ],
        }
    ).encode()
