"""`kill -9` at random points of committing and revealing: nothing lost, nothing doubled, nothing shown early.

`WHEELWITNESS_KILL_ROUNDS` asks for more rounds than a test run has time for.
"""

import os
import random
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

from tests.integration.committing_loop import NODE, PEER, publish
from tests.integration.killing import nursery, talk
from tests.integration.test_publish_killed import assert_bundles, published
from tests.signed_log import identity
from witness import bundle, commitment, statement
from witness.commitment import is_commitments
from witness.errors import NotFound
from witness.limits import MAX_SHARD
from witness.log.reader import LogReader, check_log, fetch_from
from witness.store.directory import DirectoryStore
from witness.tlog.merkle import verify_consistency
from witness.verification import verify_bundle

ROUNDS = int(os.environ.get("WHEELWITNESS_KILL_ROUNDS", "40"))
KNOWN = [("Operator B", PEER.cosigner.key)]


class Oracle:
    """The log as it grows: one history."""

    def __init__(self, site):
        self.site, self.roots, self.newest, self.grown = site, {}, 0, 0

    def look(self):
        try:
            tree = check_log(fetch_from(self.site), NODE.log.key, [NODE.cosigner.key]).checkpoint
        except NotFound:
            assert self.newest == 0
            return
        assert tree.size >= self.newest
        assert self.roots.setdefault(tree.size, tree.root) == tree.root
        if 0 < self.newest < tree.size:
            proof = LogReader.open(fetch_from(self.site), NODE.log.key).consistency(self.newest)
            verify_consistency(self.newest, self.roots[self.newest], tree.size, tree.root, proof)
        self.grown += tree.size > self.newest
        self.newest = tree.size


def test_committing_survives_kill_9(tmp_path):
    chance = random.Random(20261125)
    outbox, site = tmp_path / "outbox", DirectoryStore(tmp_path / "site")
    outbox.mkdir()
    said: list[bytes] = []
    oracle = Oracle(site)

    def meanwhile():
        # The longer nothing has come of it, the longer a child lives: a busy machine must get somewhere, too.
        talk(outbox, said, chance, 0.16 + 0.05 * (rounds - progress))

    interrupted = rounds = progress = 0
    ends = time.monotonic() + 240 * max(1, ROUNDS // 40)
    with nursery("tests.integration.committing_loop", tmp_path) as kill_after:
        # A busy machine needs more rounds until the kills have come at points where there is something to mend.
        while (
            rounds < ROUNDS or oracle.grown <= ROUNDS // 4 or interrupted <= 2
        ) and time.monotonic() < ends:
            rounds += 1
            kill_after(meanwhile)
            interrupted += (tmp_path / "state" / "pending").exists()
            before = oracle.grown
            oracle.look()
            progress = rounds if oracle.grown > before else progress

    now = datetime.fromtimestamp(int((tmp_path / "clock").read_bytes()), UTC)
    for hours in (0, 2):  # what was not committed to yet, and then all that waits
        last = publish(tmp_path, now + timedelta(hours=hours))
        assert last.refused == ()
    oracle.look()
    assert rounds >= ROUNDS
    assert oracle.grown > ROUNDS // 4
    assert interrupted > 2
    assert [path.name for path in outbox.iterdir()] == []
    assert not [path for path in (tmp_path / "state" / "hidden").rglob("*.json") if path.name[0] != "."]
    assert Counter(published(site)) == Counter(said)
    assert_bundles(site, said)
    assert_promises(site, said)


def assert_promises(site, said):
    """Each of `said` was committed to exactly once, and revealed in its hour or later; others saw some of it."""
    entries = LogReader.open(fetch_from(site), NODE.log.key).entries()
    digests = [
        digest for entry in entries if is_commitments(entry) for digest in commitment.parse(entry).digests
    ]
    opened, seen = [], 0
    for sha256 in {statement.parse(payload).sha256 for payload in said}:
        for item in bundle.parse_shard(site.get(bundle.shard_path(sha256), limit=MAX_SHARD)):
            verified = verify_bundle(item, identity(NODE), KNOWN)
            committed = verified.committed
            assert committed.log_index < verified.log_index
            # The time of the batch that revealed it, by the same clock.
            assert committed.not_before <= verified.checkpoint_time
            assert all(at >= committed.own_time for _, at in committed.cosigned)
            assert not committed.early
            seen += committed.proven(bool) is not None
            opened.append(commitment.blind(item.opening.salt, statement.encode(verified.statement)))
    assert Counter(opened) == Counter(digests)
    assert seen > 0
