"""A node's site that grows, and the question whether a copy of it is consistent: what readers may rely on."""

from datetime import timedelta
from pathlib import Path

from rebuilders.destinations.memory import MemoryDestination
from rebuilders.destinations.push import Source, push
from rebuilders.node.config import NodeConfig
from rebuilders.node.setup import about
from tests.signed_log import NOON, identity, node, observed, put_in
from witness import canonical, statement
from witness.errors import Incomplete, NotFound
from witness.limits import MAX_CHECKPOINT, MAX_LOOKUP
from witness.log.audit import audit
from witness.publish import publish_outbox
from witness.store.directory import DirectoryStore
from witness.tlog.checkpoint import open_checkpoint

NODE = node()
NEVER = 10.0**9


class Site:
    """The site of a node below `root`, with pages."""

    def __init__(self, root: Path, signers=NODE, store=None) -> None:
        self.root, self.signers, self.said = root, signers, 0
        self.path, self.state = root / "site", root / "state"
        self.store = store or DirectoryStore(self.path)
        (root / "outbox").mkdir(parents=True, exist_ok=True)
        config = NodeConfig(version=1, name=signers.name, operator="Operator A")
        told = about(config, signers) | {"logKey": signers.log.key.text}
        self.store.put("node.json", canonical.dumps(told))

    @staticmethod
    def source_of(root: Path, signers=NODE) -> Source:
        return Source(root / "site", root / "state", signers.log.key)

    @property
    def source(self) -> Source:
        return self.source_of(self.root, self.signers)

    def grow(self, count: int = 1, *, artifacts: int = 10**6) -> int:
        """Publishes so many observations more, each of another file until there are so many; returns the size."""
        for _ in range(count):
            said = statement.encode(observed(self.said, artifact=self.said % artifacts, by=self.signers.name))
            put_in(self.root / "outbox", said)
            self.said += 1
        now = NOON + timedelta(seconds=self.said)
        done = publish_outbox(self.root / "outbox", self.store, self.state, self.signers, now=now)
        assert done.refused == ()
        return done.size

    def write(self, path: str, text: str) -> None:
        self.store.put(path, text.encode())

    def push(self, destination, **how):
        return push(self.source, destination, self.root / "state" / "pushed", **{"patience": 0.0, **how})


def verified(destination, signers=NODE) -> int:
    """How many entries the copy has, after the log and every shard and lookup file of it was verified; 0 for none."""

    def fetch(path: str) -> bytes:
        return destination.get(path, limit=MAX_LOOKUP)

    try:
        signed = destination.get("checkpoint", limit=MAX_CHECKPOINT)
    except NotFound:
        return 0
    found = audit(fetch, identity(signers), signed)
    assert found.faults == ()
    assert found.lookups is not None
    return open_checkpoint(signed, signers.log.key).checkpoint.size


class Watched(MemoryDestination):
    """Notes every file in the order in which it comes, and stops, or does something, when so many have come."""

    at_once = 3

    def __init__(self, stop: int | None = None, before=lambda path: None) -> None:
        super().__init__()
        self.stop, self.before = stop, before
        self.events: list[str] = []
        self.listings = 0

    def held(self):
        self.listings += 1
        return super().held()

    def send(self, items) -> None:
        for item in items:
            self._count(item.path)
            super().send([item])

    def delete(self, paths) -> None:
        for path in paths:
            self._count(f"-{path}")
            super().delete([path])

    def _count(self, event: str) -> None:
        if self.stop is not None and len(self.events) >= self.stop:
            raise Incomplete("the network is gone")
        self.before(event)
        self.events.append(event)
