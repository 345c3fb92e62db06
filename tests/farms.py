"""A farm on this machine: Dask's scheduler and workers as the commands start them, over TLS on 127.0.0.1."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rebuilders.farm.link import Link

CHECKOUT = Path(__file__).parents[1]
REBUILDER = [sys.executable, "-P", "-c", "from rebuilders.cli.main import main; main()"]
GUIDE = CHECKOUT / "docs/how-to/run-a-farm.md"


def make_certificates(directory: Path) -> None:
    """By the very commands of the documentation: ca, scheduler, node and worker."""
    directory.mkdir(parents=True)
    commands = re.findall(r"^openssl .*$", GUIDE.read_text("utf-8"), re.MULTILINE)
    assert len(commands) == 4
    for command in commands:
        subprocess.run(command, shell=True, check=True, cwd=directory, capture_output=True)


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Farm:
    """`start` and `kill` its processes at will; what they write is in files below `root`."""

    root: Path
    environment: Mapping[str, str]
    port: int = field(default_factory=free_port)
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        make_certificates(self.root / "tls")

    @property
    def address(self) -> str:
        return f"tls://127.0.0.1:{self.port}"

    def link(self, name: str) -> Link:
        tls = self.root / "tls"
        return Link(self.address, tls / "ca.pem", tls / f"{name}.pem", tls / f"{name}.key")

    def start(self, name: str, *arguments: str, script: str = "") -> "subprocess.Popen[bytes]":
        """`rebuilder farm` with `arguments`, the address and certificates among them; or a script of the tests'."""
        what = arguments[0]
        argv = [sys.executable, "-m", script] if script else [*REBUILDER, "farm"]
        tls = self.root / "tls"
        argv += [what, self.address, *arguments[1:], "--ca", str(tls / "ca.pem")]
        argv += ["--cert", str(tls / f"{what}.pem"), "--key", str(tls / f"{what}.key")]
        with (self.root / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                argv,
                env={**self.environment, "PYTHONPATH": str(CHECKOUT)},
                stdout=log,
                stderr=log,
                cwd=self.root,
            )
        self.processes[name] = process
        return process

    def told(self, name: str) -> str:
        path = self.root / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def end(self, name: str, number: int = signal.SIGTERM) -> int:
        process = self.processes.pop(name)
        process.send_signal(number)
        return process.wait(60)

    def below(self, name: str) -> list[int]:
        """The processes that `name` has started, and those that they have, nearest first."""
        return descendants(self.processes[name].pid)


def descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(path.parent.name))
    found = [pid]
    for known in found:
        found += sorted(children.get(known, []))
    return found[1:]


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


@contextmanager
def farm(root: Path, environment: Mapping[str, str]) -> Iterator[Farm]:
    """A farm of which nothing runs yet; all that was started is ended."""
    made = Farm(root, environment)
    try:
        yield made
    finally:
        for process in made.processes.values():
            process.terminate()
        for process in made.processes.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
