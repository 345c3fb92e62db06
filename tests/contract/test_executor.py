"""What every `Executor` promises: in processes of this machine, and by Dask in its forms."""

import json
import os
import signal
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from rebuilders.config import Settings
from rebuilders.farm.dask import DaskExecutor
from rebuilders.farm.gateway import Plan
from rebuilders.farm.interface import Job, Terms
from rebuilders.farm.local import LocalExecutor
from rebuilders.farm.tags import python_tag
from rebuilders.farm.work import Worker
from rebuilders.plan.interpreters import RELEASED
from tests.farms import command_line, descendants, farm
from tests.integration.test_node import LASTING, builders, renamed
from tests.package_index import serving
from tests.releases import SDIST, WHEEL
from tests.static_pairs import HONEST
from tests.waiting import wait_until
from witness.statement import parse

pytestmark = [pytest.mark.sandbox, pytest.mark.loopback, pytest.mark.enable_socket]

KINDS = ("local", "in-process", "cluster", "remote")
READY = 120.0


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    root = tmp_path_factory.mktemp("operator")
    kept = {name: os.environ[name] for name in ("PATH", "PYENV_ROOT") if name in os.environ}
    return {**kept, "HOME": str(root), "WHEELWITNESS_CACHE": str(root / "cache")}


@pytest.fixture(scope="module")
def index():
    with serving() as served:
        served.files["demo"] = {WHEEL: HONEST.wheel_bytes, SDIST: HONEST.sdist_bytes}
        served.files["made"] = renamed("made")
        served.files["cut"] = renamed("cut")
        served.broken.add("/files/cut/cut-1.0-py3-none-any.whl")
        for name in ("lasting", "enduring"):
            served.files[name] = renamed(name, LASTING)
        yield served


@pytest.fixture(scope="module")
def terms(index, environment, tmp_path_factory):
    settings = Settings(index=f"{index.url}simple/", cache=tmp_path_factory.mktemp("cache"))

    def make(method="rebuild", timeout=240.0):
        return Terms("node-a.example", method, settings, timeout)

    return make


@pytest.fixture(scope="module")
def machines(environment, tmp_path_factory):
    """A farm of two workers, in two processes of one command."""
    with farm(tmp_path_factory.mktemp("farm") / "farm", environment) as made:
        made.start("scheduler", "scheduler")
        made.start("worker", "worker", "--jobs", "2")
        yield made


@pytest.fixture(params=KINDS)
def opened(request, terms):
    """Makes an executor of two slots, ready; closed in the end."""
    kept = []

    def make(method="rebuild", *, timeout=240.0, tell=lambda _: None):
        told = terms(method, timeout)
        if request.param == "local":
            executor = LocalExecutor(told, 2)
        elif request.param == "remote":
            executor = DaskExecutor(Plan(told, request.getfixturevalue("machines").link("node")), tell)
        else:
            executor = DaskExecutor(Plan(told, workers=2, processes=request.param == "cluster"), tell)
        kept.append(executor)
        wait_until(lambda: executor.free == 2)
        assert executor.said == ""
        return executor

    yield make
    for executor in kept:
        executor.close()


def results(executor, count, seconds=READY):
    """That many, by claim."""
    found = {}
    end = time.monotonic() + seconds
    while len(found) < count:
        assert time.monotonic() < end, found
        for job, outcome in executor.finished(1.0):
            assert job.claim not in found
            found[job.claim] = job, outcome
    return found


