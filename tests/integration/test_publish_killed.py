"""`kill -9` at random points of publishing: nothing lost, nothing doubled, no fork."""

import os
import random
import time
from collections import Counter
from datetime import timedelta

from tests.integration.killing import nursery, talk
from tests.signed_log import NOON, identity, node
from witness import bundle, dsse, statement
from witness.commitment import is_commitments
from witness.errors import NotFound
from witness.limits import MAX_SHARD
from witness.log.reader import LogReader, check_log, fetch_from
from witness.publish import publish_outbox
from witness.store.directory import DirectoryStore
from witness.tlog.merkle import verify_consistency
from witness.verification import verify_bundle

ROUNDS = int(os.environ.get("WHEELWITNESS_KILL_ROUNDS", "40"))
NODE = node()


def published(site):
    """The payloads in the log and in the shards, after everything has been verified."""
    fetch = fetch_from(site)
    reader = LogReader.open(fetch, NODE.log.key)
    return [dsse.parse(entry).payload for entry in reader.entries() if not is_commitments(entry)]


def test_publishing_survives_kill_9(tmp_path):
    chance = random.Random(20260501)
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    site = DirectoryStore(tmp_path / "site")
    said: list[bytes] = []
    roots: dict[int, bytes] = {0: b""}
    newest = 0

    def meanwhile():
        talk(outbox, said, chance, 0.16)

    grown = interrupted = rounds = 0
    ends = time.monotonic() + 240 * max(1, ROUNDS // 40)
    with nursery("tests.integration.publishing_loop", tmp_path) as kill_after:
        # A busy machine needs more rounds until the kills have come at points where there is something to mend.
        while (rounds < ROUNDS or grown <= ROUNDS // 4 or interrupted <= 2) and time.monotonic() < ends:
            rounds += 1
            kill_after(meanwhile)
            interrupted += (tmp_path / "state" / "pending").exists()
            try:
                tree = check_log(fetch_from(site), NODE.log.key, [NODE.cosigner.key]).checkpoint
            except NotFound:
                assert newest == 0
                continue
            assert tree.size >= newest
            assert roots.setdefault(tree.size, tree.root) == tree.root
            if newest:
                proof = LogReader.open(fetch_from(site), NODE.log.key).consistency(newest)
                verify_consistency(newest, roots[newest], tree.size, tree.root, proof)
            grown += tree.size > newest
            newest = tree.size

    later = NOON + timedelta(days=30)  # than the rounds, each of which is later than the one before
    last = publish_outbox(outbox, site, tmp_path / "state", NODE, now=later)
    assert last.refused == ()
    assert [path.name for path in outbox.iterdir()] == []
    assert rounds >= ROUNDS
    assert grown > ROUNDS // 4
    assert interrupted > 2
    assert Counter(published(site)) == Counter(said)
    assert last.size == len(said) > ROUNDS
    assert_bundles(site, said)


def assert_bundles(site, said):
    """Each of `said` is in its shard exactly once, and its bundle verifies."""
    for sha256 in {statement.parse(payload).sha256 for payload in said}:
        bundles = bundle.parse_shard(site.get(bundle.shard_path(sha256), limit=MAX_SHARD))
        verified = [verify_bundle(item, identity(NODE), []) for item in bundles]
        assert all(item.statement.sha256 == sha256 for item in verified)
        found = Counter(dsse.parse(item.entry).payload for item in bundles)
        assert found == Counter(payload for payload in said if statement.parse(payload).sha256 == sha256)
        indexes = [item.log_index for item in verified]
        assert indexes == sorted(indexes)
