"""The feed over simulated days: what it queues, how often it asks, and what it survives."""

import json
from datetime import timedelta

import pytest

from rebuilders.node.feed import feed as feed_module
from rebuilders.node.ledger import Pages, Recorded, Want
from tests.unit.feed.world import DAY, HOUR, MINUTE, START, sdist, wheel, world
from witness.digest import sha256_hex
from witness.errors import Incomplete
from witness.limits import MIB
from witness.names import TargetName

pytestmark = [pytest.mark.loopback, pytest.mark.enable_socket]

LONG_AGO = START - 400 * DAY
DEMO = 'projects = ["demo"]'


@pytest.fixture(autouse=True)
def _looks_seldom(monkeypatch):
    """A simulated day has fewer steps; what is due is not late by it."""
    monkeypatch.setattr(feed_module, "_REST", 900.0)


@pytest.fixture
def demo(tmp_path):
    with world(tmp_path, DEMO) as made:
        made.publish("demo", at=LONG_AGO)
        yield made


# What is queued


def test_what_was_there_before_is_backlog_and_what_comes_is_new(demo):
    demo.settle()
    assert demo.queued() == {wheel("demo"): "backlog"}
    assert demo.due()[wheel("demo")] == START + 21 * DAY
    demo.now += DAY
    demo.publish("demo", wheel("demo", "1.1"), sdist("demo", "1.1"))
    demo.run(HOUR * 2)
    assert demo.queued() == {wheel("demo"): "backlog", wheel("demo", "1.1"): "new"}
    assert demo.ledger.rows("queued")[0].target == wheel("demo", "1.1")
    assert demo.kept[-1][0] == "demo"


@pytest.mark.parametrize(
    ("watch", "expected"),
    [
        (DEMO, {"2.0"}),
        (f'{DEMO}\nversions = "all"', {"1.0", "2.0", "3.0rc1"}),
        (f'{DEMO}\nversions = "new"', set()),
    ],
)
def test_versions(tmp_path, watch, expected):
    with world(tmp_path, watch) as made:
        for version in ("1.0", "2.0", "3.0rc1"):
            made.publish(
                "demo",
                wheel("demo", version),
                wheel("demo", version, "cp311-cp311-linux_x86_64"),
                at=LONG_AGO,
            )
        made.publish("demo", wheel("demo", "2.5"), at=LONG_AGO)
        made.index.yanked.add(wheel("demo", "2.5"))
        if "all" in watch:
            expected = expected | {"2.5"}
        made.settle()
        assert set(made.queued()) == {wheel("demo", version) for version in expected}


def test_other_than_pure_wheels_where_they_are_wanted(tmp_path):
    native = wheel("demo", tag="cp311-cp311-linux_x86_64")
    with world(tmp_path, f"{DEMO}\npure-only = false") as made:
        made.publish("demo", wheel("demo"), native, at=LONG_AGO).settle()
        assert set(made.queued()) == {wheel("demo"), native}


def test_a_file_that_joins_an_old_release(demo):
    demo.settle().observe_all()
    demo.now += 3 * DAY
    late = wheel("demo", tag="py2-none-any")
    demo.publish("demo", late)
    demo.run(2 * HOUR)
    assert demo.queued() == {late: "late"}
    assert f"{late}: late" in demo.said


def test_an_sdist_that_joins_has_its_release_looked_at_again(tmp_path):
    with world(tmp_path, DEMO) as made:
        made.publish("demo", wheel("demo"), at=LONG_AGO).settle().observe_all("not-attempted")
        made.now += DAY
        made.publish("demo", sdist("demo")).run(2 * HOUR)
        assert made.queued() == {wheel("demo"): "late"}


def test_yanked_and_not_yanked_any_more(demo):
    demo.settle().observe_all()
    for words, change in (("yanked", demo.index.yanked.add), ("unyanked", demo.index.yanked.remove)):
        demo.now += DAY
        change(wheel("demo"))
        demo.run(2 * HOUR)
        assert demo.queued() == {wheel("demo"): words}
        demo.observe_all()


