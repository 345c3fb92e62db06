"""From an outbox to verified bundles, with every kind of file that does not belong there, and every interruption."""

import dataclasses
import os
import re
import shutil
from collections import Counter
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.integration.test_publish_killed import assert_bundles, published
from tests.signed_log import NOON, identity, node, observed, put_in
from witness import bundle, dsse, statement
from witness.errors import Incomplete, InputError, Malformed, Unverified
from witness.limits import MAX_SHARD
from witness.log.reader import check_log, fetch_from
from witness.log.writer import open_writer
from witness.publish import publish_outbox
from witness.signing.sealing import KeySealer
from witness.store.directory import DirectoryStore
from witness.store.memory import MemoryStore
from witness.verification import verify_bundle

NODE = node()


class Place:
    """An outbox, a site and a state directory."""

    def __init__(self, root, signers=NODE):
        self.signers = signers
        self.outbox = root / "outbox"
        self.outbox.mkdir(parents=True)
        self.site = DirectoryStore(root / "site")
        self.state = root / "state"

    def say(self, *statements):
        data = [statement.encode(item) for item in statements]
        return [put_in(self.outbox, item) for item in data]

    def publish(self, *, now=NOON, site=None):
        return publish_outbox(self.outbox, site or self.site, self.state, self.signers, now=now)

    def waiting(self):
        return sorted(path.name for path in self.outbox.glob("*.json"))


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path)


def test_from_outbox_to_verified_observation(place):
    place.say(*(observed(number) for number in range(5)))
    done = place.publish()
    assert (done.count, done.first, done.size, done.refused) == (5, 0, 5, ())
    assert place.waiting() == []
    data = place.site.get(bundle.shard_path(observed(3).sha256), limit=MAX_SHARD)
    (only,) = bundle.parse_shard(data)
    verified = verify_bundle(only, identity(NODE), [])
    assert verified.statement == observed(3)
    assert verified.checkpoint_time == NOON
    check_log(fetch_from(place.site), NODE.log.key, [NODE.cosigner.key])


def test_statements_are_signed_as_they_are(place):
    data = statement.encode(observed(1))
    put_in(place.outbox, data)
    place.publish()
    assert published(place.site) == [data]


def test_nothing_to_do(place):
    assert place.publish().size == 0
    assert not place.site.exists("checkpoint")
    place.say(observed(1))
    place.publish()
    before = place.site.get("checkpoint", limit=10_000)
    done = place.publish(now=NOON + timedelta(days=1))
    assert (done.count, done.first, done.size) == (0, None, 1)
    assert place.site.get("checkpoint", limit=10_000) == before


def test_a_shard_has_the_newest_last(place):
    for numbers in ((4, 2, 3), (9, 8), (1,)):
        place.say(*(observed(number, artifact=0) for number in numbers))
        place.publish()
    data = place.site.get(bundle.shard_path(observed(0).sha256), limit=MAX_SHARD)
    bundles = bundle.parse_shard(data)
    seen = [verify_bundle(item, identity(NODE), []) for item in bundles]
    assert [item.statement for item in seen] == [observed(n, artifact=0) for n in (2, 3, 4, 8, 9, 1)]
    assert [item.log_index for item in seen] == list(range(6))


def test_what_is_said_twice_is_logged_once(place):
    place.say(observed(1), observed(2))
    place.publish()
    place.say(observed(1), observed(3))
    assert place.publish().count == 1
    assert place.waiting() == []
    assert Counter(published(place.site)) == Counter(statement.encode(observed(n)) for n in (1, 2, 3))


def test_files_with_other_names_are_left_alone(place):
    name = "a" * 64
    others = [f".{name}.json", f"{name}.json.part", f"{name[1:]}.json", f"{name.upper()}.json", "notes.txt"]
    for other in others:
        (place.outbox / other).write_bytes(b"x")
    done = place.publish()
    assert (done.count, done.refused) == (0, ())
    assert sorted(path.name for path in place.outbox.iterdir()) == sorted(others)


GOOD = statement.encode(observed(1))


class Failing:
    """A sealer that has `left` signatures in it, and none for what is about artifact 0."""

    def __init__(self, left, error):
        self.left, self.error = left, error

    def seal(self, data):
        if statement.parse(data).observation.published.size == 0:
            raise Malformed("larger than an entry")
        if self.left == 0:
            raise self.error
        self.left -= 1
        return KeySealer(NODE.observations).seal(data)


@pytest.mark.parametrize("error", [Incomplete("down"), InputError("not me"), Unverified("another")])
def test_what_was_signed_before_the_signer_failed_is_published(tmp_path, error):
    place = Place(tmp_path, dataclasses.replace(NODE, observations=Failing(2, error)))
    place.say(*(observed(number) for number in range(5)))
    with pytest.raises(type(error), match=str(error)):
        place.publish()
    assert len(place.waiting()) == 2
    (refused,) = (tmp_path / "outbox" / "refused").glob("*.reason")
    assert refused.read_text() == "larger than an entry\n"
    said = [statement.encode(observed(number)) for number in (1, 2)]
    assert_bundles(place.site, said)
    place.signers = NODE
    assert place.publish().size == 4


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "Invalid JSON"),
        (b"{}", "Field required"),
        (GOOD + b"\n", "canonical form"),
        (GOOD.replace(b"build-failed", b"match"), "observation|statement"),
        (statement.encode(observed(1, by="node-b")), "made by 'node-b', and this node is 'node-a'"),
        (b"x" * 40_000, "another digest"),
    ],
)
def test_what_is_not_signed(place, data, reason):
    name = put_in(place.outbox, data)
    place.say(observed(2))
    done = place.publish()
    assert (done.count, done.size) == (1, 1)
    (refused,) = done.refused
    assert refused.name == name
    assert place.waiting() == []
    kept = place.outbox / "refused"
    assert (kept / name).read_bytes() == data
    assert (kept / f"{name}.reason").read_text() == refused.reason + "\n"
    assert re.search(reason, refused.reason)
    assert place.publish().refused == ()


