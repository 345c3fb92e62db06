"""A node that commits first: nothing early, nothing twice, nothing lost, whatever the point at which it is stopped."""

import os
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.test_publish import Place, PowerCut, power_for
from tests.integration.test_publish_killed import assert_bundles, published
from tests.integration.trusted_nodes import Node, stated
from tests.signed_log import NOON, identity, node, observed
from witness import bundle, commitment, note, statement
from witness.base64text import encode_base64
from witness.commitment import is_commitments
from witness.digest import sha256_hex
from witness.errors import InputError
from witness.limits import MAX_CHECKPOINT, MAX_SHARD
from witness.log.audit import audit
from witness.log.hidden import Hidden
from witness.log.reader import LogReader, check_log, fetch_from
from witness.note import Note
from witness.publish import CANARY_TIME, Committing, publish_outbox
from witness.verification import verify_bundle

NODE, PEER = node(), node("node-b")
DAILY = Committing(24)
CANARY_NODE = Node(NODE.name, "Operator A")
MIDNIGHT = datetime(2026, 5, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def readable(root, payloads):
    """Those of `payloads` of which anything stands in a file below `root`, or in a file's name."""
    held = [(str(path), path.read_bytes()) for path in root.rglob("*") if path.is_file()]
    return [
        payload
        for payload in payloads
        for name, data in held
        if statement.parse(payload).sha256 in name
        or any(
            part in data
            for part in (
                payload,
                encode_base64(payload)[:-4].encode(),
                sha256_hex(payload).encode(),
                statement.parse(payload).sha256.encode(),
            )
        )
    ]


class Committer(Place):
    """A node that commits, with a peer that can cosign its log."""

    def publish(self, *, now=NOON, committing=DAILY):
        return publish_outbox(
            self.outbox, self.site, self.state, NODE,
            now=now, committing=committing, cosigner_keys=[PEER.cosigner.key.text],
        )  # fmt: skip

    def cosign(self, at):
        """The peer cosigns what is published now."""
        parsed = note.parse(self.site.get("checkpoint", limit=MAX_CHECKPOINT))
        line = PEER.cosigner.sign(parsed.text, int(at.timestamp()))
        self.site.put("checkpoint", note.encode(Note(parsed.text, (*parsed.signatures, line))))

    def entries(self):
        return list(LogReader.open(fetch_from(self.site), NODE.log.key).entries())

    def verified(self, number):
        data = self.site.get(bundle.shard_path(observed(number).sha256), limit=MAX_SHARD)
        known = [("Operator B", PEER.cosigner.key)]
        return [verify_bundle(item, identity(NODE), known) for item in bundle.parse_shard(data)]


@pytest.fixture
def place(tmp_path):
    return Committer(tmp_path)


def test_nothing_can_be_read_before_its_time(place):
    place.say(*(observed(number) for number in range(3)))
    done = place.publish()
    assert (done.count, done.first, done.size, done.committed) == (0, None, 1, 3)
    assert place.waiting() == []
    (entry,) = place.entries()
    assert is_commitments(entry)
    assert commitment.parse(entry).not_before == MIDNIGHT
    said = [statement.encode(observed(number)) for number in range(3)]
    assert readable(place.site.root, said) == []
    early = place.publish(now=MIDNIGHT - timedelta(seconds=1))
    assert (early.count, early.size, early.committed) == (0, 1, 0)
    done = place.publish(now=MIDNIGHT)
    assert (done.count, done.first, done.size, done.committed) == (3, 1, 4, 0)
    assert set(readable(place.site.root, said)) == set(said)
    assert [item.statement for number in range(3) for item in place.verified(number)] == [
        observed(number) for number in range(3)
    ]
    check_log(fetch_from(place.site), NODE.log.key, [NODE.cosigner.key])


def test_a_peer_proves_the_time_and_the_first_that_did_is_kept(place):
    place.say(observed(0))
    place.publish()
    place.cosign(NOON + HOUR)
    place.publish(now=NOON + 2 * HOUR)
    place.say(observed(1))
    place.publish(now=NOON + 3 * HOUR)
    place.cosign(NOON + 4 * HOUR)
    place.publish(now=NOON + 5 * HOUR)
    place.publish(now=MIDNIGHT)
    first, second = (place.verified(number)[0].committed for number in (0, 1))
    assert first.cosigned == (("Operator B", NOON + HOUR),)
    assert second.cosigned == (("Operator B", NOON + 4 * HOUR),)
    assert (first.own_time, second.own_time) == (NOON, NOON + 3 * HOUR)
    assert not first.early


def test_what_is_cosigned_too_late_proves_nothing(place):
    place.say(observed(0))
    place.publish()
    place.cosign(MIDNIGHT - timedelta(minutes=1))
    place.publish(now=MIDNIGHT)
    committed = place.verified(0)[0].committed
    assert committed.not_before == MIDNIGHT
    # The checkpoint of the reveal, which the peer has not cosigned yet.
    assert committed.cosigned == ()


def test_a_checkpoint_that_was_gathered_while_the_log_grew_counts(place):
    place.say(observed(0))
    place.publish()
    old = note.parse(place.site.get("checkpoint", limit=MAX_CHECKPOINT))
    place.say(observed(1))
    place.publish(now=NOON + HOUR)
    line = PEER.cosigner.sign(old.text, int((NOON + HOUR).timestamp()))
    (place.state / "collected").write_bytes(note.encode(Note(old.text, (*old.signatures, line))))
    place.publish(now=NOON + 2 * HOUR)
    place.publish(now=MIDNIGHT)
    cosigned = [place.verified(number)[0].committed.cosigned for number in (0, 1)]
    assert cosigned == [(("Operator B", NOON + HOUR),), ()]


def test_what_is_said_twice_is_committed_to_once(place):
    place.say(observed(0))
    place.publish()
    place.say(observed(0))
    assert place.publish(now=NOON + HOUR).committed == 0
    assert place.waiting() == []
    place.publish(now=MIDNIGHT)
    place.say(observed(0))
    done = place.publish(now=MIDNIGHT + HOUR)
    assert (done.count, done.committed, done.size) == (0, 0, 2)


def test_a_node_that_stops_committing_keeps_its_promises(place):
    place.say(observed(0))
    place.publish()
    place.say(observed(0), observed(1))
    done = place.publish(now=NOON + HOUR, committing=None)
    assert (done.count, done.committed, done.size) == (1, 0, 2)
    assert place.verified(1)[0].committed is None
    assert place.publish(now=MIDNIGHT, committing=None).count == 1
    assert place.verified(0)[0].committed.not_before == MIDNIGHT


def test_what_waits_is_the_owners_alone(place):
    place.say(observed(0))
    place.publish()
    hidden = place.state / "hidden"
    assert all(path.stat().st_mode & 0o077 == 0 for path in (hidden, *hidden.rglob("*")))
    assert len(list(Hidden(hidden).waiting())) == 1


def test_many_are_in_several_entries_of_one_batch(place):
    place.say(*(observed(number) for number in range(130)))
    done = place.publish()
    assert (done.committed, done.size) == (130, 3)
    done = place.publish(now=MIDNIGHT)
    assert (done.count, done.first, done.size) == (130, 3, 133)
    assert list(Hidden(place.state / "hidden").waiting()) == []
    assert list(Hidden(place.state / "hidden").entered()) == []


def test_a_log_with_commitments_is_as_it_should_be(place):
    place.say(*(observed(number) for number in range(3)))
    place.publish()
    place.publish(now=MIDNIGHT)
    place.say(observed(3))
    place.publish(now=MIDNIGHT + HOUR)
    files = fetch_from(place.site)

    def fetch(path):
        return place.site.get(path, limit=MAX_SHARD) if path.startswith("observations/") else files(path)

    found = audit(fetch, identity(NODE), files("checkpoint"))
    assert (found.faults, found.size, found.artifacts, found.bundles) == ((), 5, 3, 3)
    assert (found.commitments, found.opened) == (4, 3)
    path = bundle.shard_path(observed(0).sha256)
    (mine,) = bundle.parse_shard(place.site.get(path, limit=MAX_SHARD))
    (other,) = bundle.parse_shard(place.site.get(bundle.shard_path(observed(1).sha256), limit=MAX_SHARD))
    place.site.put(path, bundle.encode_shard([bundle.Bundle(mine.entry, mine.proof, other.opening)]))
    (fault,) = audit(fetch, identity(NODE), files("checkpoint")).faults
    assert "its commitment is to something else" in fault


def differing(number):
    """A mismatch, the only thing that can be a canary."""
    return stated(CANARY_NODE, "mismatch", sha256=sha256_hex(b"%d" % number), finished=NOON)


def test_canaries_stay_hidden_for_longer(place):
    keeping = Committing(24, canaries=2, one_in=1)
    place.say(*(differing(number) for number in range(4)), observed(0))
    place.publish(committing=keeping)
    assert place.publish(now=MIDNIGHT, committing=keeping).count == 3
    place.say(differing(5))
    place.publish(now=MIDNIGHT, committing=keeping)
    hidden = Hidden(place.state / "hidden")
    held = [item.name for item in hidden.waiting() if item.held]
    assert len(held) == 2
    hidden.release(held[0])
    assert place.publish(now=MIDNIGHT + HOUR).count == 1
    assert place.publish(now=MIDNIGHT + CANARY_TIME - HOUR).count == 1  # the one that was no canary
    assert place.publish(now=MIDNIGHT + CANARY_TIME).count == 1
    assert list(hidden.waiting()) == []


def test_only_mismatches_are_canaries_and_not_all_of_them(place):
    place.say(*(observed(number) for number in range(5)))
    place.publish(committing=Committing(24, canaries=5, one_in=1))
    place.say(*(differing(number) for number in range(5)))
    place.publish(committing=Committing(24, canaries=0, one_in=1))
    assert place.publish(now=MIDNIGHT).count == 10


def test_a_key_that_is_none_is_said(place):
    with pytest.raises(InputError, match="cosigner-key"):
        publish_outbox(place.outbox, place.site, place.state, NODE, now=NOON, cosigner_keys=["a+b+c"])


def test_every_interruption_of_committing_is_made_good(tmp_path, monkeypatch):
    """Two observations of one artifact and one of another; one of them said again while it waits."""
    _every_interruption(tmp_path, monkeypatch, at=NOON)


def test_every_interruption_of_revealing_is_made_good(tmp_path, monkeypatch):
    _every_interruption(tmp_path, monkeypatch, at=MIDNIGHT)


def _every_interruption(tmp_path, monkeypatch, *, at):
    monkeypatch.setattr(os, "fsync", lambda _: None)
    three = [observed(n, artifact=a) for n, a in ((0, 0), (1, 0), (2, 2))]
    said = [statement.encode(item) for item in three]
    steps, survived = 0, False
    while not survived:
        steps += 1
        place = Committer(tmp_path / str(steps))
        place.say(three[0])
        place.publish(now=NOON - HOUR)
        place.cosign(NOON - HOUR)
        place.say(*three)
        if at >= MIDNIGHT:
            place.publish()
        try:
            with power_for(steps):
                place.publish(now=at)
            survived = True
        except PowerCut:
            check_log(fetch_from(place.site), NODE.log.key, [NODE.cosigner.key])
            if at < MIDNIGHT:
                assert readable(place.site.root, said) == []
        place.publish(now=at + timedelta(seconds=1))
        if at < MIDNIGHT:
            assert readable(place.site.root, said) == []
            place.publish(now=MIDNIGHT)
        assert_revealed(place, said)
    assert steps > 30


def assert_revealed(place, said):
    """Each of `said` was committed to once and revealed once, and nothing is left of it."""
    entries = place.entries()
    digests = [
        digest for entry in entries if is_commitments(entry) for digest in commitment.parse(entry).digests
    ]
    opened = []
    for sha256 in {statement.parse(payload).sha256 for payload in said}:
        for item in bundle.parse_shard(place.site.get(bundle.shard_path(sha256), limit=MAX_SHARD)):
            verified = verify_bundle(item, identity(NODE), [("Operator B", PEER.cosigner.key)])
            opened.append(commitment.blind(item.opening.salt, statement.encode(verified.statement)))
            assert verified.committed.log_index < verified.log_index
            if verified.statement == observed(0, artifact=0):
                assert verified.committed.cosigned == (("Operator B", NOON - HOUR),)
    assert Counter(opened) == Counter(digests)
    assert Counter(published(place.site)) == Counter(said)
    assert_bundles(place.site, said)
    assert place.waiting() == []
    assert [path for path in (place.state / "hidden").rglob("*.json") if path.name[0] != "."] == []
    assert not (place.state / "pending").exists()