def test_a_project_that_uploads_more_than_anybody_can_rebuild_keeps_no_other_waiting(tmp_path):
    with world(tmp_path, 'projects = ["demo", "flood"]') as made:
        for name in ("demo", "flood"):
            made.publish(name, at=LONG_AGO)
        made.settle()
        made.now += DAY
        for wave in range(3):
            made.publish("flood", *(wheel("flood", f"{wave + 2}.{number}") for number in range(40)))
            made.run(2 * HOUR)
        made.publish("demo", wheel("demo", "2.0")).run(2 * HOUR)
        why = list(made.queued().values())
        assert (why.count("new"), why.count("backlog")) == (50 + 1, 70 + 2)
        made.now += 2 * DAY
        made.publish("flood", wheel("flood", "9.0")).run(2 * HOUR)
        assert made.queued()[wheel("flood", "9.0")] == "new"


def test_many_files_of_before_do_not_count_as_haste(tmp_path):
    with world(tmp_path, f'{DEMO}\nversions = "all"') as made:
        made.publish("demo", *(wheel("demo", f"1.{number}") for number in range(60)), at=LONG_AGO).settle()
        made.now += HOUR
        made.publish("demo", wheel("demo", "2.0")).run(2 * HOUR)
        assert made.queued()[wheel("demo", "2.0")] == "new"


def test_what_is_yanked_and_was_never_wanted_is_nobodys_business(tmp_path):
    with world(tmp_path, f'{DEMO}\nversions = "new"') as made:
        made.publish("demo", at=LONG_AGO).settle()
        made.index.yanked.add(wheel("demo"))
        made.run(2 * HOUR)
        assert made.queued() == {}


def test_another_file_under_the_same_name_is_an_alarm(demo):
    demo.settle().observe_all()
    demo.now += DAY
    demo.index.files["demo"][wheel("demo")] = b"something else"
    demo.run(2 * HOUR)
    assert demo.queued() == {wheel("demo"): "changed"}
    (alarm,) = [line for line in demo.said if line.startswith("ALARM")]
    assert sha256_hex(b"something else") in alarm
    assert sha256_hex(f"bytes of {wheel('demo')}".encode()) in alarm


def test_a_file_from_its_upload_to_its_end_on_either_database(ledger_url, tmp_path):
    with world(tmp_path, f"{DEMO}\nlist-from = 1\nminutes = 15", url=ledger_url) as made:
        made.index.lists = True
        made.publish("demo", at=LONG_AGO).index.serials["demo"] = 1
        made.run(HOUR)
        assert made.queued() == {wheel("demo"): "backlog"}
        made.observe_all()
        made.index.yanked.add(wheel("demo"))
        made.index.serials["demo"] = 2
        made.run(HOUR)
        assert made.queued() == {wheel("demo"): "yanked"}
        made.observe_all()
        del made.index.files["demo"][wheel("demo")]
        made.index.serials["demo"] = 3
        made.run(10 * HOUR)
        assert made.queued() == {wheel("demo"): "deleted"}


def test_deleted_only_after_it_has_been_missing_for_hours(demo):
    demo.settle().observe_all()
    demo.now += DAY
    page = demo.index.files["demo"]
    kept = page.pop(wheel("demo"))
    demo.run(2 * HOUR)
    assert demo.queued() == {}
    page[wheel("demo")] = kept  # an old page of some cache, or an empty one
    demo.run(DAY)
    assert demo.queued() == {}
    del page[wheel("demo")]
    demo.run(10 * HOUR)
    assert demo.queued() == {wheel("demo"): "deleted"}
    page[wheel("demo")] = kept
    demo.run(4 * HOUR)
    assert demo.queued() == {wheel("demo"): "back"}


def test_a_file_that_is_deleted_before_it_is_rebuilt_waits_no_more(demo):
    demo.settle()
    del demo.index.files["demo"][wheel("demo")]
    demo.run(12 * HOUR)
    assert demo.queued() == {}


def test_a_project_that_vanishes(demo):
    demo.settle().observe_all()
    page = demo.index.files.pop("demo")
    demo.run(12 * HOUR)
    assert demo.queued() == {wheel("demo"): "deleted"}
    assert "demo: the index has no such project" in demo.said
    asked = len(demo.requests())
    demo.run(14 * DAY)
    assert len(demo.requests()) - asked < 12
    demo.index.files["demo"] = page
    demo.run(9 * DAY)
    assert demo.queued() == {wheel("demo"): "back"}