def test_each_job_comes_back_once_with_its_outcome(opened):
    executor = opened("static")
    assert executor.ready(0.0)
    assert executor.finished(0.0) == []
    jobs = [
        Job(target, f"claim{number}")
        for number, target in enumerate(("demo==1.0", "none==1.0", "cut==1.0", "demo==1.0"))
    ]
    waiting, found = list(jobs), {}
    while len(found) < len(jobs):
        while waiting and executor.free:
            executor.submit(waiting.pop(0))
            assert 1 <= executor.busy <= 2
        found |= results(executor, 1)
    assert {claim: job.target for claim, (job, _) in found.items()} == {job.claim: job.target for job in jobs}
    for claim in ("claim0", "claim3"):
        outcome = found[claim][1]
        assert (outcome.claim, outcome.result, outcome.level, outcome.complete) == (
            claim,
            "match",
            "metadata",
            True,
        )
        assert parse(outcome.statement).observation.builder.name == "node-a.example"
    assert (found["claim1"][1].statement, found["claim1"][1].complete) == (b"", True)
    assert (found["claim2"][1].statement, found["claim2"][1].complete) == (b"", False)
    assert (executor.busy, executor.finished(0.0)) == (0, [])


def test_a_rebuild_with_its_report(opened, index):
    index.files["evil"] = renamed("evil", "\nMEMBERS['evil.py'] = b'other'\n")
    executor = opened()
    executor.submit(Job("made==1.0", "a"))
    executor.submit(Job("evil==1.0", "b"))
    found = results(executor, 2)
    assert (found["a"][1].result, found["a"][1].level, found["a"][1].report) == ("match", "bitwise", b"")
    assert (found["b"][1].result, found["b"][1].level) == ("mismatch", "")
    assert b"evil.py" in found["b"][1].report


def test_one_of_other_terms_is_worked_on_by_them(opened):
    executor = opened("static", timeout=77.0)
    executor.submit(Job("made==1.0", "a"))
    assert results(executor, 1)["a"][1].result == "not-attempted"


def test_closed_it_leaves_no_build(opened):
    executor = opened()
    for name in ("lasting", "enduring"):
        executor.submit(Job(f"{name}==1.0", name))
    assert executor.free == 0
    wait_until(lambda: builders(b"lasting-1.0") and builders(b"enduring-1.0"))
    assert (executor.finished(0.1), executor.busy) == ([], 2)
    executor.close()
    wait_until(lambda: not builders(b"lasting-1.0") and not builders(b"enduring-1.0"))


def test_a_process_that_is_ended_costs_its_own_job(opened):
    """The one that a build is a child of; whatever is above it is there for the next job."""
    executor = opened()
    executor.submit(Job("lasting==1.0", "lasting"))
    wait_until(lambda: builders(b"lasting-1.0"))
    os.kill(worker_of(builders(b"lasting-1.0")[0]), signal.SIGKILL)
    found = results(executor, 1)
    assert found["lasting"][1] is None
    wait_until(lambda: not builders(b"lasting-1.0"))
    wait_until(lambda: executor.free == 2)
    executor.submit(Job("made==1.0", "a"))
    assert results(executor, 1)["a"][1].result == "match"


def test_a_wheel_that_wants_a_python_which_another_worker_has_goes_there_once(terms):
    worker = Worker.open(terms())
    ports = worker.workshop.ports
    oldest = ports.interpreters[-1:]
    worker = replace(worker, workshop=replace(worker.workshop, ports=replace(ports, interpreters=oldest)))
    others = tuple(python_tag(minor) for minor in RELEASED if minor != oldest[0].minor)
    wanting = worker.work(Job("made==1.0", "claim", offered=others))
    assert (wanting.complete, wanting.statement) == (False, b"")
    assert wanting.needs in others
    assert "another worker has" in wanting.result
    # It has come here for what it needs, or nobody has it: it is done by what is here.
    for job in (Job("made==1.0", "claim", wanting.needs, others), Job("made==1.0", "claim")):
        done = worker.work(job)
        assert (done.complete, done.result, done.needs) == (True, "match", "")


