"""A push, interrupted and raced at every point: what readers find is consistent, and is never set back."""

import json
import shutil

import pytest

from rebuilders.destinations.directory import DirectoryDestination
from rebuilders.destinations.interface import Item
from tests.pushed import NEVER, NODE, Site, Watched, verified
from tests.signed_log import identity, node, observed
from witness import bundle, lookup
from witness.errors import Incomplete, InputError, NotFound, Unverified
from witness.limits import MAX_CHECKPOINT, MAX_SHARD
from witness.logcheck import Named, check_named
from witness.store.directory import DirectoryStore
from witness.tlog.contradiction import parse
from witness.verification import verify_bundle


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path / "node")


def kind(path):
    """The place of a file in the order."""
    if path.startswith("-"):
        return 8
    if path in ("checkpoint", "node.json", lookup.WIDTH_PATH):
        return {"checkpoint": 7, "node.json": 6, lookup.WIDTH_PATH: 2}[path]
    top = path.split("/")[0]
    if top == "tile":
        return 0
    if top in ("observations", "lookup", "keys.jsonl", "reports", "cosigned", "evidence"):
        return 1
    return 5 if path.endswith(".html") else 4


def with_pages(site):
    for path in (
        "index.html",
        "style.css",
        "project/six.html",
        "project/six.json",
        "reports/ab/" + "0" * 64 + ".json",
    ):
        site.write(path, path)


class TestOrder:
    def test_each_kind_before_what_leads_to_it(self, site):
        with_pages(site)
        site.grow(40)
        there = Watched()
        site.push(there)
        kinds = [kind(path) for path in there.events]
        assert kinds == sorted(kinds)
        assert set(kinds) == {0, 1, 2, 4, 5, 6, 7}
        assert verified(there) == 40

    def test_nothing_is_sent_twice(self, site):
        with_pages(site)
        site.grow(40)
        there = Watched()
        first = site.push(there)
        assert first.sent == len(there.events) == len(there.store.files)
        for path, data in there.store.files.items():
            assert (site.path / path).read_bytes() == data
        again = site.push(there)
        assert (again.sent, again.deleted, again.size) == (0, 0, 40)
        assert there.listings == 1

    def test_one_more_observation_sends_what_it_changed(self, site):
        site.grow(300)
        there = Watched()
        site.push(there)
        there.events.clear()
        site.grow()
        site.push(there)
        shard = bundle.shard_path(site_artifact(300))
        # One partial tile, one bundle of entries, a shard, a lookup file, the checkpoint.
        assert [kind(path) for path in there.events] == [0, 0, 1, 1, 7]
        assert shard in there.events
        assert verified(there) == 301

    def test_a_rewritten_file_with_the_same_bytes_is_not_sent(self, site):
        site.grow(3)
        there = Watched()
        site.push(there)
        for path in list(there.store.files):
            site.store.put(path, (site.path / path).read_bytes())
        assert site.push(there).sent == 0

    def test_again_sends_everything(self, site):
        site.grow(3)
        there = Watched()
        first = site.push(there)
        there.store.files["node.json"] = b"damaged"
        assert site.push(there).sent == 0
        # The checkpoint is the same, and is not touched.
        assert site.push(there, again=True).sent == first.sent - 1
        assert there.store.files["node.json"] != b"damaged"


def site_artifact(number):
    return observed(number).sha256


