"""What rebuilders.node.ledger promises, on SQLite and PostgreSQL alike."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from rebuilders.node import again
from rebuilders.node.ledger import Ledger, Page, Pages, Recorded, SeenFile, Want
from rebuilders.node.ledger.tables import METADATA
from tests import postgres as postgresql
from tests.contract.ledger_process import recorded
from witness.digest import sha256_hex
from witness.errors import Incomplete, InputError
from witness.names import TargetName

CHECKOUT = Path(__file__).parents[2]
START = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Clock:
    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def where(ledger_url, tmp_path):
    return tmp_path / "ledger.sqlite", ledger_url


@pytest.fixture
def ledger(where, clock):
    opened = Ledger(*where, clock=clock)
    yield opened
    opened.close()


def names(*projects):
    return [TargetName.parse(f"{project}==1.0") for project in projects]


def wants(*projects, **how):
    return [Want(name, **how) for name in names(*projects)]


def delivered(ledger):
    """What is delivered now, by their first lines."""
    found = []
    ledger.deliver(
        lambda data, report, artifact: found.append((data.partition(b"\n")[0].decode(), report, artifact))
    )
    return found


def states(ledger):
    return {
        row.target.partition("==")[0]: row.state for row in ledger.rows("queued", "running", "done", "stuck")
    }


class TestClaims:
    def test_a_target_is_taken_once(self, ledger):
        assert ledger.add(wants("a")) == 1
        taken = ledger.take()
        assert (taken.target, taken.failures, taken.why, taken.needs) == (*names("a"), 0, "added", "")
        assert ledger.take() is None
        assert states(ledger) == {"a": "running"}

    def test_an_outcome_is_recorded_once_with_its_statement(self, ledger):
        ledger.add(wants("a"))
        taken = ledger.take()
        assert ledger.record(taken.claim, recorded("one"))
        assert not ledger.record(taken.claim, recorded("two"))
        assert not ledger.release(taken.claim, "late", wait=HOUR)
        assert states(ledger) == {"a": "done"}
        assert ledger.counts()["undelivered"] == 1
        assert delivered(ledger) == [("one", None, "ab" * 32)]
        assert delivered(ledger) == []

    @pytest.mark.parametrize("how", ["requeue", "release"])
    def test_a_stale_claim_records_nothing(self, ledger, how):
        ledger.add(wants("a"))
        stale = ledger.take()
        assert (
            ledger.requeue() == 1
            if how == "requeue"
            else ledger.release(stale.claim, "no", wait=timedelta(0))
        )
        fresh = ledger.take()
        assert fresh.claim != stale.claim
        assert fresh.failures == 1
        assert not ledger.record(stale.claim, recorded("stale"))
        assert not ledger.release(stale.claim, "stale", wait=None)
        assert ledger.record(fresh.claim, recorded("fresh"))
        assert [text for text, *_ in delivered(ledger)] == ["fresh"]

    @pytest.mark.parametrize("claim", ["", "0" * 32, "' OR ''='"])
    def test_what_is_no_claim(self, ledger, claim):
        ledger.add(wants("a"))
        assert not ledger.record(claim, recorded("x"))
        assert not ledger.release(claim, "x", wait=None)
        assert states(ledger) == {"a": "queued"}

    def test_some_claims_are_kept_when_the_rest_is_queued_again(self, ledger):
        ledger.add(wants("a", "b"))
        kept, lost = ledger.take(), ledger.take()
        assert ledger.requeue(keep={kept.claim: 0}) == 1
        assert states(ledger) == {"a": "running", "b": "queued"}
        assert ledger.record(kept.claim, recorded("kept"))
        assert not ledger.record(lost.claim, recorded("lost"))

    def test_one_statement_twice_is_delivered_once(self, ledger):
        """A worker that gives one statement for two jobs keeps nobody from his turn."""
        ledger.add(wants("a", "b"))
        for _ in range(2):
            assert ledger.record(ledger.take().claim, recorded("same"))
        assert states(ledger) == {"a": "done", "b": "done"}
        assert [text for text, *_ in delivered(ledger)] == ["same"]

    @pytest.mark.parametrize("text", ["a\0b", "\ud800", "x" * 10_000, "\x1b[31m", "√ü"], ids=range(5))
    def test_whatever_strangers_wrote_can_be_kept(self, ledger, text):
        ledger.add(wants("a", "b"))
        assert ledger.record(ledger.take().claim, Recorded("not-observed", detail=text))
        assert ledger.release(ledger.take().claim, text, wait=HOUR, needs=text)
        for row in ledger.rows("done", "queued"):
            assert 0 < len(row.detail) <= 500
            assert row.detail.isprintable()


class TestOrder:
    def test_by_due_and_then_as_they_came(self, ledger):
        ledger.add(wants("later", within=2 * HOUR))
        ledger.add(wants("first", "second", within=HOUR))
        ledger.add(wants("now"))
        taken = [ledger.take().target.project for _ in range(4)]
        assert taken == ["now", "first", "second", "later"]

    def test_what_waits_long_enough_has_its_turn(self, ledger, clock):
        ledger.add(wants("backlog", within=24 * HOUR))
        clock.now += 24 * HOUR
        ledger.add(wants("new", within=HOUR))
        assert ledger.take().target.project == "backlog"

    def test_added_again_it_is_due_as_early_as_anybody_wants(self, ledger):
        ledger.add(wants("a", within=5 * HOUR))
        ledger.add(wants("b", within=2 * HOUR))
        assert ledger.add(wants("a", within=HOUR, why="urgent")) == 0
        assert ledger.add(wants("a", within=9 * HOUR, why="idle")) == 0
        assert (taken := ledger.take()).target.project == "a"
        assert taken.why == "urgent"

    def test_not_before(self, ledger, clock):
        ledger.add(wants("a", not_before=START + HOUR))
        assert ledger.take() is None
        clock.now += HOUR
        assert ledger.take() is not None

    def test_done_and_stuck_ones_are_queued_anew(self, ledger):
        ledger.add(wants("a", "b"))
        ledger.record(ledger.take().claim, recorded("x"))
        ledger.release(ledger.take().claim, "no", wait=None)
        assert states(ledger) == {"a": "done", "b": "stuck"}
        assert ledger.take() is None
        assert ledger.add(wants("a", "b")) == 2
        assert [ledger.take().failures for _ in range(2)] == [0, 0]

    def test_dropped_while_it_waits(self, ledger):
        ledger.add(wants("a", "b"))
        ledger.take()
        assert [ledger.drop(name) for name in names("a", "b", "c")] == [False, True, False]
        assert states(ledger) == {"a": "running"}


class TestFailures:
    def test_it_waits_and_the_failures_in_a_row_are_counted(self, ledger, clock):
        ledger.add(wants("a"))
        for failures in range(3):
            taken = ledger.take()
            assert taken.failures == failures
            ledger.release(taken.claim, "no", wait=HOUR)
            assert ledger.take() is None
            clock.now += HOUR
        ledger.record(ledger.take().claim, recorded("x"))
        ledger.add(wants("a"))
        assert ledger.take().failures == 0

    def test_without_blame_nothing_is_counted_and_what_it_needs_is_kept(self, ledger):
        ledger.add(wants("a"))
        ledger.release(ledger.take().claim, "not here", wait=timedelta(0), needs="python3.9", blame=False)
        taken = ledger.take()
        assert (taken.failures, taken.needs) == (0, "python3.9")
        ledger.release(taken.claim, "no", wait=timedelta(0))
        assert ledger.take().needs == "python3.9"
        ledger.requeue()
        ledger.record(ledger.take().claim, recorded("x"))
        ledger.add(wants("a"))
        assert ledger.take().needs == ""

    def test_a_retry_before_its_time(self, ledger, clock):
        ledger.add(wants("a", "fresh"))
        ledger.release(ledger.take().claim, "no", wait=6 * HOUR)
        ledger.record(ledger.take().claim, recorded("x"))
        clock.now += HOUR
        assert ledger.take(retry_before=START) is None  # it failed after that
        assert ledger.take(retry_before=clock.now).target.project == "a"

    def test_what_is_wanted_anew_while_it_runs_runs_once_more(self, ledger):
        ledger.add(wants("a"))
        taken = ledger.take()
        assert ledger.add(wants("a")) == 0  # merely added again
        assert ledger.add(wants("a", why="yanked")) == 0
        ledger.record(taken.claim, recorded("one"))
        ledger.record(ledger.take().claim, recorded("two"))
        assert ledger.take() is None
        assert [text for text, *_ in delivered(ledger)] == ["one", "two"]

    def test_what_is_wanted_anew_while_it_runs_is_not_stuck(self, ledger):
        ledger.add(wants("a"))
        taken = ledger.take()
        ledger.add(wants("a", why="late-file"))
        ledger.release(taken.claim, "given up", wait=None)
        taken = ledger.take()
        assert taken.failures == 0
        ledger.release(taken.claim, "given up", wait=None)
        assert states(ledger) == {"a": "stuck"}


class TestTime:
    def test_woken_when_it_is_to_be_seen_again(self, ledger, clock):
        ledger.add(wants("a"))
        ledger.record(ledger.take().claim, Recorded("mismatch", again_at=START + 24 * HOUR))
        assert ledger.wake(patience=HOUR) == 0
        clock.now += 24 * HOUR
        assert ledger.wake(patience=HOUR) == 1
        assert ledger.wake(patience=HOUR) == 0
        assert ledger.take().why == "again"

    @pytest.mark.parametrize("jump", [timedelta(days=-400), timedelta(days=400)], ids=["back", "forward"])
    def test_a_clock_that_jumps(self, ledger, clock, jump):
        ledger.add(wants("failed", "added"))
        ledger.release(ledger.take().claim, "no", wait=again.MAX_RETRY)
        clock.now += jump
        ledger.wake(patience=again.MAX_RETRY)
        clock.now += again.MAX_RETRY  # no longer than that
        ledger.wake(patience=again.MAX_RETRY)
        assert {ledger.take().target.project, ledger.take().target.project} == {"failed", "added"}

    def test_times_have_a_zone_and_come_back_as_they_went(self, ledger, clock):
        clock.now = START + timedelta(microseconds=123456)
        ledger.add(wants("a"))
        (row,) = ledger.rows("queued")
        assert row.due == clock.now
        assert row.due.tzinfo is UTC
        assert ledger.last_change("queued") == clock.now
        assert ledger.last_change() is None


class TestDelivery:
    def test_again_if_putting_failed(self, ledger):
        ledger.add(wants("a", "b"))
        for text in ("one", "two"):
            ledger.record(ledger.take().claim, recorded(text))
        seen = []

        def put(data, report, artifact):
            seen.append(data[:3])
            if len(seen) == 2:
                raise Incomplete("the disk is full")

        with pytest.raises(Incomplete):
            ledger.deliver(put)
        assert seen == [b"one", b"two"]
        assert [text for text, *_ in delivered(ledger)] == ["two"]

    def test_oldest_first_with_reports_however_many(self, ledger):
        count = 300
        ledger.add(wants(*(f"p{number}" for number in range(count))))
        for number in range(count):
            done = recorded(str(number))
            ledger.record(
                ledger.take().claim,
                Recorded("match", sha256="cd" * 32, statement=done.statement,
                         statement_sha256=done.statement_sha256, report=b"\0report" if number else None),
            )  # fmt: skip
        told = delivered(ledger)
        assert [text for text, *_ in told] == [str(number) for number in range(count)]
        assert told[0][1:] == (None, "cd" * 32)
        assert told[1][1:] == (b"\0report", "cd" * 32)


def test_counts_results_and_rows(ledger):
    ledger.add(wants("a", "b", "c"))
    ledger.record(ledger.take().claim, recorded("x"))
    ledger.record(ledger.take().claim, Recorded("build-failed", detail="build: cause"))
    assert ledger.counts() == Counter(done=2, queued=1, undelivered=1)
    assert ledger.results() == {("match", "bitwise"): 1, ("build-failed", ""): 1}
    assert [row.target for row in ledger.rows("queued")] == ["c==1.0"]
    assert {row.detail for row in ledger.rows("done")} == {"", "build: cause"}
    assert len(ledger.rows("done", limit=1)) == 1


def test_control(ledger):
    assert ledger.control() == {}
    ledger.say("paused", "for the move")
    ledger.say("paused", "still")
    ledger.say("draining", "yes")
    assert ledger.control() == {"paused": "still", "draining": "yes"}
    ledger.say("draining", "")
    assert ledger.control() == {"paused": "still"}


class TestPages:
    def page(self, project, **changed):
        told = {"etag": '"1"', "serial": 2**40, "status": "active", "asked": START, "next": START + HOUR}
        return Page(project, **{**told, **changed})

    def file(self, filename, **changed):
        told = {"sha256": "ab" * 32, "uploaded": None, "yanked": False, "gone": False, "seen": START}
        return SeenFile(filename, **{**told, **changed})

    def test_a_page_and_its_files(self, ledger):
        pages = Pages(ledger.database)
        assert pages.get("a") == (None, {})
        one, two = self.file("a-1.0.tar.gz", uploaded=START - HOUR), self.file("a-1.0-py3-none-any.whl")
        pages.put(self.page("a"), [one, two])
        assert pages.get("a") == (self.page("a"), {one.filename: one, two.filename: two})
        gone = self.file(one.filename, uploaded=START - HOUR, gone=True, yanked=True)
        pages.put(self.page("a", serial=2**40 + 1), [gone])
        assert pages.get("a") == (self.page("a", serial=2**40 + 1), {one.filename: gone, two.filename: two})
        assert pages.get("b") == (None, {})

    def test_watched_due_hastened_and_left(self, ledger):
        pages = Pages(ledger.database)
        assert pages.watch(["b", "a", "b"], START) == 2
        assert pages.watch(["a", "c"], START + HOUR) == 1
        assert pages.watched() == ["a", "b", "c"]
        assert [page.project for page in pages.due(START, 10)] == ["a", "b"]
        assert [page.project for page in pages.due(START + HOUR, 1)] == ["a"]
        assert pages.hasten(["c", "nobody"], START) == 1
        assert {page.project for page in pages.due(START, 10)} == {"a", "b", "c"}
        assert pages.unwatch(["a", "nobody"]) == 1
        assert pages.watched() == ["b", "c"]


class TestMigrations:
    def before(self, path, url):
        """A ledger as it was before there were migrations."""
        engine = create_engine(url or f"sqlite:///{path}")
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "CREATE TABLE targets (id INTEGER NOT NULL PRIMARY KEY, target VARCHAR(300) NOT NULL UNIQUE, "
                "state VARCHAR(10) NOT NULL, tries INTEGER NOT NULL, detail VARCHAR(500) NOT NULL, "
                "changed TIMESTAMP NOT NULL)"
            )
            rows = [
                (1, "a==1.0", "done"), (2, "b==1.0", "queued"), (3, "c==1.0", "running"), (4, "d==1.0", "failed")
            ]  # fmt: skip
            for number, target, state in rows:
                connection.exec_driver_sql(
                    f"INSERT INTO targets VALUES ({number}, '{target}', '{state}', 1, 'told', "
                    "'2025-01-02 03:04:05.000000')"
                )
        engine.dispose()

    def test_the_rows_of_before_are_kept(self, where, clock):
        self.before(*where)
        ledger = Ledger(*where, clock=clock)
        assert states(ledger) == {"a": "done", "b": "queued", "c": "queued", "d": "queued"}
        assert {row.detail for row in ledger.rows("done", "queued")} == {"told"}
        assert ledger.last_change() == datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
        assert [ledger.take().target.project for _ in range(3)] == ["b", "c", "d"]
        ledger.add(wants("e"))
        ledger.close()

    def test_opened_again_nothing_changes(self, where):
        for _ in range(2):
            ledger = Ledger(*where)
            ledger.add(wants("a"))
            ledger.close()
        ledger = Ledger(*where)
        assert ledger.counts()["queued"] == 1
        ledger.close()

    def test_they_make_the_tables_that_the_code_uses(self, ledger):
        with ledger.database.begin() as connection:
            from alembic.autogenerate import compare_metadata
            from alembic.runtime.migration import MigrationContext

            context = MigrationContext.configure(connection)
            changes = compare_metadata(context, METADATA)
        assert changes == []

    def test_a_ledger_of_a_later_version_is_refused(self, where):
        Ledger(*where).close()
        engine = create_engine(where[1] or f"sqlite:///{where[0]}")
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(InputError, match="later version"):
            Ledger(*where)
        with engine.begin() as connection:
            assert inspect(connection).has_table("targets")
            assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "9999"
        engine.dispose()

    def test_one_that_fails_changes_nothing(self, where, monkeypatch):
        self.before(*where)
        with monkeypatch.context() as patch:
            patch.setattr("alembic.op.drop_table", lambda name: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                Ledger(*where)
        engine = create_engine(where[1] or f"sqlite:///{where[0]}")
        with engine.begin() as connection:
            assert inspect(connection).get_table_names() == ["targets"]
        engine.dispose()
        Ledger(*where).close()


def start(what, where, *more):
    argv = [sys.executable, "-m", "tests.contract.ledger_process", what, *map(str, where), *map(str, more)]
    return subprocess.Popen(argv, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


class TestProcesses:
    def test_two_never_take_the_same(self, where, ledger):
        count = 60
        ledger.add(wants(*(f"p{number}" for number in range(count)), not_before=START - 24 * 400 * HOUR))
        told = []
        workers = [start("take", where) for _ in range(3)]
        for process in workers:
            out, _ = process.communicate(timeout=120)
            assert process.returncode == 0
            told += [line.split() for line in out.splitlines()]
        claims = [line[2] for line in told if line[0] == "took"]
        assert len(claims) == len(set(claims)) == count + len([n for n in range(count) if n % 10 == 7])
        done = Counter(line[1] for line in told if line[0] == "recorded")
        assert done == Counter({f"p{number}==1.0": 1 for number in range(count)})
        assert len(delivered(ledger)) == count

    def test_the_first_opening_by_several_and_adding_the_same(self, where):
        projects = [f"p{number}==1.0" for number in range(60)]
        processes = [start("add", where, *order) for order in (projects, projects[::-1], projects[30:])]
        told = []
        for process in processes:
            out, _ = process.communicate(timeout=120)
            assert process.returncode == 0
            told.append(int(out))
        assert sum(told) == len(projects)

    def test_adding_while_it_is_recorded(self, where, ledger):
        """Whichever comes first: what was wanted anew is seen once more."""
        ledger.add(wants("a"))
        other = Ledger(*where)
        for round_ in range(20):
            taken = ledger.take()
            adding = threading.Thread(target=other.add, args=(wants("a", why=f"event{round_}"),))
            adding.start()
            assert ledger.record(taken.claim, recorded(f"x{round_}"))
            adding.join()
            assert states(ledger) == {"a": "queued"}
        other.close()


class TestAlone:
    def test_one_scheduler(self, postgres, tmp_path):
        where = tmp_path / "none", postgres.fresh()
        ledger = Ledger(*where)
        with ledger.alone() as still:
            still()
            out, _ = start("alone", where).communicate(timeout=60)
            assert "another scheduler is at it" in out
        out, _ = start("alone", where).communicate(timeout=60)
        assert out == "alone\n"
        ledger.close()

    def test_given_up_by_an_error_in_between(self, postgres, tmp_path):
        ledger, other = (Ledger(tmp_path / "none", url) for url in [postgres.fresh()] * 2)
        with suppress(KeyError), ledger.alone():
            raise KeyError
        with other.alone():
            pass
        ledger.close()
        other.close()

    def test_whoever_is_killed_holds_it_no_more(self, postgres, tmp_path):
        where = tmp_path / "none", postgres.fresh()
        ledger = Ledger(*where)
        with start("alone", where) as process:
            assert process.stdout.readline() == "alone\n"
            with pytest.raises(Incomplete, match="another"), ledger.alone():
                pass
            process.kill()
            process.communicate()
        end = time.monotonic() + 60
        while True:
            try:
                with ledger.alone():
                    break
            except Incomplete:
                assert time.monotonic() < end
                time.sleep(0.05)
        ledger.close()

    def test_lost_with_the_server_and_taken_again_unless_another_has_it(self, postgres, tmp_path):
        where = tmp_path / "none", postgres.fresh()
        ledger, other = Ledger(*where), Ledger(*where)
        with ledger.alone() as still:
            postgres.kill()
            with pytest.raises(Incomplete):
                still()
            postgres.start()
            still()
            with pytest.raises(Incomplete, match="another"), other.alone():
                pass
            postgres.kill()
            postgres.start()
            with other.alone(), pytest.raises(Incomplete, match="another scheduler"):
                still()
            still()
        ledger.close()
        other.close()


class TestServerKilled:
    def test_nothing_half(self, postgres, tmp_path):
        """Killed while outcomes are recorded: each is there with its statement, or not at all."""
        where = tmp_path / "none", postgres.fresh()
        ledger = Ledger(*where)
        ledger.add(wants(*(f"p{number}" for number in range(150))))
        told, failed = [], []

        def record():
            try:
                while (taken := ledger.take()) is not None:
                    ledger.record(taken.claim, recorded(str(taken.target)))
                    told.append(str(taken.target))
            except Incomplete as error:
                failed.append(error)

        working = threading.Thread(target=record)
        working.start()
        while len(told) < 20:
            time.sleep(0.01)
        postgres.kill()
        working.join()
        assert len(failed) == 1
        assert "ledger at" in str(failed[0])
        with pytest.raises(Incomplete):
            ledger.counts()
        postgres.start()
        counts = ledger.counts()
        assert counts["done"] == counts["undelivered"] >= len(told)
        assert counts["running"] <= 1
        ledger.requeue()
        failed.clear()
        record()
        assert failed == []
        texts = [text for text, *_ in delivered(ledger)]
        assert sorted(texts) == sorted(f"p{number}==1.0" for number in range(150))
        ledger.close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_full_disk_loses_nothing_and_leaves_nothing_half(kind, tmp_path):
    if kind == "postgresql" and (reason := postgresql.missing()):
        pytest.skip(reason)
    unshare = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*unshare, "true"], check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    if kind == "postgresql" and os.getuid() != 0:
        pytest.skip("PostgreSQL would be root of the namespace")
    tmp_path.chmod(0o755)
    argv = [*unshare, sys.executable, "-m", "tests.contract.ledger_process", "small", str(tmp_path), kind]
    done = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "full: the ledger" in done.stdout or "full: the node's ledger" in done.stdout
    assert int(done.stdout.split()[-1]) > 0


class TestUrls:
    @pytest.mark.parametrize(
        "url",
        ["postgresql://u:secret@db.example/ledger", "postgresql://u@db.example/ledger?password=secret",
         "mysql://db.example/x", "nonsense", "postgresql://db.example:port/x", "sqlite://", "sqlite:///:memory:",
         "postgresql+nodriver://db.example/x"],
    )  # fmt: skip
    def test_what_cannot_be_used(self, url, tmp_path):
        with pytest.raises(InputError) as caught:
            Ledger(tmp_path / "ledger.sqlite", url)
        assert "secret" not in str(caught.value) + caught.value.hint
        assert caught.value.hint

    def test_a_server_that_is_not_there(self, tmp_path):
        with pytest.raises(Incomplete, match="the ledger at"):
            Ledger(tmp_path / "none", f"postgresql://witness@/ledger?host={tmp_path}")

    def test_a_file_that_is_no_ledger(self, tmp_path):
        path = tmp_path / "ledger.sqlite"
        path.write_bytes(b"no database" * 1000)
        with pytest.raises(Incomplete, match="not a database"):
            Ledger(path)

    def test_the_password_goes_to_no_child(self, postgres, tmp_path, monkeypatch):
        """It is in the environment when the process starts, and gone from it when the ledger is open."""
        name = postgres.fresh().partition("@/")[2].partition("?")[0]
        where = tmp_path / "none", postgres.url(name, "guarded")
        with pytest.raises(Incomplete):
            Ledger(*where)
        monkeypatch.setenv("PGPASSWORD", postgresql.PASSWORD)
        ledgers = [Ledger(*where), Ledger(*where)]  # the second knows what the first has found
        assert "PGPASSWORD" not in os.environ
        printed = subprocess.run(
            [sys.executable, "-c", "import os; print(dict(os.environ))"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert postgresql.PASSWORD not in printed.stdout
        for ledger in ledgers:
            ledger.add(wants("a"))
            assert postgresql.PASSWORD not in repr(ledger.database)
            ledger.close()


def test_a_digest_is_that_of_the_statement():
    done = recorded("x")
    assert done.statement_sha256 == sha256_hex(done.statement)
