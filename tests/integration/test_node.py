"""A node through its commands: asked, at work, killed at random, published, served. Its index is on 127.0.0.1."""
# ruff: noqa: E501

import io
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from rebuilders.farm.interface import Job
from rebuilders.farm.work import Worker
from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.node.ledger import Ledger, Recorded, Want
from rebuilders.node.setup import make
from tests.package_index import serving
from tests.releases import BACKEND, PYPROJECT, member, tar_gz
from tests.releases import SDIST as SDIST_NAME
from tests.releases import WHEEL as WHEEL_NAME
from tests.static_pairs import HONEST
from tests.waiting import wait_until
from witness.bundle import parse_shard
from witness.fetch import HttpFetcher
from witness.limits import MAX_SHARD
from witness.log.reader import check_log, fetch_from
from witness.names import TargetName
from witness.observation import Observation
from witness.policy import parse as parse_policy
from witness.store.directory import DirectoryStore
from witness.verification import verify_bundle

pytestmark = [pytest.mark.sandbox, pytest.mark.loopback, pytest.mark.enable_socket]

CHECKOUT = Path(__file__).parents[2]
LASTING = "\nimport time\ntime.sleep(250)\n"  # longer than any test waits, and shorter than a build may last
REBUILDER = [sys.executable, "-P", "-c", "from rebuilders.cli.main import main; main()"]