class TestInterrupted:
    def test_a_first_push_at_every_file(self, site, tmp_path):
        with_pages(site)
        site.grow(20)
        there = Watched()
        site.push(there)
        total = len(there.events)
        for stop in range(total):
            there = Watched(stop)
            with pytest.raises(Incomplete):
                site.push(there, again=False)
            assert verified(there) == 0
            there.stop = None
            assert site.push(there).size == verified(there) == 20

    @pytest.mark.parametrize(("before", "more"), [(5, 1), (31, 2), (63, 5), (250, 10)])
    def test_a_later_push_at_every_file(self, tmp_path, before, more):
        """Over borders of tiles and of the width of lookup files."""
        site = Site(tmp_path / "node")
        with_pages(site)
        site.grow(before)
        old = Watched()
        site.push(old)
        shutil.copytree(site.root / "state" / "pushed", tmp_path / "pushed")
        site.grow(more)
        whole = Watched()
        whole.store.files = dict(old.store.files)
        site.push(whole, grace=0.0)
        total = len(whole.events)
        # Every one of a few files; of many, one of each ten or more, and the last ones.
        stops = [*range(0, total, 1 + total // 12), *range(total - 4, total)]
        for stop in stops:
            shutil.rmtree(site.root / "state" / "pushed")
            shutil.copytree(tmp_path / "pushed", site.root / "state" / "pushed")
            there = Watched(stop)
            there.store.files = dict(old.store.files)
            with pytest.raises(Incomplete):
                site.push(there, grace=0.0)
            assert verified(there) in (before, before + more)
            there.stop = None
            site.push(there, grace=0.0)
            assert verified(there) == before + more
            assert there.store.files == whole.store.files

    def test_a_second_push_at_the_same_time_is_refused(self, site):
        site.grow(3)
        seen = []

        def at(path):
            with pytest.raises(Incomplete, match="another push"):
                site.push(Watched())
            seen.append(path)

        there = Watched(before=at)
        site.push(there)
        assert seen
        assert verified(there) == 3


class TestWhileTheNodeIsAtWork:
    @pytest.mark.parametrize(("start", "every"), [(5, 1), (30, 3), (60, 1), (250, 1), (250, 7)])
    def test_the_site_grows_as_it_is_copied(self, tmp_path, start, every):
        """Tiles become full, their partial forms vanish, and lookup files get another width, between any two files."""
        site = Site(tmp_path / "node")
        site.grow(start)
        left = [12]
        there = Watched()

        def at(path):
            if left[0] and len(there.events) % every == 0:
                left[0] -= 1
                site.grow(7, artifacts=9)

        there.before = at
        try:
            site.push(there)
        except Incomplete:
            assert verified(there) == 0
        else:
            assert verified(there) >= start
        assert left[0] < 12
        there.before = lambda path: None
        size = site.grow(0)
        assert site.push(there).size == verified(there) == size

    def test_a_batch_whose_shards_are_not_there_yet_is_left_for_later(self, tmp_path):
        site = Site(tmp_path / "node")
        site.grow(10)
        there = Watched()
        site.push(there)
        _cut_short(site)
        assert DirectoryStore(site.state).exists("pending")
        site.write("index.html", "newer")
        assert site.push(there).size == 10
        assert verified(there) == 10
        assert there.store.files["index.html"] == b"newer"
        site.grow(0)
        assert site.push(there).size == verified(there) == 12

    def test_before_the_first_batch_is_whole(self, tmp_path):
        site = Site(tmp_path / "node")
        with pytest.raises(Incomplete, match="no checkpoint yet"):
            site.push(Watched())
        _cut_short(site)
        with pytest.raises(Incomplete, match="not published in full yet"):
            site.push(Watched())

    def test_a_site_that_lacks_a_file_is_not_made_the_destinations(self, site):
        site.grow(300)
        there = Watched()
        site.push(there)
        shard = site.path / bundle.shard_path(site_artifact(301))
        site.grow(5)
        shard.unlink()
        with pytest.raises(Incomplete, match="missing, and the checkpoint needs it"):
            site.push(there)
        assert verified(there) == 300


def _cut_short(site):
    """Publishes two more, and is killed when their checkpoint is there and their shards are not."""

    class Stopping(DirectoryStore):
        def put(self, path, data):
            if path.startswith("observations/"):
                raise Incomplete("killed")
            super().put(path, data)

    whole, site.store = site.store, Stopping(site.path)
    with pytest.raises(Incomplete):
        site.grow(2)
    site.store = whole


class TestNewerShards:
    """A reader may find bundles that are proven by a newer tree than the checkpoint's."""

    @pytest.fixture
    def ahead(self, tmp_path):
        """A copy whose shards are all ahead of its checkpoint: a push that was cut off before that."""
        site = Site(tmp_path / "node")
        site.grow(20, artifacts=4)
        there = DirectoryDestination(tmp_path / "there")
        site.push(there)
        site.grow(8, artifacts=4)
        old = there.get("checkpoint", limit=MAX_CHECKPOINT)
        site.push(there)
        there.send([Item("checkpoint", old)])
        return there

    def test_each_bundle_verifies_by_the_checkpoint_that_it_brings(self, ahead):
        assert verified(ahead) == 20
        shard = bundle.parse_shard(ahead.get(bundle.shard_path(site_artifact(0)), limit=MAX_SHARD))
        assert [verify_bundle(item, identity(NODE), []).log_index for item in shard] == [
            0,
            4,
            8,
            12,
            16,
            20,
            24,
        ]

    def test_a_check_of_the_log_finds_nothing_against_it(self, ahead, tmp_path):
        named = Named(
            str(ahead.root), None, NODE.log.key.text, (NODE.observations.public_key.text,), NODE.name
        )
        report = check_named(named, tmp_path / "seen", shards=True)
        assert (report.against, report.open) == ((), ())
        # He has seen the newer tree now, and is told that the checkpoint is behind it: not evidence, but not nothing.
        report = check_named(named, tmp_path / "seen", shards=True)
        assert report.against == ()
        assert [line for line in report.open if "an old state is served: 20 entries, and 28" in line]
        assert report.exit_code == 5


class TestOtherHistories:
    @pytest.fixture
    def there(self, site):
        site.grow(12)
        there = Watched()
        site.push(there)
        there.events.clear()
        return there

    def refused(self, site, there, match):
        before = dict(there.store.files)
        with pytest.raises(Unverified, match=match) as caught:
            site.push(there, grace=0.0)
        assert there.store.files == before
        evidence = site.root / "state" / "pushed" / "evidence"
        assert (evidence / "there.checkpoint").read_bytes() == before["checkpoint"]
        assert (evidence / "here.checkpoint").read_bytes() == (site.path / "checkpoint").read_bytes()
        assert "Both checkpoints are in" in caught.value.hint
        return [parse(path.read_bytes()) for path in evidence.glob("evidence/*/*.json")]

    def test_a_newer_one_is_not_replaced(self, site, there, tmp_path):
        """The site was restored from a backup."""
        shutil.copytree(site.root, tmp_path / "backup")
        site.grow(3)
        site.push(there)
        old = Site(tmp_path / "backup")
        assert self.refused(old, there, "it has 15 entries, and this site 12") == []

    @pytest.mark.parametrize(("mine", "theirs"), [(12, 12), (15, 12), (12, 300), (300, 12)])
    def test_another_history_is_evidence(self, tmp_path, mine, theirs):
        site, other = Site(tmp_path / "a"), Site(tmp_path / "b")
        other.said = 10_000
        site.grow(mine)
        other.grow(theirs)
        there = Watched()
        other.push(there)
        (evidence,) = self.refused(site, there, "signed")
        assert "signed" in evidence.prove()

    def test_a_newer_one_of_another_history_without_its_tiles(self, tmp_path):
        site, other = Site(tmp_path / "a"), Site(tmp_path / "b")
        other.said = 10_000
        site.grow(5)
        other.grow(9)
        there = Watched()
        there.send([Item("checkpoint", (other.path / "checkpoint").read_bytes())])
        assert self.refused(site, there, "it has 9 entries, and this site 5") == []

    def test_another_log(self, site, tmp_path):
        site.grow(3)
        other = Site(tmp_path / "other", node("node-b"))
        other.grow(3)
        there = Watched()
        other.push(there)
        self.refused(site, there, "no checkpoint of this log")

    @pytest.mark.parametrize("data", [b"", b"\n", b"not a checkpoint\n", b"\xff" * 100])
    def test_no_checkpoint_at_all(self, site, there, data):
        there.store.files["checkpoint"] = data
        if data:
            self.refused(site, there, "no checkpoint of this log")
        else:
            assert site.push(there).size == 12

    def test_one_that_comes_meanwhile(self, site, there):
        site.grow(1)

        def at(path):
            if path.startswith("observations/"):
                there.store.files["checkpoint"] = b"somebody else's\n"

        there.before = at
        with pytest.raises(Incomplete, match="changed meanwhile"):
            site.push(there)
        assert there.store.files["checkpoint"] == b"somebody else's\n"


class TestManifest:
    @pytest.mark.parametrize("how", ["lost", "damaged", "emptied", "another version"])
    def test_without_it_a_listing_does(self, site, how):
        with_pages(site)
        site.grow(40)
        there = Watched()
        site.push(there)
        path = site.root / "state" / "pushed" / "manifest.sqlite"
        if how == "lost":
            path.unlink()
        elif how == "damaged":
            path.write_bytes(b"garbage" * 1000)
        elif how == "emptied":
            path.write_bytes(b"")
        else:
            import sqlite3

            with sqlite3.connect(path) as connection:
                connection.execute("pragma user_version = 99")
            connection.close()
        for leftover in path.parent.glob("manifest.sqlite-*"):
            leftover.unlink()
        there.store.files["style.css"] = b"other"
        del there.store.files["project/six.html"]
        there.events.clear()
        site.push(there)
        assert there.events == ["style.css", "project/six.html"]
        assert there.listings == 2
        assert verified(there) == 40

    def test_a_destination_that_was_emptied_is_filled_again(self, site):
        site.grow(20)
        there = Watched()
        site.push(there)
        there.store.files.clear()
        site.push(there)
        assert verified(there) == 20

    def test_a_destination_that_was_set_back_is_brought_up(self, site):
        site.grow(20)
        there = Watched()
        site.push(there)
        backup = dict(there.store.files)
        site.grow(20)
        site.push(there)
        there.store.files = backup
        site.push(there)
        assert verified(there) == 40

    def test_a_tile_that_changed_is_not_sent(self, site):
        site.grow(300)
        there = Watched()
        site.push(there)
        site.write("tile/0/000", "other")
        with pytest.raises(Unverified, match="tile/0/000: other bytes than were sent"):
            site.push(there)
        assert verified(there) == 300


class TestDeleting:
    def test_only_when_the_grace_is_over(self, site):
        site.grow(31)
        site.write("project/six.html", "page")
        there = Watched()
        clock = [1000.0]
        site.push(there, now=lambda: clock[0])
        partial = "tile/0/000.p/31"
        assert partial in there.store.files
        site.grow(239)
        site.grow(1)  # which removes the lookup files of the width before
        (site.path / "project" / "six.html").unlink()
        for then, left in ((1010.0, True), (1010.0 + 3599, True), (1010.0 + 3601, False)):
            clock[0] = then
            done = site.push(there, now=lambda: clock[0])
            assert verified(there) == 271
            for path in (partial, "project/six.html", "lookup/0/0000"):
                assert (path in there.store.files) == left
        assert done.deleted > 3
        names = {path.relative_to(site.path).as_posix() for path in site.path.rglob("*") if path.is_file()}
        assert set(there.store.files) == names

    def test_more_than_are_looked_at_together(self, site):
        site.grow(2)
        for number in range(1200):
            site.path.joinpath(f"page-{number}.html").write_bytes(b"%d" % number)
        there = Watched()
        there.at_once = 512
        site.push(there)
        for number in range(1, 1200):
            site.path.joinpath(f"page-{number}.html").unlink()
        assert site.push(there, grace=0.0).deleted == 1199
        names = {path.relative_to(site.path).as_posix() for path in site.path.rglob("*") if path.is_file()}
        assert set(there.store.files) == names
        directory = site.path / "project"
        directory.mkdir()
        for number in range(1100):
            (directory / f"{number}.html").write_bytes(b"%d" % number)
        assert site.push(there, grace=0.0).sent == 1100
        for path in directory.iterdir():
            path.unlink()
        assert site.push(there, grace=0.0).deleted == 1100

    def test_what_comes_back_stays(self, site):
        site.grow(2)
        site.write("a.html", "one")
        there = Watched()
        site.push(there, now=lambda: 1000.0)
        (site.path / "a.html").unlink()
        site.push(there, now=lambda: 1000.0)
        site.write("a.html", "two")
        site.push(there, now=lambda: NEVER, grace=0.0)
        assert there.store.files["a.html"] == b"two"

    def test_what_was_sent_by_a_push_that_was_cut_off_is_not_left_behind(self, site):
        site.grow(20)
        there = Watched(10)
        there.at_once = 512  # so that nothing of what is there is noted
        with pytest.raises(Incomplete):
            site.push(there)
        there.stop = None
        site.grow(260)
        site.grow(1)
        site.push(there, grace=0.0)
        names = {path.relative_to(site.path).as_posix() for path in site.path.rglob("*") if path.is_file()}
        assert set(there.store.files) == names

    def test_deletions_come_after_the_checkpoint(self, site):
        site.grow(31)
        there = Watched()
        site.push(there)
        site.grow(240)
        there.events.clear()
        site.push(there, grace=0.0)
        kinds = [kind(path) for path in there.events]
        assert kinds == sorted(kinds)
        assert {7, 8} <= set(kinds)

    def test_what_others_have_there_is_left_alone(self, site):
        site.grow(2)
        site.write("index.html", "ours")
        there = Watched()
        theirs = {"favicon.ico": b"theirs", "blog/index.html": b"theirs", "reports/2020.pdf": b"theirs"}
        there.store.files.update(theirs)
        site.push(there, grace=0.0)
        shutil.rmtree(site.root / "state" / "pushed")
        site.push(there, grace=0.0)
        assert {path: there.store.files.get(path) for path in list(theirs)[:2]} == dict(
            list(theirs.items())[:2]
        )

    def test_a_page_of_another_is_not_overwritten(self, site):
        site.grow(2)
        site.write("index.html", "ours")
        there = Watched()
        there.store.files["index.html"] = b"theirs"
        with pytest.raises(InputError, match=r"index\.html: there is another file of this name"):
            site.push(there)
        assert there.store.files == {"index.html": b"theirs"}


class TestWhatIsNoFileOfASite:
    def test_is_left_out(self, site):
        site.grow(2)
        (site.path / ".tmp-unfinished").write_bytes(b"half")
        (site.path / "project").mkdir()
        (site.path / "project" / ".hidden").write_bytes(b"x")
        (site.path / "project" / "a b\x1b[31m.html").write_bytes(b"x")
        (site.path / "project" / "link.html").symlink_to(site.root / "state" / "lock")
        (site.path / "linked").symlink_to(site.root / "state")
        there = Watched()
        told = []
        site.push(there, tell=told.append)
        assert not [path for path in there.store.files if path.startswith(("project", "linked", "."))]
        assert len(told) == 1
        assert "\x1b" not in told[0]
        assert "name that not every server can have" in told[0]

    def test_a_site_that_is_not_there(self, site, tmp_path):
        shutil.rmtree(site.path)
        with pytest.raises(Incomplete):
            site.push(Watched())

    def test_node_json_is_of_the_copy(self, site):
        site.grow(2)
        there = Watched()
        site.push(there)
        assert json.loads(there.get("node.json", limit=10**5))["logKey"] == NODE.log.key.text
        with pytest.raises(NotFound):
            there.get("outbox", limit=10)