class TestRemote:
    """What machines of their own bring with them."""

    @pytest.fixture
    def executor(self, machines, terms):
        executor = DaskExecutor(Plan(terms(), machines.link("node")))
        wait_until(lambda: executor.free == 2)
        yield executor
        executor.close()

    def test_a_dask_worker_that_is_killed_costs_its_own_job_and_comes_back(self, executor, machines):
        executor.submit(Job("lasting==1.0", "lasting"))
        executor.submit(Job("made==1.0", "made"))
        wait_until(lambda: builders(b"lasting-1.0"))
        os.kill(ancestors(worker_of(builders(b"lasting-1.0")[0]))[0], signal.SIGKILL)
        found = results(executor, 2)
        assert (found["lasting"][1], found["made"][1].result) == (None, "match")
        wait_until(lambda: not builders(b"lasting-1.0"))
        wait_until(lambda: executor.free == 2)
        assert executor.finished(0.0) == []

    def test_a_dask_scheduler_that_is_killed_costs_what_is_under_way(self, executor, machines):
        for name in ("lasting", "enduring"):
            executor.submit(Job(f"{name}==1.0", name))
        wait_until(lambda: builders(b"lasting-1.0") and builders(b"enduring-1.0"))
        machines.end("scheduler", signal.SIGKILL)
        found = results(executor, 2)
        assert [found[name][1] for name in ("lasting", "enduring")] == [None, None]
        assert executor.free == 0
        assert executor.said
        wait_until(lambda: not builders(b"lasting-1.0") and not builders(b"enduring-1.0"))
        machines.start("scheduler", "scheduler")
        wait_until(lambda: executor.free == 2)
        executor.submit(Job("made==1.0", "a"))
        assert results(executor, 1)["a"][1].result == "match"

    def test_a_gateway_that_is_killed_costs_what_is_under_way(self, executor):
        executor.submit(Job("lasting==1.0", "lasting"))
        wait_until(lambda: builders(b"lasting-1.0"))
        gateways = [pid for pid in descendants(os.getpid()) if "rebuilders.farm.gateway" in command_line(pid)]
        for pid in gateways:
            os.kill(pid, signal.SIGKILL)
        assert results(executor, 1)["lasting"][1] is None
        wait_until(lambda: not builders(b"lasting-1.0"))
        wait_until(lambda: executor.free == 2)

    def test_two_nodes_at_one_farm_do_not_wait_behind_each_other(self, executor, machines, terms):
        other = DaskExecutor(Plan(terms("static"), machines.link("node")))
        try:
            wait_until(lambda: other.free == 2)
            executor.submit(Job("lasting==1.0", "lasting"))
            wait_until(lambda: builders(b"lasting-1.0"))
            wait_until(lambda: other.free == 1)
            other.submit(Job("demo==1.0", "a"))
            assert results(other, 1)["a"][1].result == "match"
        finally:
            other.close()


@contextmanager
def odd(environment, root, *tags, who="worker", **more):
    """A farm whose one worker, or scheduler, is not as it should be."""
    with farm(root / "odd", {**environment, **more}) as made:
        arguments = [part for tag in tags for part in ("--tag", tag)]
        if who == "scheduler":
            made.start("scheduler", "scheduler", script="tests.odd_scheduler")
        else:
            made.start("scheduler", "scheduler")
            made.start("worker", "worker", *arguments, script="tests.odd_worker")
        yield made