def test_a_project_in_quarantine(demo):
    demo.settle().observe_all()
    demo.now += DAY
    demo.publish("demo", wheel("demo", "1.1"))
    demo.index.statuses["demo"] = "quarantined"
    files = dict(demo.index.files["demo"])
    demo.index.files["demo"].clear()
    demo.run(12 * HOUR)
    assert demo.queued() == {wheel("demo"): "quarantined"}
    assert "demo: the index says that it is quarantined, and not active" in demo.said
    demo.index.statuses["demo"] = "active"
    demo.index.files["demo"].update(files)
    demo.run(8 * HOUR)
    assert demo.queued() == {wheel("demo"): "back", wheel("demo", "1.1"): "new"}


def test_pinned_files_are_wanted_whatever_their_version(tmp_path):
    with world(tmp_path, 'files = ["requirements.txt"]\nversions = "new"') as made:
        for version in ("1.0", "2.0"):
            made.publish("demo", wheel("demo", version), at=LONG_AGO)
        digest = sha256_hex(made.index.files["demo"][wheel("demo")])
        path = tmp_path / "requirements.txt"
        path.write_text(f"demo==1.0 --hash=sha256:{digest}\nloose==2\n", "utf-8")
        made.settle()
        assert made.queued() == {wheel("demo"): "pinned"}
        assert made.pages.watched() == ["demo"]
        assert any("1 entries without a digest" in line for line in made.said)
        # Read anew when it changes, and after a restart.
        digest = sha256_hex(made.index.files["demo"][wheel("demo", "2.0")])
        path.write_text(f"demo==2.0 --hash=sha256:{digest}\n", "utf-8")
        made.open()
        made.settle()
        assert made.queued() == {wheel("demo"): "pinned", wheel("demo", "2.0"): "pinned"}


def test_what_may_come_from_another_index_is_not_asked_for(tmp_path):
    with world(tmp_path, 'files = ["requirements.txt"]') as made:
        text = f"--index-url https://private.example/simple/\nsecret==1.0 --hash=sha256:{'0' * 64}\n"
        (tmp_path / "requirements.txt").write_text(text, "utf-8")
        made.run(DAY)
        assert made.index.asked == []


def test_a_list_that_cannot_be_read_is_told_and_the_rest_goes_on(tmp_path):
    with world(tmp_path, 'projects = ["demo"]\nfiles = ["uv.lock", "none.txt"]\ntop = "top.json"') as made:
        (tmp_path / "uv.lock").write_text("version = [", "utf-8")
        (tmp_path / "top.json").write_text(
            json.dumps({"rows": [{"project": "first"}, {"project": "second"}]}), "utf-8"
        )
        for project in ("demo", "first", "second"):
            made.publish(project, at=LONG_AGO)
        made.settle()
        assert set(made.queued()) == {wheel("demo"), wheel("first"), wheel("second")}
        assert sum("uv.lock" in line for line in made.said) == 1
        assert sum("none.txt" in line for line in made.said) == 1
        assert "3 projects watched; " in made.feed.doing
        assert "(and 1 more)" in made.feed.doing
        # What cannot be read any more is watched on.
        (tmp_path / "top.json").write_text("{", "utf-8")
        made.run(2 * HOUR)
        assert made.pages.watched() == ["demo", "first", "second"]
        (tmp_path / "top.json").write_text("first\n# a comment\n", "utf-8")
        (tmp_path / "none.txt").write_text("", "utf-8")
        (tmp_path / "uv.lock").write_text("version = 1\n", "utf-8")
        made.run(2 * HOUR)
        assert made.pages.watched() == ["demo", "first"]


def test_what_is_not_ones_share_comes_last_or_never(tmp_path):
    members = "[share]\nmembers = ['node-a.example', 'node-b.example']\nredundancy = 1\nrest = 'REST'"
    names = [f"p{number}" for number in range(20)]
    found = {}
    for rest in ("later", "never"):
        root = tmp_path / rest
        root.mkdir()
        with world(root, f"projects = {names}", members.replace("REST", rest)) as made:
            for name in names:
                made.publish(name, at=LONG_AGO)
            made.settle()
            found[rest] = made.due()
    assert len(found["later"]) == 20
    mine = {target for target, due in found["later"].items() if due < START + 30 * DAY}
    assert 0 < len(mine) < 20
    assert set(found["never"]) == mine


