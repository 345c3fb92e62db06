"""The scheduler with what a feed queues: what it says itself, whom it does not believe, and when it looks again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rebuilders.farm.interface import Outcome
from rebuilders.node import again
from rebuilders.node.config import NodeDirectory, parse
from rebuilders.node.ledger import Ledger, Page, Pages, SeenFile, Want
from rebuilders.node.priorities import within
from rebuilders.node.scheduler import Scheduler
from tests.integration.trusted_nodes import ALPHA, BETA, NOW, SHA, WHEEL, policy, stated
from tests.unit.feed.world import DAY, HOUR
from witness.evidence import Artifact, Evidence
from witness.names import TargetName
from witness.observation import Published
from witness.statement import encode
from witness.statement import parse as parse_statement
from witness.verdict import decide

CONFIG = f'version = 1\nname = "{ALPHA.name}"\noperator = "Operator A"\n'
TARGET = TargetName.parse(WHEEL)


class Scripted:
    """An executor that gives each job the answer that is set; None: the worker is lost."""

    def __init__(self):
        self.answer, self.jobs, self.done = None, [], []
        self.free = 1

    @property
    def busy(self):
        return len(self.jobs)

    def submit(self, job):
        self.jobs.append(job)
        self.done.append(job)

    def finished(self, timeout):
        ended, self.jobs = self.jobs, []
        return [(job, self.answer and self.answer(job)) for job in ended]

    def close(self):
        self.jobs.clear()


class Node:
    def __init__(self, root, method="rebuild"):
        self.now, self.said = NOW, []
        self.directory = NodeDirectory(root)
        for path in (self.directory.outbox, self.directory.state, self.directory.site):
            path.mkdir()
        self.ledger = Ledger(root / "ledger.sqlite", clock=lambda: self.now)
        self.pages, self.executor = Pages(self.ledger.database), Scripted()
        config = parse(f'{CONFIG}method = "{method}"\n', "node.toml")
        self.scheduler = Scheduler(
            self.directory, config, self.ledger, self.executor, self.said.append, clock=lambda: self.now
        )

    def sees(self, **changed):
        """The feed has seen the file."""
        told = {"uploaded": NOW - DAY, "yanked": False, "gone": False, "seen": NOW, "size": 1000}
        file = SeenFile(WHEEL, **{"sha256": SHA, **told, **changed})
        self.pages.put(Page("demo", "", 0, "active", self.now, self.now), [file])

    def wants(self, why):
        self.ledger.add([Want(TARGET, why, within(why), overrides=True)])

    def works(self):
        while self.scheduler.step(0.0):
            pass

    def row(self):
        (row,) = self.ledger.rows("queued", "running", "done", "stuck")
        return row

    def statements(self):
        return [parse_statement(path.read_bytes()) for path in self.directory.outbox.glob("*.json")]


@pytest.fixture
def node(tmp_path):
    made = Node(tmp_path)
    yield made
    made.ledger.close()


def saying(*args, published=None, **kwargs):
    statement = stated(ALPHA, *args, **kwargs)
    if published:
        observation = statement.observation.model_copy(update={"published": published})
        statement = replace(statement, observation=observation)
    return lambda job: Outcome(job.claim, statement.observation.result, statement=encode(statement))


@pytest.mark.parametrize("method", ["rebuild", "static"])
@pytest.mark.parametrize(("why", "cause"), [("deleted", "withdrawn"), ("quarantined", "quarantined")])
def test_what_the_index_lists_no_more_is_said_without_a_worker(tmp_path, method, why, cause):
    node = Node(tmp_path, method)
    node.sees(gone=True, missing=NOW - DAY, yanked=True)
    node.wants(why)
    node.works()
    assert node.executor.done == []
    (statement,) = node.statements()
    assert (statement.filename, statement.sha256) == (WHEEL, SHA)
    observation = statement.observation
    assert (observation.result, observation.failure.phase, observation.failure.cause) == (
        "not-attempted",
        "locate",
        cause,
    )
    assert observation.published == Published(size=1000, upload_time=NOW - DAY, yanked=True)
    assert (observation.method, observation.attempt.count, observation.attempt.finished_at) == (
        method,
        0,
        NOW,
    )
    assert (node.row().state, node.row().detail) == ("done", f"locate: {cause}")
    assert node.said == [f"{WHEEL}: locate: {cause}"]
    node.scheduler.begin()
    assert len(node.statements()) == 1
    node.ledger.close()


@pytest.mark.parametrize("changed", [{"gone": False}, {"gone": True, "size": None}])
def test_nothing_is_said_of_a_file_that_is_back_or_whose_size_nobody_knows(node, changed):
    node.sees(**changed)
    node.wants("deleted")
    node.works()
    assert node.statements() == []
    assert node.row().state == "done"


def test_a_deletion_takes_no_vote_away(node):
    """The statement that the scheduler makes, under a consumer's policy."""
    node.sees(gone=True)
    node.wants("deleted")
    node.works()
    (absent,) = node.statements()
    artifact, rules = Artifact(SHA, WHEEL, "demo", "1.0"), policy(ALPHA, BETA)
    for result, outcome in (("match", "reproduced"), ("mismatch", "divergent")):
        before = ALPHA.verified(stated(ALPHA, result), index=1)
        other = BETA.verified(stated(BETA), index=1)
        after = ALPHA.verified(absent, index=2)
        assert decide(artifact, Evidence((before, after, other)), rules, NOW + DAY).outcome == outcome
    alone = decide(artifact, Evidence((ALPHA.verified(absent, index=2),)), rules, NOW + DAY)
    assert alone.outcome == "unbuildable"
    assert [voice.witness for voice in alone.unable] == [ALPHA.name]