def test_a_name_that_is_not_the_digest(place):
    name = f"{'0' * 64}.json"
    (place.outbox / name).write_bytes(GOOD)
    (refused,) = place.publish().refused
    assert "another digest" in refused.reason


def test_what_is_not_a_file(place, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(GOOD)
    link, pipe, directory = (f"{digit * 64}.json" for digit in "abc")
    (place.outbox / link).symlink_to(secret)
    os.mkfifo(place.outbox / pipe)
    (place.outbox / directory).mkdir()
    done = place.publish()
    assert {refused.name for refused in done.refused} == {link, pipe, directory}
    assert done.count == 0
    assert secret.read_bytes() == GOOD
    assert place.waiting() == []


def test_nothing_is_moved_through_a_link(place, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (place.outbox / "refused").symlink_to(tmp_path / "elsewhere")
    put_in(place.outbox, b"{}")
    with pytest.raises(InputError, match="a link"):
        place.publish()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_an_outbox_that_is_not_there(place):
    place.outbox.rmdir()
    with pytest.raises(InputError, match="cannot read the outbox"):
        place.publish()


def test_two_publishers_do_not_meet(place):
    with (
        open_writer(place.site, place.state, NODE.log, NODE.cosigner),
        pytest.raises(Incomplete, match="another process"),
    ):
        place.publish()


def test_any_store_will_do(place):
    place.say(observed(1))
    site = MemoryStore()
    assert place.publish(site=site).count == 1
    assert_bundles(site, [GOOD])


def test_batches_are_bounded(place, monkeypatch):
    monkeypatch.setattr("witness.publish.MAX_BATCH", 3)
    place.say(*(observed(number, artifact=number % 2) for number in range(8)))
    done = place.publish()
    assert (done.count, done.first, done.size) == (8, 0, 8)
    assert_bundles(place.site, [statement.encode(observed(n, artifact=n % 2)) for n in range(8)])


def test_a_full_shard_keeps_the_newest(place, monkeypatch):
    place.say(*(observed(number, artifact=0) for number in range(3)))
    place.publish()
    path = bundle.shard_path(observed(0).sha256)
    size = len(place.site.get(path, limit=MAX_SHARD))
    monkeypatch.setattr("witness.log.shards.MAX_SHARD", size)
    place.say(observed(7, artifact=0))
    place.publish()
    kept = [dsse.parse(item.entry).payload for item in bundle.parse_shard(place.site.get(path, limit=size))]
    assert kept == [statement.encode(observed(n, artifact=0)) for n in (1, 2, 7)]
    assert len(published(place.site)) == 4


class PowerCut(BaseException):
    """Nothing catches it."""


@contextmanager
def power_for(steps):
    """The power fails before the n-th flush, rename or removal of a file. Nothing is flushed for real."""
    left = steps
    patch = pytest.MonkeyPatch()

    def failing(real):
        def call(*args, **kwargs):
            nonlocal left
            left -= 1
            if left == 0:
                raise PowerCut
            return real(*args, **kwargs)

        return call

    patch.setattr(os, "fsync", failing(lambda _: None))
    patch.setattr(Path, "replace", failing(Path.replace))
    patch.setattr(Path, "unlink", failing(Path.unlink))
    patch.setattr(shutil, "rmtree", failing(shutil.rmtree))
    try:
        yield
    finally:
        patch.undo()


def test_every_interruption_is_made_good(tmp_path, monkeypatch):
    """Two observations after one, of two artifacts, one of them known; and a file to be refused."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    steps, survived = 0, False
    while not survived:
        steps += 1
        place = Place(tmp_path / str(steps))
        place.say(observed(0, artifact=0))
        place.publish()
        place.say(observed(1, artifact=0), observed(2, artifact=2))
        bad = put_in(place.outbox, b"{}")
        try:
            with power_for(steps):
                place.publish()
            survived = True
        except PowerCut:
            tree = check_log(fetch_from(place.site), NODE.log.key, [NODE.cosigner.key]).checkpoint
            assert tree.size in (1, 3)
        done = place.publish(now=NOON + timedelta(hours=1))
        assert done.size == 3
        said = [statement.encode(observed(n, artifact=a)) for n, a in ((0, 0), (1, 0), (2, 2))]
        assert Counter(published(place.site)) == Counter(said)
        assert_bundles(place.site, said)
        assert place.waiting() == []
        assert (place.outbox / "refused" / bad).read_bytes() == b"{}"
        assert (place.outbox / "refused" / f"{bad}.reason").exists()
        assert sorted(path.name for path in place.state.iterdir() if path.name[0] != ".") == [
            "checkpoint",
            "lock",
        ]
    assert steps > 30