def test_what_was_observed_by_another_name_is_not_queued_again(demo):
    demo.ledger.add([Want(TargetName.parse("demo==1.0"))])
    taken = demo.ledger.take()
    sha256 = sha256_hex(demo.index.files["demo"][wheel("demo")])
    demo.ledger.record(taken.claim, Recorded("match", sha256=sha256, statement=b"x", statement_sha256=sha256))
    demo.settle()
    assert demo.queued() == {}
    demo.index.yanked.add(wheel("demo"))
    demo.run(2 * HOUR)
    assert demo.queued() == {wheel("demo"): "yanked"}


def test_the_same_bytes_under_another_name_are_another_file(demo):
    demo.settle().observe_all()
    demo.now += 3 * DAY
    other = wheel("demo", tag="2-py3-none-any")
    demo.publish("demo", other)
    demo.index.files["demo"][other] = demo.index.files["demo"][wheel("demo")]
    demo.run(2 * HOUR)
    assert demo.queued() == {other: "late"}


def test_what_was_dropped_does_not_come_back_by_itself(demo):
    demo.settle()
    assert demo.ledger.drop(TargetName.parse(wheel("demo")))
    demo.run(3 * DAY)
    assert demo.queued() == {}


def test_a_page_may_list_what_it_likes(demo):
    demo.index.files["demo"]["other-1.0-py3-none-any.whl"] = b"x"
    demo.index.files["demo"]["demo-1.0.exe"] = b"x"
    demo.index.files["demo"]["..%2fdemo-1.0-py3-none-any.whl"] = b"x"
    demo.settle()
    assert demo.queued() == {wheel("demo"): "backlog"}


# How often it asks


def test_unchanged_projects_cost_one_conditional_request_an_interval(tmp_path):
    names = [f"p{number}" for number in range(5)]
    with world(tmp_path, f"projects = {names}\nminutes = 240") as made:
        for name in names:
            made.publish(name, at=LONG_AGO)
        made.run(DAY)  # growing intervals at first
        made.index.answered.clear()
        made.run(4 * DAY)
        asked = made.requests()
        assert set(asked) == {304}
        assert 5 * (24 - 1) <= len(asked) <= 5 * (24 + 1)


def test_a_change_shortens_the_interval_and_quiet_lengthens_it(demo):
    demo.run(2 * DAY)
    demo.publish("demo", wheel("demo", "2.0"))
    while wheel("demo", "2.0") not in demo.queued():
        demo.run(MINUTE)
    demo.index.answered.clear()
    demo.run(35 * MINUTE)
    assert demo.requests() == [304, 304]  # after 10 minutes, and 20
    demo.run(5 * HOUR)
    demo.index.answered.clear()
    demo.run(4 * HOUR)
    assert 3 <= len(demo.requests()) <= 5


def test_many_projects_are_asked_for_at_the_rate_and_no_faster(tmp_path):
    names = [f"p{number}" for number in range(60)]
    with world(tmp_path, f"projects = {names}\nrequests-per-second = 0.5") as made:
        made.settle()
        assert len(made.requests()) == 60
        assert made.now - START >= timedelta(seconds=(60 - 6) / 0.5)


def test_one_look_at_the_list_instead_of_many_pages(tmp_path):
    names = [f"p{number}" for number in range(30)]
    with world(tmp_path, f"projects = {names}\nlist-from = 30\nminutes = 15") as made:
        made.index.lists = True
        for number, name in enumerate(names):
            made.publish(name, at=LONG_AGO).index.serials[name] = 100 + number
        made.run(DAY)
        made.index.answered.clear()
        made.run(2 * DAY)
        assert made.requests("/simple/p") == []
        assert 2 * 96 - 3 <= len(made.requests("/simple/")) <= 2 * 96 + 3
        assert set(made.requests("/simple/")) == {304}
        made.publish("p7", wheel("p7", "2.0")).index.serials["p7"] = 500
        made.index.answered.clear()
        made.run(HOUR)
        assert made.queued()[wheel("p7", "2.0")] == "new"
        assert {path for path, _ in made.index.answered} == {"/simple/", "/simple/p7/"}