class TestOdd:
    """Workers that lie, and programs of other versions."""

    @pytest.mark.parametrize("lie", ["garbage", "number", "keys", "huge"])
    def test_an_answer_that_cannot_be_used(self, lie, environment, terms, tmp_path):
        with odd(environment, tmp_path, lie) as made:
            executor = DaskExecutor(Plan(terms(), made.link("node")))
            try:
                assert executor.ready(READY)
                executor.submit(Job("made==1.0", "a"))
                outcome = results(executor, 1)["a"][1]
                assert not outcome.complete
                assert "cannot be used" in outcome.result
                assert outcome.statement == b""
                assert executor.ready(READY)
            finally:
                executor.close()

    def test_what_runs_where_answers_are_unpickled_finds_nothing(
        self, environment, terms, tmp_path, monkeypatch
    ):
        monkeypatch.setenv("PGPASSWORD", "secret")
        monkeypatch.setenv("SIGNER_PIN", "secret")
        node = tmp_path / "node"
        node.mkdir()
        with odd(environment, tmp_path, "evil", TEST_NODE=str(node)) as made:
            executor = DaskExecutor(Plan(terms(), made.link("node")))
            try:
                assert executor.ready(READY)
                executor.submit(Job("made==1.0", "a"))
                seen = json.loads(results(executor, 1)["a"][1].result)
            finally:
                executor.close()
        assert not {"PGPASSWORD", "SIGNER_PIN", "PGPASSFILE"} & set(seen["environment"])
        assert all("rebuilders.farm.gateway" in told for told in seen["processes"])
        assert (seen["node"], seen["written"]) == (False, False)

    def test_a_job_goes_to_a_worker_that_has_what_it_needs(self, environment, terms, tmp_path):
        with farm(tmp_path / "farm", environment) as made:
            made.start("scheduler", "scheduler")
            for name in ("plain", "special"):
                made.environment = {**environment, "TEST_NAME": name}
                more = ["--tag", "special"] if name == "special" else []
                made.start(name, "worker", *more, script="tests.odd_worker")
            executor = DaskExecutor(Plan(terms(), made.link("node")))
            try:
                wait_until(lambda: executor.free == 2)
                jobs = [Job("made==1.0", f"claim{number}", needs="special") for number in range(2)]
                jobs.append(Job("made==1.0", "none", needs="what-nobody-has"))
                for job in jobs[:2]:
                    executor.submit(job)  # the second waits for the first
                found = results(executor, 2)
                assert {outcome.result for _, outcome in found.values()} == {"special"}
                wait_until(lambda: executor.free == 2)
                executor.submit(jobs[2])
                executor.submit(Job("made==1.0", "plain"))
                found = results(executor, 2)
                assert {outcome.result for _, outcome in found.values()} == {"plain", "special"}
                assert {outcome.claim for _, outcome in found.values()} == {"none", "plain"}
            finally:
                executor.close()

    def test_a_worker_of_another_version_gets_nothing(self, environment, terms, tmp_path):
        with odd(environment, tmp_path, "other-version") as made:
            executor = DaskExecutor(Plan(terms(), made.link("node")))
            try:
                wait_until(lambda: "but 1 others" in (executor.said, executor.free)[0])
                assert "wheelwitness-" in executor.said
                assert executor.free == 0
            finally:
                executor.close()

    def test_a_scheduler_of_another_version_is_not_used(self, environment, terms, tmp_path):
        with odd(environment, tmp_path, who="scheduler") as made:
            executor = DaskExecutor(Plan(terms(), made.link("node")))
            try:
                wait_until(lambda: "runs distributed 2020.1.0" in (executor.free, executor.said)[1])
                assert executor.free == 0
            finally:
                executor.close()

    def test_nobody_gets_in_with_a_certificate_of_another_authority(self, environment, terms, tmp_path):
        with farm(tmp_path / "farm", environment) as made, farm(tmp_path / "other", environment) as other:
            made.start("scheduler", "scheduler")
            other.port = made.port
            other.start("stranger", "worker")
            own = other.link("node")
            executor = DaskExecutor(Plan(terms(), own))
            try:
                wait_until(
                    lambda: "SSL" in (executor.free, executor.said)[1] or "certificate" in executor.said
                )
                assert executor.free == 0
                wait_until(lambda: "tried again" in other.told("stranger"))
                assert "is at" not in other.told("stranger")
            finally:
                executor.close()


def ancestors(pid):
    found = []
    while pid > 1:
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        found.append(pid)
    return found


def worker_of(pid):
    """The process that began a build: the first above it that was spawned by another of ours."""
    for above in ancestors(pid):
        if "spawn_main" in command_line(above):
            return above
    raise AssertionError(pid)
