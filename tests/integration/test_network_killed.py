"""`kill -9` at random points of appending, cosigning and mirroring, one after the other on one log.

No observation that was acknowledged is lost, no two trees of one size are signed or cosigned, and no cosigner goes
back. `WHEELWITNESS_KILL_ROUNDS` asks for more rounds than a test run has time for.
"""

import os
import random
import time
from collections import Counter

from tests.integration.killing import nursery
from tests.integration.network_loop import PARTS, WORK, A, B
from tests.signed_log import identity, observed, put_in
from witness import bundle, dsse, statement
from witness.errors import NotFound
from witness.limits import MAX_SHARD
from witness.log.audit import audit
from witness.log.cosigner import cosigned_path
from witness.log.reader import LogReader, check_log, fetch_from
from witness.store.directory import DirectoryStore
from witness.tlog.checkpoint import open_checkpoint
from witness.tlog.merkle import verify_consistency

ROUNDS = int(os.environ.get("WHEELWITNESS_KILL_ROUNDS", "36"))
ARTIFACTS = 50


class Oracle:
    """Everything that was ever seen signed, and what must hold of it after each kill."""

    def __init__(self, root):
        self.root = root
        self.site, self.copy = DirectoryStore(root / "a-site"), DirectoryStore(root / "copy" / "site")
        self.roots = {}
        self.newest = {"publish": 0, "cosign": 0, "mirror": 0}
        self.grown = Counter()
        self.read = 0

    def look(self):
        for part, store in (("publish", self.site), ("mirror", self.copy)):
            self._tree(part, self._verified(store), fetch_from(store))
        self._cosigned()

    def _verified(self, store):
        try:
            signed = store.get("checkpoint", limit=MAX_SHARD)
        except NotFound:
            return None
        return open_checkpoint(signed, A.log.key, [A.cosigner.key, B.cosigner.key])

    def _tree(self, part, verified, fetch):
        if verified is None:
            assert self.newest[part] == 0
            return
        tree = verified.checkpoint
        assert tree.size >= self.newest[part]
        assert self.roots.setdefault(tree.size, tree.root) == tree.root
        if self.newest[part] not in (0, tree.size):
            proof = LogReader.open(fetch, A.log.key).consistency(self.newest[part])
            verify_consistency(self.newest[part], self.roots[self.newest[part]], tree.size, tree.root, proof)
        self.grown[part] += tree.size > self.newest[part]
        self.newest[part] = tree.size

    def _cosigned(self):
        """Cosignatures that left, in their order, and the one on disk, which is never behind."""
        try:
            left = (self.root / "left").read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            return
        for line in left[self.read :]:
            opened = open_checkpoint(bytes.fromhex(line.decode()), A.log.key, [B.cosigner.key])
            assert len(opened.cosignatures) == 1
            self._tree("cosign", opened, fetch_from(self.site))
        self.read = len(left)
        state = DirectoryStore(self.root / "b-state").get(cosigned_path(A.log.name), limit=MAX_SHARD)
        kept = open_checkpoint(state, A.log.key, [B.cosigner.key]).checkpoint
        assert kept.size >= self.newest["cosign"]
        assert self.roots.setdefault(kept.size, kept.root) == kept.root


def test_a_network_survives_kill_9(tmp_path):
    chance = random.Random(20261124)
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    said = []
    oracle = Oracle(tmp_path)

    def talk():
        for _ in range(chance.choice((0, 1, 2, 5))):
            said.append(statement.encode(observed(len(said), artifact=len(said) % ARTIFACTS)))
            put_in(outbox, said[-1])
        time.sleep(chance.uniform(0.0, 0.12))

    with nursery("tests.integration.network_loop", tmp_path) as kill_after:
        for _ in range(ROUNDS):
            kill_after(talk)
            oracle.look()

    for part in PARTS:
        WORK[part](tmp_path, ROUNDS)
    WORK["publish"](tmp_path, ROUNDS)
    oracle.look()
    assert [path.name for path in outbox.iterdir()] == []
    size = len(said)
    assert (oracle.newest["publish"], oracle.newest["mirror"], oracle.newest["cosign"]) == (size, size, size)
    for store in (oracle.site, oracle.copy):
        check_everything(store, said)
    every = bundle.parse_shard(oracle.site.get(bundle.shard_path(observed(0).sha256), limit=MAX_SHARD))
    for item in every:
        opened = open_checkpoint(item.proof.checkpoint, A.log.key, [B.cosigner.key])
        assert [held.key for held in opened.cosignatures] == [B.cosigner.key]


def check_everything(store, said):
    """Each of `said` is in the log once, and in its shard once, proven."""
    files = fetch_from(store)

    def fetch(path):
        return (
            store.get(path, limit=MAX_SHARD) if path.startswith(("observations/", "lookup/")) else files(path)
        )

    signed = files("checkpoint")
    found = audit(fetch, identity(A), signed)
    assert (found.size, found.faults, found.bundles) == (len(said), (), len(said))
    check_log(files, A.log.key)
    entries = LogReader.open(files, A.log.key).entries()
    assert Counter(dsse.parse(entry).payload for entry in entries) == Counter(said)
