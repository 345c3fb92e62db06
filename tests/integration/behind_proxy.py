"""A whole chain on loopback: an index, two nodes' sites, `wheelwitness proxy`, and installers as users have them."""

import base64
import gzip
import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import Message
from pathlib import Path
from threading import Thread

from tests.integration.trusted_nodes import ALPHA, BETA, stated
from tests.upstream import Index, serving
from witness.digest import sha256_hex

BIN = Path(sys.executable).parent
SEEN = datetime.now(UTC) - timedelta(days=1)  # programs take the time from the clock


def metadata(project: str, version: str, requires: Sequence[str] = ()) -> bytes:
    lines = ["Metadata-Version: 2.1", f"Name: {project}", f"Version: {version}"]
    return ("\n".join([*lines, *(f"Requires-Dist: {item}" for item in requires)]) + "\n").encode()


def wheel(project: str, version: str, requires: Sequence[str] = (), content: bytes = b"") -> bytes:
    """A wheel that installs a module named like its project."""
    info = f"{project}-{version}.dist-info"
    members = {
        f"{project}.py": content or f"VERSION = {version!r}\n".encode(),
        f"{info}/METADATA": metadata(project, version, requires),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}\n"
        for name, data in members.items()
    )
    members[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def sdist(project: str, version: str) -> bytes:
    """An sdist whose build, if anything runs it, fails with the word "built"."""
    files = {
        "PKG-INFO": metadata(project, version),
        "pyproject.toml": b"[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
        "backend.py": b"raise SystemExit('built')\n",
    }
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for name, data in files.items():
            member = tarfile.TarInfo(f"{project}-{version}/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def words(done: subprocess.CompletedProcess[str]) -> str:
    """What a program said on standard error, however it broke its lines."""
    return " ".join(done.stderr.split())


@dataclass
class Chain:
    """`index` behind, `url` of the proxy, `root` for everything that is written."""

    root: Path
    index: Index
    policy: Path
    url: str = ""

    @property
    def simple(self) -> str:
        return f"{self.url}simple/"

    def see(self, name: str, data: bytes, result: str = "match", *, node=None, again: str = "") -> None:
        """Both nodes, or `node`, publish what they saw of a file. `again` tells a second look from the first."""
        for each in (node,) if node else (ALPHA, BETA):
            recipe = f"recipe{again}"
            each.publish(
                self.root,
                [stated(each, result, sha256=sha256_hex(data), filename=name, finished=SEEN, recipe=recipe)],
            )

    def run(
        self, *argv: object, cwd: Path | None = None, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """An installer in an environment where nothing but the proxy is set up."""
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "UV_", "POETRY_"))
        }
        home = self.root / "home"
        home.mkdir(exist_ok=True)
        own = {
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": self.simple,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "UV_DEFAULT_INDEX": self.simple,
            "UV_PYTHON": sys.executable,
            "UV_PYTHON_DOWNLOADS": "never",
            "NO_COLOR": "1",
        }
        return subprocess.run(
            list(map(str, argv)),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            cwd=cwd or self.root,
            env={**kept, **own, **variables},
        )

    def pip(self, *arguments: object, target: str = "pip") -> subprocess.CompletedProcess[str]:
        """`pip install` into a directory of its own."""
        return self.run(BIN / "python", "-m", "pip", "install", "--target", self.root / target, *arguments)

    def uv(self, *arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return self.run(BIN / "uv", *arguments, cwd=cwd)

    def uv_pip(self, *arguments: object, target: str = "uv") -> subprocess.CompletedProcess[str]:
        return self.uv("pip", "install", "--no-config", "--target", self.root / target, *arguments)

    def wheelwitness(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        return self.run(BIN / "wheelwitness", *arguments, WHEELWITNESS_POLICY=str(self.policy))

    def installed(self, target: str, project: str) -> str:
        return (self.root / target / f"{project}.py").read_text("utf-8")


def fetched(url: str, accept: str = "*/*") -> tuple[int, Message, str]:
    """Status, headers and body, whatever the status is."""
    request = urllib.request.Request(url, headers={"Accept": accept})
    try:
        answer = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.headers, answer.read().decode()


@contextmanager
def chain(root: Path) -> Iterator[Chain]:
    """An index, and a policy that wants both nodes; no proxy yet."""
    policy = root / "policy.toml"
    policy.write_text(
        "version = 1\nthreshold = 2\n" + ALPHA.toml("alpha-site") + BETA.toml("beta-site"), encoding="utf-8"
    )
    for node in (ALPHA, BETA):
        (root / f"{node.name}-site").mkdir()
    with serving() as index:
        yield Chain(root, index, policy)


@contextmanager
def proxied(made: Chain, *options: str) -> Iterator[list[str]]:
    """`wheelwitness proxy` in front of the chain's index. Gives what it says on standard error, as it comes."""
    command = [
        BIN / "wheelwitness",
        "proxy",
        "--index",
        made.index.simple,
        "--policy",
        made.policy,
        "--port",
        "0",
    ]
    program = subprocess.Popen(list(map(str, [*command, *options])), stderr=subprocess.PIPE, text=True)
    said = [program.stderr.readline()]
    found = re.search(r"serving (http://\S+/)simple/", said[0])
    reader = Thread(target=lambda: said.extend(program.stderr))
    reader.start()
    try:
        assert found, said
        made.url = found[1]
        yield said
    finally:
        program.terminate()
        program.wait(30)
        reader.join(30)
        program.stderr.close()
