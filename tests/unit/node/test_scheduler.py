"""A scheduler over a real ledger, with workers that say what they are told to."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from rebuilders.farm.interface import Job, Outcome
from rebuilders.node.again import RETRIES, retry_after
from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.node.control import DRAINING, PAUSED
from rebuilders.node.ledger import Ledger, Want
from rebuilders.node.scheduler import Scheduler
from tests.integration.trusted_nodes import ALPHA, BETA, WHEEL, stated
from witness.digest import sha256_hex
from witness.errors import Incomplete
from witness.names import TargetName
from witness.observation import DigestSet, Resource
from witness.statement import encode, parse

TARGET = "demo==1.0"


@dataclass
class Clock:
    now: datetime = datetime(2026, 5, 1, 12, tzinfo=UTC)

    def __call__(self):
        self.now += timedelta(milliseconds=1)
        return self.now


@dataclass
class Scripted:
    """An `Executor`: what becomes of a job is what `says` makes of it; `lost` is None."""

    says: object
    size: int = 1
    busy_with: list[Job] = field(default_factory=list)
    seen: list[Job] = field(default_factory=list)

    @property
    def free(self):
        return self.size - len(self.busy_with)

    @property
    def busy(self):
        return len(self.busy_with)

    def submit(self, job):
        assert self.free
        self.busy_with.append(job)
        self.seen.append(job)

    def finished(self, timeout):
        done, self.busy_with = self.busy_with, []
        return [(job, self.says(job)) for job in done]

    def close(self):
        self.busy_with = []


@dataclass
class Place:
    directory: NodeDirectory
    ledger: Ledger
    clock: Clock
    told: list[str] = field(default_factory=list)

    def scheduler(self, says, **changes):
        config = NodeConfig(version=1, name=ALPHA.name, operator="Operator A")
        executor = Scripted(says, **changes)
        made = Scheduler(self.directory, config, self.ledger, executor, self.told.append)
        made.begin()
        return made, executor

    def add(self, *targets):
        return self.ledger.add(Want(TargetName.parse(target)) for target in targets)

    def outbox(self):
        return {path.stem: path.read_bytes() for path in self.directory.outbox.glob("*.json")}


@pytest.fixture
def place(tmp_path):
    directory = NodeDirectory(tmp_path)
    for path in (directory.outbox, directory.state, directory.site):
        path.mkdir()
    clock = Clock()
    ledger = Ledger(directory.state / "ledger.sqlite", clock=clock)
    yield Place(directory, ledger, clock)
    ledger.close()


def saying(statement, **changes):
    def says(job):
        return Outcome(job.claim, statement.observation.result, "", encode(statement), **changes)

    return says


def incomplete(job):
    return Outcome(job.claim, "the index did not answer", complete=False)


def test_what_is_seen_lies_in_the_outbox_once(place):
    place.add(TARGET)
    scheduler, executor = place.scheduler(saying(stated(ALPHA)))
    assert scheduler.step(0) is True
    assert scheduler.step(0) is False
    assert [job.target for job in executor.seen] == [TARGET]
    assert [parse(data) for data in place.outbox().values()] == [stated(ALPHA)]
    assert all(sha256_hex(data) == name for name, data in place.outbox().items())
    assert place.ledger.counts() == {"done": 1}
    assert (place.told, scheduler.observed, scheduler.incomplete) == ([f"{TARGET}: match (bitwise)"], 1, 0)


def test_a_second_observation_names_the_first(place, tmp_path):
    place.add(TARGET)
    before = ALPHA.publish(tmp_path, [stated(ALPHA, finished=place.clock.now - timedelta(days=3))])
    place.directory.site.rmdir()
    before.rename(place.directory.site)
    place.scheduler(saying(stated(ALPHA)))[0].step(0)
    [data] = place.outbox().values()
    assert parse(data).observation.previous == 0


# What a worker must not have signed: it is released, and told, and nothing lies in the outbox.
NONSENSE = {
    "no statement": lambda job: Outcome(job.claim, "match", "bitwise", b"{}"),
    "another release": saying(stated(ALPHA, filename="demo-2.0-py3-none-any.whl")),
    "another project": saying(stated(ALPHA, filename="other-1.0-py3-none-any.whl")),
    "another node": saying(stated(BETA)),
    "bytes added": lambda job: Outcome(job.claim, "match", "bitwise", encode(stated(ALPHA)) + b"\n"),
}


@pytest.mark.parametrize("says", NONSENSE.values(), ids=NONSENSE)
def test_what_a_worker_makes_up(place, says):
    place.add(TARGET)
    scheduler, _ = place.scheduler(says)
    scheduler.step(0)
    assert (place.outbox(), scheduler.incomplete) == ({}, 1)
    assert "the worker's answer cannot be used" in place.told[0]
    assert place.ledger.counts() == {"queued": 1}


def test_another_file_of_the_release(place):
    place.add("demo-1.0-py2.py3-none-any.whl")
    place.scheduler(saying(stated(ALPHA, filename=WHEEL)))[0].step(0)
    assert place.outbox() == {}
    assert "a statement about another file" in place.told[0]


class TestReports:
    TOLD = b'{"schema": "report/1"}'

    def named(self, told):
        statement = stated(ALPHA, "mismatch")
        comparison = statement.observation.comparison.model_copy(
            update={"report": Resource(name="report.json", digest=DigestSet(sha256=sha256_hex(told)))}
        )
        return replace(
            statement, observation=statement.observation.model_copy(update={"comparison": comparison})
        )

    def kept(self, place):
        return [path.read_bytes() for path in place.directory.reports.rglob("*.json")]

    def test_one_that_the_statement_names_is_kept(self, place):
        place.add(TARGET)
        place.scheduler(saying(self.named(self.TOLD), report=self.TOLD))[0].step(0)
        assert self.kept(place) == [self.TOLD]

    @pytest.mark.parametrize("named", [b"another", None])
    def test_any_other_is_not(self, place, named):
        place.add(TARGET)
        statement = self.named(named) if named else stated(ALPHA, "mismatch")
        place.scheduler(saying(statement, report=self.TOLD))[0].step(0)
        assert (self.kept(place), len(place.outbox())) == ([], 1)


def test_nothing_to_observe_is_done(place):
    place.add(TARGET)
    place.scheduler(lambda job: Outcome(job.claim, "the index has no project demo"))[0].step(0)
    assert place.ledger.counts() == {"done": 1}
    assert place.told == [f"{TARGET}: the index has no project demo"]
    assert place.ledger.rows("done")[0].detail == "the index has no project demo"


def test_what_could_not_be_completed_waits_longer_each_time(place):
    place.add(TARGET)
    scheduler, executor = place.scheduler(incomplete)
    for _ in range(80):
        scheduler.step(0)
        place.clock.now += timedelta(hours=9)
    assert len(executor.seen) == RETRIES["index"].tries
    assert place.ledger.counts() == {"stuck": 1}
    assert place.told[-1].endswith("given up until it is added again")
    assert place.add(TARGET) == 1
    assert place.ledger.rows("queued")[0].failures == 0


def test_how_long(place):
    waits = [retry_after(failures, 0.5) for failures in range(60)]
    assert waits[:3] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert waits[-2:] == [timedelta(hours=6), None]
    assert retry_after(3, 0.0) < retry_after(3, 1.0) < 2 * retry_after(3, 0.0)


def test_workers_that_die_one_after_the_other(place):
    place.add(*(f"demo{number}==1.0" for number in range(9)))
    scheduler, _ = place.scheduler(lambda job: None)
    for _ in range(2):
        scheduler.step(0)
    with pytest.raises(Incomplete, match="ended from outside"):
        scheduler.step(0)
    assert place.ledger.counts() == {"queued": 9}
    assert scheduler.incomplete == 3


def test_a_ledger_that_fails_costs_no_outcome(place, monkeypatch):
    place.add(TARGET)
    scheduler, executor = place.scheduler(saying(stated(ALPHA)))
    record = place.ledger.record

    def fails(*_):
        raise Incomplete("the node's ledger: disk full")

    monkeypatch.setattr(place.ledger, "record", fails)
    for _ in range(2):
        with pytest.raises(Incomplete):
            scheduler.step(0)
    assert (place.outbox(), scheduler.is_idle) == ({}, False)
    monkeypatch.setattr(place.ledger, "record", record)
    scheduler.step(0)
    assert (len(place.outbox()), len(executor.seen), scheduler.is_idle) == (1, 1, True)


def test_an_outbox_that_fails_costs_no_observation(place):
    place.add(TARGET)
    scheduler, _ = place.scheduler(saying(stated(ALPHA)))
    place.directory.outbox.rmdir()
    place.directory.outbox.write_text("in the way")
    with pytest.raises(Incomplete):
        scheduler.step(0)
    assert place.ledger.counts() == {"done": 1, "undelivered": 1}
    place.directory.outbox.unlink()
    place.directory.outbox.mkdir()
    place.scheduler(incomplete)  # the next process begins with what is undelivered
    assert (len(place.outbox()), place.ledger.counts()) == (1, {"done": 1})


def test_a_former_scheduler_that_still_has_a_worker_records_nothing(place):
    place.add(TARGET)
    former, _ = place.scheduler(saying(stated(ALPHA)))
    former._hand_out(None)  # and then it hangs
    latter, _ = place.scheduler(saying(stated(ALPHA, "build-failed")))
    latter.step(0)
    former.step(0)
    assert [parse(data).observation.result for data in place.outbox().values()] == ["build-failed"]


def test_what_ends_the_node_each_time_is_stuck_in_the_end(place):
    place.add(TARGET)
    for _ in range(12):
        scheduler, executor = place.scheduler(incomplete)
        scheduler._hand_out(None)  # and then the node dies
        assert len(executor.seen) == 1
    place.scheduler(incomplete)
    assert place.ledger.counts() == {"stuck": 1}


@pytest.mark.parametrize("word", [PAUSED, DRAINING])
def test_nothing_is_handed_out_while_it_is_held(place, word):
    place.add(TARGET)
    place.ledger.say(word, "yes")
    scheduler, executor = place.scheduler(saying(stated(ALPHA)))
    assert (scheduler.step(0), scheduler.held, executor.seen) == (False, word, [])
    place.ledger.say(word, "")
    assert (scheduler.step(0), scheduler.held, len(executor.seen)) == (True, "", 1)


def test_hostile_words_are_made_printable(place):
    place.add(TARGET)
    place.scheduler(lambda job: Outcome(job.claim, "no \x1b[31m answer\n\u202e", complete=False))[0].step(0)
    assert not {"\x1b", "\n", "\u202e"} & set(place.told[0])


class Breathless(Scripted):
    """As a farm: after each job it takes a moment until it can be given another."""

    breath = True

    @property
    def free(self):
        return self.size - len(self.busy_with) if self.breath else 0

    def submit(self, job):
        super().submit(job)
        self.breath = False

    def ready(self, timeout):
        self.breath = timeout > 0
        return self.breath


def test_an_executor_that_takes_a_moment_ends_no_round(place):
    """What waits is handed out when it can be."""
    place.add("demo==1.0", "demo==2.0", "demo==3.0")
    config = NodeConfig(version=1, name=ALPHA.name, operator="Operator A")
    executor = Breathless(lambda job: Outcome(job.claim, "nothing to see"))
    scheduler = Scheduler(place.directory, config, place.ledger, executor, place.told.append)
    scheduler.begin()
    while scheduler.step(1.0):
        pass
    assert (place.ledger.counts(), len(executor.seen)) == ({"done": 3}, 3)


def test_one_that_has_nobody_ends_a_round(place):
    place.add("demo==1.0", "demo==2.0")
    config = NodeConfig(version=1, name=ALPHA.name, operator="Operator A")
    executor = Breathless(lambda job: Outcome(job.claim, "nothing to see"))
    scheduler = Scheduler(place.directory, config, place.ledger, executor, place.told.append)
    scheduler.begin()
    assert [scheduler.step(0.0), scheduler.step(0.0)] == [True, False]
    assert place.ledger.counts() == {"done": 1, "queued": 1}


def test_a_worker_that_says_that_it_has_downloaded_everything(place):
    place.add(TARGET)
    place.scheduler(lambda job: Outcome(job.claim, "nothing to see", received=10**15))[0].step(0)
    assert int(place.ledger.control()["received"].split()[1]) == 4 * 1024**3