def renamed(name, more=""):
    """The project `name`: its honest wheel, and an sdist whose backend has `more` at its end."""
    backend = BACKEND.replace("demo", name)
    honest: dict = {}
    exec(backend, honest)
    plain = io.BytesIO()
    honest["make"](plain)
    sdist = tar_gz(
        member(f"{name}-1.0/pyproject.toml", PYPROJECT.encode()),
        member(f"{name}-1.0/backend.py", (backend + more).encode()),
    )
    return {f"{name}-1.0-py3-none-any.whl": plain.getvalue(), f"{name}-1.0.tar.gz": sdist}


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Of every program: a home and a cache of its own, warm after the first."""
    kept = {name: os.environ[name] for name in ("PATH", "PYENV_ROOT") if name in os.environ}
    root = tmp_path_factory.mktemp("operator")
    return {**kept, "HOME": str(root), "WHEELWITNESS_CACHE": str(root / "cache"), "PYTHONPATH": str(CHECKOUT)}


@pytest.fixture
def index():
    with serving() as served:
        yield served


@pytest.fixture
def rebuilder(environment, tmp_path):
    def run(*arguments, expect=0):
        done = subprocess.run(
            [*REBUILDER, *map(str, arguments)],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert "Traceback" not in done.stderr
        assert done.returncode == expect, done.stderr + done.stdout
        return done.stdout

    return run


@pytest.fixture
def node(rebuilder, index, tmp_path):
    """A node of two jobs, and what consumers are told of it."""
    directory = tmp_path / "node"
    told = rebuilder("init", directory, "--name", "node-a.example", "--operator", "Operator A", "--index", f"{index.url}simple/", "--jobs", 2,
                     "--cache", tmp_path.parent / "cache")  # fmt: skip
    policy = 'version = 1\nthreshold = 1\naccept = ["bitwise"]\n\n' + told[told.index("[[witness]]") :]
    return NodeDirectory(directory), parse_policy(policy, name="test").witnesses[0].identity


def observations(root, identity):
    """Every observation of the site at `root`, by artifact, oldest first, after all of the log has been verified."""
    site = DirectoryStore(root)
    checked = check_log(fetch_from(site), identity.log_key, [identity.cosigner_key])
    found = {}
    for path in sorted((root / "observations").rglob("*.jsonl")):
        bundles = parse_shard(site.get(str(path.relative_to(root)), limit=MAX_SHARD))
        for item in bundles:
            verified = verify_bundle(item, identity, [])
            found.setdefault(verified.statement.filename, []).append(
                (verified.log_index, verified.statement.observation)
            )
    assert sorted(index for items in found.values() for index, _ in items) == list(
        range(checked.checkpoint.size)
    )
    return found


def test_a_node_works_off_its_queue(rebuilder, index, node):
    directory, _ = node
    index.files["demo"] = renamed("demo")
    index.files["fail"] = renamed("fail", "\nraise ValueError('no')\n")
    index.files["evil"] = renamed("evil", "\nMEMBERS['evil.py'] = b'other'\n")
    index.files["only"] = {name: data for name, data in renamed("only").items() if name.endswith(".whl")}
    index.files["cut"] = renamed("cut")
    index.broken.add("/files/cut/cut-1.0.tar.gz")
    assert "6 queued" in rebuilder(
        "add", directory.root, "demo==1.0", "fail==1.0", "evil==1.0", "only==1.0", "none==1.0", "cut==1.0"
    )
    told = rebuilder("run", directory.root, "--once", expect=5)
    assert "demo==1.0: match (bitwise)" in told
    assert "published 4 observations" in told
    found = observations(node[0].site, node[1])
    results = {name.split("-")[0]: items[-1][1].result for name, items in found.items()}
    assert results == {"demo": "match", "fail": "build-failed", "evil": "mismatch", "only": "not-attempted"}
    status = json.loads(rebuilder("status", directory.root, "--json"))
    assert (status["queued"], status["running"], status["done"], status["unpublished"]) == (1, 0, 5, 0)

    # What could not be completed waits; what is seen again names what was seen before.
    index.broken.clear()
    rebuilder("add", directory.root, "demo==1.0")
    rebuilder("run", directory.root, "--once")
    found = observations(node[0].site, node[1])
    first, second = found["demo-1.0-py3-none-any.whl"]
    assert (first[1].previous, second[1].previous) == (None, first[0])
    assert found["cut-1.0-py3-none-any.whl"][0][1].result == "match"
    assert "published 0 observations; the log has 6" in rebuilder("publish", directory.root)
    for _, observation in (item for items in found.values() for item in items):
        assert isinstance(observation, Observation)
        assert observation.builder.name == "node-a.example"
        assert str(directory.root) not in observation.model_dump_json()


def test_a_node_that_only_checks_needs_no_sandbox(rebuilder, index, node, environment, monkeypatch):
    directory, _ = node
    path = directory.config_path
    path.write_text(path.read_text("utf-8").replace('method = "rebuild"', 'method = "static"'), "utf-8")
    index.files["demo"] = {WHEEL_NAME: HONEST.wheel_bytes, SDIST_NAME: HONEST.sdist_bytes}
    index.files["made"] = renamed("made")  # by a backend in the tree: what it makes is open
    rebuilder("add", directory.root, "demo==1.0", "made==1.0", "none==1.0")
    monkeypatch.setitem(environment, "PATH", "")  # no bubblewrap, no other interpreter
    told = rebuilder("run", directory.root, "--once")
    assert "demo==1.0: match (metadata)" in told
    assert "made==1.0: not-attempted" in told
    found = {name.split("-")[0]: items[-1][1] for name, items in observations(node[0].site, node[1]).items()}
    assert {name: (item.method, item.result) for name, item in found.items()} == {
        "demo": ("static", "match"),
        "made": ("static", "not-attempted"),
    }
    assert (found["demo"].isolation, found["demo"].recipe, found["demo"].rebuilt) == (None, None, None)
    assert index.asked.count(f"/files/demo/{WHEEL_NAME}") == 1


def test_the_worker_needs_no_key(rebuilder, index, node, tmp_path):
    directory, _ = node
    index.files["demo"] = renamed("demo")
    rebuilder("add", directory.root, "demo==1.0")
    away = tmp_path / "away"
    directory.keys.rename(away)
    # Rebuilt without keys; only the signer misses them.
    rebuilder("run", directory.root, "--once", expect=2)
    assert len(list(directory.outbox.glob("*.json"))) == 1
    away.rename(directory.keys)
    assert "published 1 observations; the log has 1" in rebuilder("publish", directory.root)
    assert len(observations(node[0].site, node[1])) == 1


def test_no_signing_code_is_loaded_where_builds_run():
    code = "import sys, rebuilders.farm.work, rebuilders.node.parts.scheduler; print([name for name in sys.modules if 'signing' in name or 'keyfile' in name or name == 'rebuilders.node.keys'])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=CHECKOUT
    )
    assert done.stdout == "[]\n"


def test_the_signer_imports_nothing_from_where_it_is_started(environment, node, tmp_path):
    directory, _ = node
    (tmp_path / "json.py").write_text("raise SystemExit('imported from the working directory')")
    installed = {name: value for name, value in environment.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [*REBUILDER, "publish", str(directory.root)],
        env=installed,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_second_run_is_refused_while_one_runs(environment, index, rebuilder, node):
    directory, _ = node
    index.files["busy"] = renamed("busy", LASTING)
    rebuilder("add", directory.root, "busy==1.0")
    with running(environment, directory) as process:
        wait_until(lambda: counts(directory)["running"] == 1)
        time.sleep(0.5)
        done = subprocess.run(
            [*REBUILDER, "run", str(directory.root), "--once"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, "another process runs this node" in done.stderr) == (5, True)
        process.kill()
    wait_until(lambda: not below(directory.root))


def test_kill_9(environment, index, rebuilder, node):
    """At random points: nothing acknowledged is lost, the log verifies, nobody is left, and the queue is worked off."""
    directory, _ = node
    chance = random.Random(20261122)
    names = [f"kill{letter}" for letter in "abcdefgh"]
    for name in names:
        index.files[name] = renamed(name)
    rebuilder("add", directory.root, *(f"{name}==1.0" for name in names))
    acknowledged: set[str] = set()
    for _ in range(5):
        with running(environment, directory) as process:
            time.sleep(chance.uniform(0.8, 3.0))
            process.kill()
            told, _ = process.communicate()
        acknowledged |= set(re.findall(r"^(\w+)==1.0: match", told, re.MULTILINE))
        wait_until(lambda: not below(directory.root))
        if (directory.site / "checkpoint").exists():
            observations(node[0].site, node[1])
    rebuilder("run", directory.root, "--once")
    assert counts(directory) == {"queued": 0, "running": 0, "done": len(names)}
    found = observations(node[0].site, node[1])
    assert {name.split("-")[0] for name in found} == set(names)
    assert all(observation.result == "match" for items in found.values() for _, observation in items)
    assert list(directory.outbox.glob("*.json")) == []
    assert acknowledged <= set(names)


def test_a_worker_that_is_killed_costs_no_other_target_its_turn(environment, index, rebuilder, node):
    directory, _ = node
    for name in ("slow", "lame"):
        index.files[name] = renamed(name, LASTING)
    index.files["demo"] = renamed("demo")
    rebuilder("add", directory.root, "slow==1.0", "lame==1.0", "demo==1.0")
    with running(environment, directory) as process:
        wait_until(lambda: builders(b"slow-1.0") and builders(b"lame-1.0"))
        os.kill(worker_of(builders(b"slow-1.0")[0]), signal.SIGKILL)
        told = process.stdout.readline()
        assert told == "slow==1.0: the worker process was ended from outside\n"
        assert process.stdout.readline() == "demo==1.0: match (bitwise)\n"
        os.kill(worker_of(builders(b"lame-1.0")[0]), signal.SIGKILL)
        told, _ = process.communicate(timeout=240)
    assert process.returncode == 5
    assert told.startswith("lame==1.0: the worker process was ended from outside\n")
    assert counts(directory) == {"queued": 2, "running": 0, "done": 1}
    wait_until(lambda: not below(directory.root))


def test_a_mistake_of_ours_with_one_target_does_not_end_the_node(tmp_path):
    class Broken:
        fetcher = HttpFetcher()

        def rebuild(self, target, timeout):
            raise RecursionError

    config = NodeConfig(version=1, name="node-a.example", operator="Operator A")
    done = Worker(config.terms, Broken()).work(Job("demo==1.0", "claim"))
    assert (done.complete, done.claim) == (False, "claim")
    assert done.result == "a mistake in the program itself (RecursionError)"


def test_a_target_that_ends_its_worker_keeps_nobody_from_his_turn(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    names = [TargetName.parse(f"{name}==1.0") for name in ("poison", "good", "fine")]
    ledger.add(map(Want, names))
    assert ledger.take().target == names[0]
    ledger.requeue(stuck_after=12)  # the node died of it
    taken = [ledger.take() for _ in range(3)]
    assert [item.target for item in taken] == [names[1], names[2], names[0]]
    assert [item.failures for item in taken] == [0, 0, 1]
    assert ledger.record(taken[2].claim, Recorded("match"))
    ledger.add([Want(names[0])])
    ledger.release(taken[0].claim, "later", wait=timedelta(seconds=1))
    assert ledger.take().target == names[0]
    ledger.close()


@pytest.fixture(scope="module")
def served(environment, tmp_path_factory):
    """Asks a node that serves."""
    directory = NodeDirectory(tmp_path_factory.mktemp("served") / "node")
    config = NodeConfig(version=1, name="node-a.example", operator="Operator A")
    make(directory, config)
    store = DirectoryStore(directory.site)
    for path in ("tile/0/000", "checkpoint", "observations/ab/x.jsonl"):
        store.put(path, f"this is {path}".encode())
    (directory.site / "out").symlink_to(directory.keys)
    (directory.site / "key.pem").symlink_to(directory.keys / "log.pem")
    argv = [*REBUILDER, "serve", str(directory.root), "--port", "0"]
    environment = {**environment, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = int(re.search(r":(\d+)/", process.stdout.readline()).group(1))
            yield lambda path, method="GET": ask(port, path, method)
        finally:
            process.terminate()


class TestServe:
    def test_files_and_how_long_they_may_be_kept(self, served):
        for path, kept in (
            ("/tile/0/000", "immutable"),
            ("/checkpoint", "max-age=10"),
            ("/observations/ab/x.jsonl", "max-age=10"),
        ):
            status, headers, found = served(path)
            assert (status, found) == (200, f"this is {path[1:]}".encode())
            assert kept in headers["cache-control"]
            assert headers["x-content-type-options"] == "nosniff"

    @pytest.mark.parametrize(
        "path",
        ["/../keys/log.pem", "/..%2fkeys/log.pem", "/%2e%2e/keys/log.pem", "/tile/../../keys/log.pem", "/..\\keys\\log.pem", "//keys/log.pem", "/keys/log.pem",
         "/out/log.pem", "/key.pem", "/../node.toml", "/../state/ledger.sqlite", "/%00", "/tile/0/000%00.x", "/tile", "/tile/", "/", "/observations/", "/tile/0/001",
         "/" + "a" * 5000, "/etc/passwd", "//etc/passwd", "/..;/keys/log.pem"],
    )  # fmt: skip
    def test_nothing_else(self, served, path):
        status, headers, body = served(path)
        assert status in (400, 404, 307)
        assert b"PRIVATE" not in body
        assert b"this is" not in body
        assert "immutable" not in headers.get("cache-control", "")

    def test_a_head_without_end_is_not_kept(self, served):
        """Refused, while it is still being sent."""
        head = "".join(f"X-{number}: {'a' * 1000}\r\n" for number in range(5000))
        with pytest.raises(OSError, match=r"reset|Broken pipe"):
            served(f"/checkpoint HTTP/1.1\r\n{head}X: ")
        assert served("/checkpoint")[0] == 200

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
    def test_nothing_is_changed(self, served, method):
        assert served("/checkpoint", method)[0] == 405
        assert served("/checkpoint")[2] == b"this is checkpoint"


def ask(port, path, method):
    """The path as it stands: no client's tidying."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(
            f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode("latin-1")
        )
        data = b""
        while piece := connection.recv(65536):
            data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    return int(first.split()[1]), dict(line.lower().split(": ", 1) for line in rest), body


@contextmanager
def running(environment, directory):
    argv = [*REBUILDER, "run", str(directory.root), "--once"]
    with subprocess.Popen(
        argv,
        env={**environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def counts(directory):
    ledger = Ledger(directory.state / "ledger.sqlite")
    found = ledger.counts()
    ledger.close()
    return {state: found[state] for state in ("queued", "running", "done")}


def below(root):
    """The processes that this node's have left: workers know its directory, signers are told it, builds are below one."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            told = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
            files = [str(link.readlink()) for link in (path / "fd").iterdir()]
        except OSError:
            continue
        if (str(root).encode() in told.replace(b"\0", b" ") and path.name != str(os.getpid())) or (
            any(name.startswith(str(root)) for name in files) and path.name != str(os.getpid())
        ):
            found.append(told)
    return found


def builders(top):
    """The first processes of the sandboxes in which `top` is built."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"/in/driver.py" in arguments and top in b" ".join(arguments) and arguments[0].endswith(b"python"):
            found.append(int(path.parent.name))
    return found


def worker_of(pid):
    while b"spawn_main" not in Path(f"/proc/{pid}/cmdline").read_bytes():
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return pid