def test_a_page_that_is_older_than_the_list_is_asked_for_again_soon(tmp_path):
    with world(tmp_path, f"{DEMO}\nlist-from = 1\nminutes = 15") as made:
        made.index.lists = True
        made.publish("demo", at=LONG_AGO).index.serials["demo"] = 5
        made.run(DAY)
        old = made.index.page("demo")
        made.publish("demo", wheel("demo", "2.0")).index.serials["demo"] = 6
        made.index.instead["/simple/demo/"] = (200, {}, old)
        made.run(HOUR)
        assert wheel("demo", "2.0") not in made.queued()
        made.index.instead.clear()
        made.run(15 * MINUTE)
        assert made.queued()[wheel("demo", "2.0")] == "new"


def test_a_list_without_serials_is_not_asked_for_all_day(tmp_path):
    with world(tmp_path, f"{DEMO}\nlist-from = 1\nminutes = 15") as made:
        made.index.lists = True
        made.publish("demo", at=LONG_AGO).run(DAY)
        assert 1 <= sum(path == "/simple/" for path in made.index.asked) <= 2
        assert len(made.requests("/simple/demo/")) > 20


def test_a_list_that_lacks_what_it_had_is_not_believed(tmp_path):
    names = [f"p{number}" for number in range(80)]
    with world(
        tmp_path, f"projects = {names}\nlist-from = 1\nminutes = 15\nrequests-per-second = 20.0"
    ) as made:
        made.index.lists = True
        for name in names:
            made.publish(name, at=LONG_AGO).index.serials[name] = 7
        made.run(DAY)
        made.index.instead["/simple/"] = (
            200,
            {},
            json.dumps({"projects": [{"name": "p1", "_last-serial": 7}]}).encode(),
        )
        made.index.answered.clear()
        made.run(HOUR)
        assert made.requests("/simple/p") == []
        assert any("not believed" in line for line in made.said)


def test_everything_that_is_new(tmp_path):
    with world(tmp_path, 'everything = true\nversions = "new"\nminutes = 15') as made:
        made.index.lists = True
        for number in range(50):
            made.publish(f"p{number}", at=LONG_AGO).index.serials[f"p{number}"] = 10
        made.run(HOUR)
        assert made.feed.doing.startswith("50 projects watched")
        before = len(made.requests("/simple/p"))
        assert before < 5  # by and by, over two weeks
        made.publish("fresh").index.serials["fresh"] = 11
        made.publish("p3", wheel("p3", "2.0")).index.serials["p3"] = 12
        made.run(HOUR)
        assert made.queued() == {wheel("fresh"): "new", wheel("p3", "2.0"): "new"}
        made.run(15 * DAY)
        assert set(made.queued()) == {wheel("fresh"), wheel("p3", "2.0")}
        assert {path for path in made.index.asked if path != "/simple/"} >= {
            f"/simple/p{n}/" for n in range(50)
        }