@pytest.mark.parametrize(("listed", "state"), [(True, "queued"), (False, "done")])
def test_a_file_that_the_feed_has_seen_and_the_worker_has_not_is_tried_again(node, listed, state):
    if listed:
        node.sees()
    node.wants("new")
    node.executor.answer = lambda job: Outcome(job.claim, "the index has no file", cause="no-such-file")
    node.works()
    assert node.row().state == state
    assert (node.row().failures, node.scheduler.incomplete) == (int(listed), int(listed))


@pytest.mark.parametrize(
    ("why", "told", "state"),
    [
        ("yanked", {"yanked": False}, "queued"),
        ("yanked", {"yanked": True}, "done"),
        ("unyanked", {"yanked": True}, "queued"),
        ("new", {"yanked": False}, "done"),
    ],
)
def test_an_observation_by_an_older_page_is_not_taken(node, why, told, state):
    node.sees(yanked=why != "unyanked")
    node.wants(why)
    node.executor.answer = saying(published=Published(size=1000, **told))
    node.works()
    assert node.row().state == state
    assert len(node.statements()) == (state == "done")


@pytest.mark.parametrize(
    ("outcome", "cause"),
    [
        (Outcome("", "no answer", complete=False, cause="index"), "index"),
        (Outcome("", "no sandbox", complete=False, cause="sandbox"), "sandbox"),
        (Outcome("", "a mistake", complete=False, cause="mistake"), "mistake"),
        (Outcome("", "?", complete=False, cause="made up by a worker"), "index"),
        (Outcome("", "?", statement=b"no statement"), "answer"),
    ],
)
def test_what_could_not_be_completed_waits_by_its_cause(node, outcome, cause):
    node.wants("new")
    node.executor.answer = lambda job: replace(outcome, claim=job.claim)
    node.works()
    wait = node.row().not_before - NOW
    assert again.RETRIES[cause].first * 0.75 <= wait <= again.RETRIES[cause].first * 1.25
    tries = 1
    while node.row().state == "queued" and tries < 100:
        node.now = node.row().not_before
        node.works()
        tries += 1
    assert tries == (again.RETRIES[cause].tries or 100)


@pytest.mark.parametrize(
    ("result", "days"), [("mismatch", [30, 180]), ("build-failed", [7, 30, 90]), ("not-attempted", [])]
)
def test_when_it_is_observed_again(node, result, days):
    node.executor.answer = saying(result)
    node.wants("new")
    found = []
    for _ in range(6):
        node.works()
        began = node.now
        node.now += 400 * DAY
        if not node.ledger.wake(patience=HOUR, within=within("again")):
            break
        assert node.row().due == node.now + within("again")
        found.append(began)
    assert len(found) == len(days)


def test_the_time_of_the_next_look_is_that_of_the_table(node):
    node.executor.answer = saying("mismatch")
    node.wants("new")
    node.works()
    expected = again.observe_again(SHA, "mismatch")
    node.now += expected - timedelta(seconds=1)
    assert node.ledger.wake(patience=HOUR) == 0
    node.now += timedelta(seconds=2)
    assert node.ledger.wake(patience=HOUR) == 1
