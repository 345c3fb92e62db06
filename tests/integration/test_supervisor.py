"""`rebuilder run` for good: real processes, which end, are killed, are told to end, and leave nobody behind."""

import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.node.ledger import Want
from rebuilders.node.setup import make
from tests.integration.test_node import below, observations, renamed
from tests.package_index import serving
from tests.waiting import wait_until
from witness.log.reader import check_log, fetch_from
from witness.names import TargetName
from witness.policy import parse as parse_policy
from witness.store.directory import DirectoryStore

pytestmark = [pytest.mark.sandbox, pytest.mark.loopback, pytest.mark.enable_socket]

CHECKOUT = Path(__file__).parents[2]
REBUILDER = [sys.executable, "-P", "-c", "from rebuilders.cli.main import main; main()"]
SECONDS = float(os.environ.get("WHEELWITNESS_SOAK_SECONDS", "20"))


class Node:
    """A node with an index of its own, and the commands that its operator gives."""

    def __init__(self, root, index, environment):
        self.directory, self.index, self.environment = NodeDirectory(root / "node"), index, environment
        self.www = root / "www"
        config = NodeConfig(
            version=1,
            name="node-a.example",
            operator="Operator A",
            index=f"{index.url}simple/",
            jobs=2,
            cache=str(root.parent / "cache"),
        )
        make(self.directory, config)
        with self.directory.config_path.open("a") as file:
            file.write(f'[[destination]]\nurl = "file://{self.www}"\n')
        told = json.loads((self.directory.site / "node.json").read_bytes())
        policy = (
            'version = 1\nthreshold = 1\naccept = ["bitwise"]\n[[witness]]\nname = "node-a.example"\n'
            f'operator = "A"\nurl = "https://node-a.example/"\nlog-key = {json.dumps(told["logKey"])}\n'
            f"keys = {json.dumps(told['keys'])}\ncosigner-key = {json.dumps(told['cosignerKey'])}\n"
        )
        self.identity = parse_policy(policy, name="test").witnesses[0].identity

    def command(self, *arguments, expect=0):
        done = subprocess.run(
            [*REBUILDER, *map(str, arguments)],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert "Traceback" not in done.stderr
        assert done.returncode == expect, done.stderr + done.stdout
        return done.stdout

    @contextmanager
    def running(self, log):
        with (
            log.open("w") as out,
            subprocess.Popen(
                [*REBUILDER, "run", str(self.directory.root)], env=self.environment, stdout=out, stderr=out
            ) as process,
        ):
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()
        wait_until(lambda: not below(self.directory.root))

    def counts(self):
        ledger = self.directory.ledger(self.directory.load())
        found = ledger.counts()
        ledger.close()
        return found

    def publish(self, name):
        """The index has a new release, and the node is asked for it."""
        self.index.files[name] = renamed(name)
        ledger = self.directory.ledger(self.directory.load())
        ledger.add([Want(TargetName.parse(f"{name}-1.0-py3-none-any.whl"), why="new")])
        ledger.close()

    def observed(self, site=None):
        """What its log says, after all of it was verified; at its destination, if that is `site`."""
        site = site or self.directory.site
        return observations(site, self.identity) if (site / "checkpoint").exists() else {}

    def head(self, site):
        path = site / "checkpoint"
        return path.read_bytes() if path.exists() else None

    def part(self, name):
        """The process of a part, by what it says of itself; None if it is not there."""
        try:
            return json.loads((self.directory.state / "parts" / f"{name}.json").read_bytes())["pid"]
        except (OSError, ValueError):
            return None


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    kept = {name: os.environ[name] for name in ("PATH", "PYENV_ROOT") if name in os.environ}
    root = tmp_path_factory.mktemp("operator")
    return {**kept, "HOME": str(root), "PYTHONPATH": str(CHECKOUT)}


@pytest.fixture
def node(tmp_path, environment):
    with serving() as index:
        yield Node(tmp_path, index, environment)


def test_it_works_until_it_is_drained(node, tmp_path):
    log = tmp_path / "log"
    with node.running(log) as process:
        node.publish("demo")
        wait_until(lambda: node.head(node.www))
        node.command("pause", node.directory.root)
        node.publish("late")
        time.sleep(3)
        assert node.counts() == {"done": 1, "queued": 1}
        node.command("resume", node.directory.root)
        wait_until(lambda: node.counts() == {"done": 2})
        node.command("drain", node.directory.root)
        assert process.wait(60) == 0
    assert "drained" in log.read_text()
    assert node.counts() == {"done": 2}
    assert len(node.observed()) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_when_it_is_told_to(node, tmp_path, number):
    node.publish("demo")
    with node.running(tmp_path / "log") as process:
        wait_until(lambda: node.part("signer") is not None)
        process.send_signal(number)
        assert process.wait(60) == 0


def test_its_parts_end_with_it(node, tmp_path):
    with node.running(tmp_path / "log") as process:
        wait_until(lambda: node.part("signer") is not None and node.part("scheduler") is not None)
        process.kill()
        process.wait()
        wait_until(lambda: not below(node.directory.root))


def test_a_key_that_cannot_be_used_ends_it_with_a_message(node, tmp_path):
    (node.directory.keys / "log.pem").write_text("no key")
    node.publish("demo")
    log = tmp_path / "log"
    with node.running(log) as process:
        assert process.wait(60) == 2
    assert "log.pem" in log.read_text()
    assert "Traceback" not in log.read_text()


def test_the_scheduler_sees_no_secret_of_the_signer(node, tmp_path):
    path = node.directory.config_path
    keys = (
        "[signer.observation]\nuri = 'hsm:2?label=x'\npublic-key = 'ed25519:x'\npin-variable = 'TOKEN_PIN'\n"
    )
    path.write_text(path.read_text() + keys)
    node.environment = {**node.environment, "TOKEN_PIN": "1234-secret", "PGPASSWORD": "kept-secret"}
    with node.running(tmp_path / "log"):
        wait_until(lambda: node.part("scheduler") is not None)
        wait_until(lambda: Path(f"/proc/{node.part('scheduler')}/environ").exists())
        assert b"1234-secret" not in Path(f"/proc/{node.part('scheduler')}/environ").read_bytes()


def test_keys_are_the_owners_alone(node):
    for path in node.directory.keys.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_soak(node, tmp_path):
    """An index that keeps publishing; workers, scheduler, signer and the whole node killed at random.

    In the end every file has been observed once, the log verifies, the queue is empty, and nobody is left.
    """
    chance = random.Random(20261124)
    names, until = [], time.monotonic() + SECONDS
    while time.monotonic() < until:
        with node.running(tmp_path / "log") as process:
            alive_until = time.monotonic() + chance.uniform(4.0, max(5.0, SECONDS / 3))
            while time.monotonic() < min(alive_until, until):
                names.append(f"soak{len(names)}")
                node.publish(names[-1])
                time.sleep(chance.uniform(0.1, 1.2))
                victim = chance.choice(("scheduler", "signer", "publisher", "worker", None, None))
                kill(node, victim, chance)
            process.kill()
            process.wait()
        for site in (node.directory.site, node.www):  # shards may be behind the one, and ahead of the other
            if (site / "checkpoint").exists():
                check_log(fetch_from(DirectoryStore(site)), node.identity.log_key)
    with node.running(tmp_path / "log") as process:
        wait_until(lambda: node.counts() == {"done": len(names)}, 240)
        wait_until(lambda: not list(node.directory.outbox.glob("*.json")))
        wait_until(lambda: node.head(node.www) == node.head(node.directory.site))
        node.command("drain", node.directory.root)
        assert process.wait(60) == 0
    found = node.observed()
    assert node.observed(node.www) == found
    assert {name.split("-")[0]: len(items) for name, items in found.items()} == dict.fromkeys(names, 1)
    assert all(observation.result == "match" for items in found.values() for _, observation in items)
    assert list(node.directory.outbox.glob("*.json")) == []
    assert "Traceback" not in (tmp_path / "log").read_text()


def kill(node, victim, chance):
    pid = node.part("scheduler" if victim == "worker" else victim) if victim else None
    if pid is None:
        return
    if victim == "worker":
        workers = [int(child) for child in children(pid) if b"spawn_main" in command_of(child)]
        pid = chance.choice(workers) if workers else None
    if pid is not None and str(node.directory.root).encode() in lineage(pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def children(pid):
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []


def command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def lineage(pid):
    """What the process and its parent were called with: a number may be another process's by now."""
    try:
        parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
    except OSError:
        return b""
    return command_of(pid) + command_of(parent)
