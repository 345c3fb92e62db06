"""A rebuild without uv, interpreters or bubblewrap: fakes for what the pipeline works with."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rebuilders.deadline import Deadline
from rebuilders.environment.interpreters import Interpreter
from rebuilders.errors import NotBuilt
from rebuilders.inputs import Source, Target
from rebuilders.pipeline import Report, rebuild
from rebuilders.plan.recipe import Locked
from rebuilders.provide import Ports
from rebuilders.sandbox.interface import Finished, Limits
from rebuilders.sandbox.scripted import ScriptedSandbox, finished
from tests.sdists import sdist_of
from tests.wheels import FILENAME, wheel_of
from witness.digest import sha256_hex
from witness.names import WheelName

SETUPTOOLS = Locked(
    "setuptools", "75.0.0", "setuptools-75.0.0-py3-none-any.whl", "https://f.example/s", "5" * 64
)
UPLOADED = datetime(2025, 6, 1, tzinfo=UTC)


def unresolved(cause="unsatisfiable"):
    return NotBuilt("no solution", result="build-failed", phase="resolve", cause=cause)


@dataclass
class FakeResolver:
    """Answers in turn, the last of them for ever; an answer that is an exception is raised."""

    answers: list = field(default_factory=lambda: [(SETUPTOOLS,)])
    asked: list = field(default_factory=list)

    def resolve(self, candidate, interpreter, *, timeout, built=()):
        self.asked.append((candidate, interpreter))
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class FakeEnvironments:
    """Environments of nothing."""

    prepared: list = field(default_factory=list)

    def prepare(self, interpreter, requirements, *, seconds):
        self.prepared.append((interpreter, requirements))
        return ()


def interpreter(version):
    prefix = Path("/nowhere") / version
    return Interpreter(prefix / "bin/python", version, "CPython", prefix, (prefix / "lib",))


def answered(hook, wheel=b"", name=None):
    header = json.dumps({"hook": {"return_val": hook}, "wheel": name}).encode()
    return finished(len(header).to_bytes(8, "big") + header + wheel, log=b"a log\n")


def built(data, name=FILENAME):
    return answered(name, data, name)


def failed(log=b"boom\n"):
    return finished(status=1, log=log)


def out_of_time():
    return Finished(status=-9, ended="time", output=b"", log=b"", seconds=300.0)


def hook_of(job):
    """Which hook a job calls."""
    return json.loads(job.argv[-1])["hook"]


def target(data=None, sdist=None, *, name=FILENAME, uploaded=UPLOADED, **facts):
    data = wheel_of() if data is None else data
    source = None
    if sdist is not False:
        held = sdist or sdist_of()
        source = Source("demo-1.0.tar.gz", held, sha256_hex(held))
    return Target(WheelName.parse(name), sha256_hex(data), data, source, uploaded, **facts)


@dataclass
class Bench:
    """One rebuild with fakes: `jobs` are the sandbox's answers."""

    jobs: list
    resolver: FakeResolver = field(default_factory=FakeResolver)
    environments: FakeEnvironments = field(default_factory=FakeEnvironments)
    versions: tuple[str, ...] = ("3.13.1", "3.12.2", "3.11.7")
    seconds: float = 600.0

    def __post_init__(self):
        self.sandbox = ScriptedSandbox(self.jobs)

    @property
    def ports(self) -> Ports:
        found = tuple(interpreter(version) for version in self.versions)
        return Ports(self.resolver, self.environments, self.sandbox, found, "linux-x86_64", Limits())

    def rebuild(self, fetch=target) -> Report:
        return rebuild(fetch, self.ports, Deadline.after(self.seconds))