def test_no_more_than_the_bytes_of_a_day(tmp_path):
    with world(tmp_path, f"{DEMO}\ndownload-mb = 1") as made:
        made.publish("demo", at=LONG_AGO)
        page = json.loads(made.index.page("demo"))
        for number in range(40):
            made.index.instead["/simple/demo/"] = (
                200,
                {},
                json.dumps({**page, "x": f"{number}" + " " * (MIB // 3)}).encode(),
            )
            made.run(30 * MINUTE)
        assert len(made.requests()) <= 2 * 4  # two days at most
        assert "download-mb of [watch] is used up" in made.feed.doing


# What it survives


def test_an_index_that_is_down_for_days(tmp_path):
    names = [f"p{number}" for number in range(40)]
    with world(tmp_path, f"projects = {names}") as made:
        for name in names:
            made.publish(name, at=LONG_AGO)
        made.run(HOUR)
        made.index.down = True
        made.index.answered.clear()
        made.run(4 * DAY)
        assert len(made.requests()) < 4 * 24 * 1.6 + 20
        assert "nothing is asked for" in made.feed.doing
        made.index.down = False
        for name in names:
            made.publish(name, wheel(name, "2.0"))
        made.index.answered.clear()
        began = made.now
        made.run(2 * HOUR)
        assert {wheel(name, "2.0") for name in names} < set(made.queued())
        assert len(made.requests()) < 40 * 8
        assert "the index answers again" in made.said
        assert made.now > began + timedelta(seconds=15)


def test_a_server_that_wants_to_be_left_alone_for_a_while(demo):
    demo.index.instead["/simple/demo/"] = (429, {"Retry-After": "7200"}, b"")
    demo.run(2 * HOUR - MINUTE)
    assert demo.requests() == [429]
    demo.index.instead.clear()
    demo.run(10 * MINUTE)
    assert demo.requests() == [429, 200]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"meta": {}, "name": 1, "files": 7}',
        b"\xff" * 1000,
        b"[" * 100_000,
        b"{" * 50,
    ],
)
def test_pages_that_are_none(tmp_path, body):
    with world(tmp_path, 'projects = ["bad", "demo"]') as made:
        made.publish("demo", at=LONG_AGO)
        made.index.files["bad"] = {}
        made.index.instead["/simple/bad/"] = (200, {"ETag": '"x"'}, body)
        made.run(DAY)
        assert made.queued() == {wheel("demo"): "backlog"}
        assert len(made.requests("/simple/bad/")) < 14
        page, _ = made.pages.get("bad")
        assert (page.etag, page.failures > 3) == ("", True)
        made.index.instead.clear()
        made.publish("bad", wheel("bad"), at=LONG_AGO)
        made.run(8 * HOUR)
        assert made.queued()[wheel("bad")] == "backlog"


def test_a_page_of_64_megabytes(tmp_path):
    with world(tmp_path, 'projects = ["bad", "demo"]') as made:
        made.publish("demo", at=LONG_AGO)
        made.index.instead["/simple/bad/"] = (200, {}, b" " * (64 * MIB))
        made.settle()
        assert made.queued() == {wheel("demo"): "backlog"}
        assert any("more than the" in line for line in made.said)


def test_a_clock_that_jumps(demo):
    demo.run(DAY)
    demo.index.answered.clear()
    demo.now += 3000 * DAY
    demo.run(HOUR)
    demo.publish("demo", wheel("demo", "2.0"), at=demo.now)
    demo.now -= 3100 * DAY
    demo.index.answered.clear()
    demo.run(8 * HOUR)
    assert wheel("demo", "2.0") in demo.queued()
    assert 1 <= len(demo.requests()) <= 20


def test_a_tag_is_kept_only_with_what_was_queued(demo, monkeypatch):
    """As if the process were killed between the page and its wishes: the transaction is one."""

    def dies(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(demo.ledger), "queue", dies)
        with pytest.raises(KeyboardInterrupt):
            demo.settle()
    demo.open()
    page, files = demo.pages.get("demo")
    assert (page.etag, files) == ("", {})
    demo.settle()
    assert demo.queued() == {wheel("demo"): "backlog"}
    page, files = demo.pages.get("demo")
    assert page.etag
    assert files[wheel("demo")].wanted


def test_a_ledger_that_fails_loses_nothing(demo, monkeypatch):
    def fails(*_, **__):
        raise Incomplete("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Pages, "put", fails)
        with pytest.raises(Incomplete):
            demo.settle()
    demo.settle()
    assert demo.queued() == {wheel("demo"): "backlog"}


def test_a_page_with_more_files_than_can_be_remembered(demo, monkeypatch):
    monkeypatch.setattr("rebuilders.node.feed.changes.MAX_FILES", 3)
    demo.publish("demo", *(wheel("demo", f"1.{n}") for n in range(5)), at=LONG_AGO)
    demo.settle()
    assert len(demo.pages.get("demo")[1]) == 3
    assert any("more than can be remembered" in line for line in demo.said)


def test_many_lines_are_cut(demo, monkeypatch):
    monkeypatch.setattr(feed_module, "_MOST_TOLD", 3)
    demo.settle()
    demo.now += DAY
    demo.publish("demo", *(wheel("demo", f"2.{n}") for n in range(9)))
    demo.run(2 * HOUR)
    assert "demo: and 6 more" in demo.said


def test_what_an_index_says_is_escaped(demo):
    demo.index.statuses["demo"] = "archived"
    demo.settle()
    assert "demo: the index says that it is archived, and not active" in demo.said
    assert all(line.isprintable() for line in demo.said)
