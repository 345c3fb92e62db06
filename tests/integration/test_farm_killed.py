"""A farm around a ledger in PostgreSQL, every process of which is killed at random: each file is observed once."""

import os
import random
import signal
import time
from contextlib import suppress

import pytest

from rebuilders.node.ledger import Ledger
from tests.farms import CHECKOUT, farm
from tests.integration.test_supervisor import Node, kill
from tests.package_index import serving
from tests.waiting import wait_until
from witness.errors import Incomplete

pytestmark = [pytest.mark.sandbox, pytest.mark.loopback, pytest.mark.enable_socket]

SECONDS = float(os.environ.get("WHEELWITNESS_SOAK_SECONDS", "20"))
_PATIENCE = 400.0  # what was lost with a worker waits for minutes


class FarmNode(Node):
    """A node whose ledger is in PostgreSQL, and whose rebuilds are done by a farm."""

    def __init__(self, root, index, environment, url, machines):
        super().__init__(root, index, environment)
        path, tls = self.directory.config_path, machines.root / "tls"
        text = path.read_text("utf-8").replace('ledger = ""', f'ledger = "{url}"')
        text += f'[farm]\nscheduler = "{machines.address}"\nca = "{tls}/ca.pem"\n'
        path.write_text(f'{text}cert = "{tls}/node.pem"\nkey = "{tls}/node.key"\n', "utf-8")
        self.url = url

    def counts(self):
        """Of what waits, runs and is done; nothing while the database is down."""
        with suppress(Incomplete):
            ledger = Ledger(self.directory.state / "unused", self.url)
            try:
                return ledger.counts()
            finally:
                ledger.close()
        return {}


@pytest.fixture
def environment(tmp_path):
    kept = {name: os.environ[name] for name in ("PATH", "PYENV_ROOT") if name in os.environ}
    return {**kept, "HOME": str(tmp_path), "WHEELWITNESS_CACHE": str(tmp_path / "cache")}


def test_soak(tmp_path, environment, postgres):
    chance = random.Random(20261125)
    with serving() as index, farm(tmp_path / "farm", environment) as machines:
        node = FarmNode(
            tmp_path, index, {**environment, "PYTHONPATH": str(CHECKOUT)}, postgres.fresh(), machines
        )
        machines.start("scheduler", "scheduler")
        machines.start("worker", "worker", "--jobs", "2", "--cache", str(tmp_path / "cache"))
        names, killed, until = [], set(), time.monotonic() + SECONDS
        with node.running(tmp_path / "log") as process:
            while time.monotonic() < until:
                names.append(f"farmed{len(names)}")
                node.publish(names[-1])
                time.sleep(chance.uniform(0.2, 1.5))
                victim = chance.choice(("worker", "dask", "scheduler", "signer", "database", None, None))
                strike(victim, node, machines, postgres, chance)
                killed.add(victim)
            wait_until(lambda: node.counts() == {"done": len(names)}, _PATIENCE)
            wait_until(lambda: not list(node.directory.outbox.glob("*.json")))
            node.command("drain", node.directory.root)
            assert process.wait(120) == 0
    found = node.observed()
    assert {name.split("-")[0]: len(items) for name, items in found.items()} == dict.fromkeys(names, 1)
    assert {observation.result for items in found.values() for _, observation in items} == {"match"}
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert len(killed) > 2


def strike(victim, node, machines, postgres, chance):
    """Kills one process of the farm or the node, and starts again what nobody else would."""
    if victim == "worker":
        below = machines.below("worker")
        if below:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(below), signal.SIGKILL)
    elif victim == "dask":
        machines.end("scheduler", signal.SIGKILL)
        machines.start("scheduler", "scheduler")
    elif victim == "database":
        postgres.kill()
        postgres.start()
    elif victim:
        kill(node, victim, chance)
