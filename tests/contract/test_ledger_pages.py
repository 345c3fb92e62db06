"""What a ledger promises about the index's pages, and about a feed's wishes, on SQLite and PostgreSQL alike."""

from datetime import UTC, datetime, timedelta

import pytest

from rebuilders.node.ledger import ABSENT, Ledger, Page, Pages, Recorded, SeenFile, Want
from tests.contract.ledger_process import recorded
from witness.errors import Incomplete
from witness.names import TargetName

START = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FILE = "a-1.0-py3-none-any.whl"


class Clock:
    now = START

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def ledger(ledger_url, tmp_path, clock):
    opened = Ledger(tmp_path / "ledger.sqlite", ledger_url, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def pages(ledger):
    return Pages(ledger.database)


def page(project, **changed):
    return Page(
        project, **{"etag": "", "serial": 0, "status": "active", "asked": START, "next": START, **changed}
    )


def seen(filename=FILE, **changed):
    told = {"sha256": "ab" * 32, "uploaded": None, "yanked": False, "gone": False, "seen": START}
    return SeenFile(filename, **{**told, **changed})


def test_everything_of_a_page_and_its_files_is_kept(pages):
    whole = page("a", etag='"x"', serial=2**50, since=START - DAY, interval=600, failures=3)
    file = seen(uploaded=START, yanked=True, gone=True, size=2**40, missing=START, wanted=True)
    pages.put(whole, [file])
    assert pages.get("a") == (whole, {FILE: file})
    assert pages.file("a", FILE) == file
    assert pages.file("a", "other.whl") is None
    changed = seen(sha256="cd" * 32, size=None)
    pages.put(page("a", next=START + HOUR), [changed])
    assert pages.get("a")[1] == {FILE: changed}
    assert pages.next_due() == START + HOUR


def test_a_page_and_its_wishes_are_one_transaction(ledger, pages):
    want = Want(TargetName.parse(FILE), "new", HOUR)

    def fails(connection):
        ledger.queue(connection, [want])
        raise Incomplete("killed")

    with pytest.raises(Incomplete):
        pages.put(page("a", etag='"x"'), [seen()], fails)
    assert (pages.get("a"), ledger.rows("queued")) == ((None, {}), [])
    pages.put(page("a", etag='"x"'), [seen()], lambda link: ledger.queue(link, [want]))
    assert [(row.target, row.why, row.due) for row in ledger.rows("queued")] == [(FILE, "new", START + HOUR)]
    pages.put(page("a"), [], lambda link: (ledger.unqueue(link, want.target), ledger.note(link, "k", "v")))
    assert (ledger.rows("queued"), ledger.control()) == ([], {"k": "v"})


def test_watched_since_when_and_asked_for_first_when(pages):
    pages.watch(["a"], START, since=START - DAY)
    pages.watch(
        ["a", "b", "c"], START, first=lambda name: START + (DAY if name == "b" else HOUR), listed={"b": 7}
    )
    assert {item.project: item.since for item in pages.due(START + DAY, 9)} == {
        "a": START - DAY,
        "b": START,
        "c": START,
    }
    assert pages.serials() == {"a": (0, "active"), "b": (7, "active"), "c": (0, "active")}
    assert pages.count() == 3
    pages.put(page("b", serial=9, listed=1))
    assert pages.serials()["b"] == (9, "active")
    assert pages.get("b")[0].listed == 7  # a page's own matter does not touch it
    assert pages.unwatch(["a", "z"]) == 1


def test_what_the_list_tells_has_pages_asked_for_sooner_and_never_later(pages):
    pages.watch(["a", "b"], START, first=lambda name: START + DAY)
    pages.put(page("b", next=START - HOUR))
    with pytest.raises(Incomplete):
        pages.heard({"a": 3}, START, also=lambda _: (_ for _ in ()).throw(Incomplete("killed")))
    assert pages.serials()["a"] == (0, "active")
    pages.heard({"a": 3, "b": 4, "unknown": 5}, START)
    due = {item.project: (item.next, item.listed) for item in pages.due(START, 9)}
    assert due == {"a": (START, 3), "b": (START - HOUR, 4)}
    assert pages.hasten(["a", "b"], START - DAY) == 2


def test_however_the_clock_is_changed_no_page_waits_for_longer_than_it_should(pages):
    pages.put(page("a", next=START + 900 * DAY))
    pages.put(page("b", next=START + 900 * DAY, status=ABSENT))
    assert pages.due(START, 9, patience=HOUR, absent=DAY) == []
    assert {item.project: item.next for item in pages.due(START + 2 * DAY, 9)} == {
        "a": START + HOUR,
        "b": START + DAY,
    }


def test_many_are_watched_and_let_go(pages):
    names = [f"p{number}" for number in range(1500)]
    assert pages.watch(names, START) == 1500
    assert pages.hasten(names, START - HOUR) == 1500
    assert pages.unwatch(names) == 1500


def test_which_files_were_observed(ledger, pages):
    ledger.add([Want(TargetName.parse(name)) for name in ("a==1.0", "a==2.0", "b==1.0")])
    for sha256 in ("11" * 32, "", "22" * 32):
        told = recorded(sha256 or "none") if sha256 else Recorded("not-observed")
        claim = ledger.take().claim
        ledger.record(
            claim,
            told if not sha256 else Recorded("match", "", "", sha256, told.statement, told.statement_sha256),
        )
    assert pages.observed("a") == {"11" * 32}
    assert pages.observed("b") == {"22" * 32}


def test_how_often_a_result_has_come_in_a_row(ledger):
    (target,) = [TargetName.parse("a==1.0")]
    found = []
    for number, result in enumerate(["match", "match", "match", "mismatch", "match"]):
        ledger.add([Want(target)])
        taken = ledger.take()
        found.append((taken.result, taken.repeats))
        told = recorded(str(number))
        ledger.record(taken.claim, Recorded(result, "", "", "ab" * 32, told.statement, told.statement_sha256))
    assert found == [("", 0), ("match", 0), ("match", 1), ("match", 2), ("mismatch", 0)]


def test_what_is_observed_again_waits_behind_what_is_new(ledger, clock):
    ledger.add([Want(TargetName.parse("a==1.0"))])
    told = recorded("a")
    ledger.record(
        ledger.take().claim,
        Recorded("match", "", "", "ab" * 32, told.statement, told.statement_sha256, again_at=START + DAY),
    )
    clock.now += 2 * DAY
    assert ledger.wake(patience=HOUR, within=42 * DAY) == 1
    (row,) = ledger.rows("queued")
    assert (row.why, row.due) == ("again", START + 44 * DAY)


def test_the_reason_that_overrides_stands(ledger):
    target = TargetName.parse(FILE)
    ledger.add([Want(target, "new", HOUR)])
    ledger.add([Want(target, "backlog", DAY)])
    assert ledger.rows("queued")[0].why == "new"
    ledger.add([Want(target, "deleted", DAY, overrides=True)])
    (row,) = ledger.rows("queued")
    assert (row.why, row.due) == ("deleted", START + HOUR)
    taken = ledger.take()
    ledger.add([Want(target, "back", HOUR, overrides=True)])
    ledger.record(taken.claim, Recorded("not-observed"))
    assert ledger.take().why == "back"


def test_what_is_dropped_waits_no_more_and_what_was_observed_stays_known(ledger):
    target = TargetName.parse(FILE)
    ledger.add([Want(target)])
    assert ledger.drop(target)
    assert ledger.rows("queued", "running", "done", "stuck") == []
    ledger.add([Want(target)])
    told = recorded("x")
    ledger.record(
        ledger.take().claim, Recorded("match", "", "", "ab" * 32, told.statement, told.statement_sha256)
    )
    assert not ledger.drop(target)
    ledger.add([Want(target)])
    assert ledger.drop(target)
    assert [(row.state, row.result) for row in ledger.rows("done")] == [("done", "match")]
