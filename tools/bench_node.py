"""`make bench`, a node at work: rebuilds an hour by number of workers, and what the node itself costs for each rebuild.

Tiny projects of an index on loopback, whose build takes next to nothing, so that what is seen is everything around a
build: the start of the processes, ledger, executor, outbox, signing, log and shards. "Bare" is the same rebuilds by one
process that keeps nothing. A farm is Dask's local cluster, on this machine.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rebuilders.config import Settings
from rebuilders.farm.dask import DaskExecutor
from rebuilders.farm.gateway import Plan
from rebuilders.farm.interface import Executor
from rebuilders.farm.local import LocalExecutor
from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.node.ledger import Want
from rebuilders.node.scheduler import Scheduler
from rebuilders.node.setup import make
from rebuilders.node.signer import publish_apart
from rebuilders.wiring import open_workshop
from tests.integration.test_node import renamed
from tests.package_index import serving
from witness.names import TargetName

COUNT = 40
WORKERS = (1, 2)
_WAIT = 60.0


def node_rows(count: int = COUNT) -> dict[str, dict[str, float]]:
    """A row for each kind and number of workers: rebuilds an hour, and milliseconds that one takes."""
    with serving() as index, tempfile.TemporaryDirectory(prefix="wheelwitness-bench-node-") as directory:
        names = [f"bench{number}" for number in range(count)]
        for name in names:
            index.files[name] = renamed(name)
        root, endpoint = Path(directory), f"{index.url}simple/"
        settings = Settings(index=endpoint, cache=root / "cache")
        targets = [TargetName.parse(f"{name}==1.0") for name in names]
        workshop = open_workshop(settings)
        workshop.rebuild(targets[0], 600)  # makes the environment
        begun = time.monotonic()
        for target in targets:
            assert workshop.rebuild(target, 600).best is not None
        bare = time.monotonic() - begun
        rows = {"bare, one process": _row(count, bare, bare)}
        for kind in ("local", "farm"):
            for workers in WORKERS:
                config = NodeConfig(
                    version=1, name="node-a.example", operator="A", index=endpoint, cache=str(root / "cache")
                )
                node = NodeDirectory(root / f"{kind}{workers}")
                make(node, config)
                rows[f"a node, {kind}, {workers} at a time"] = _row(
                    count, _work_off(node, config, targets, kind, workers), bare
                )
        return rows


def _work_off(
    node: NodeDirectory, config: NodeConfig, targets: list[TargetName], kind: str, workers: int
) -> float:
    """Seconds from a full queue to a published log, the workers being there."""
    ledger = node.ledger(config)
    executor: Executor = (
        LocalExecutor(config.terms, workers)
        if kind == "local"
        else DaskExecutor(Plan(config.terms, workers=workers), lambda _: None)
    )
    try:
        scheduler = Scheduler(node, config, ledger, executor, lambda _: None)
        while executor.free < workers:
            time.sleep(0.05)
        ledger.add(Want(target) for target in targets[:workers])
        while scheduler.step(_WAIT):  # the workers' own start
            pass
        ledger.add(map(Want, targets))
        begun = time.monotonic()
        while scheduler.step(_WAIT):
            pass
        assert publish_apart(node)["size"] >= len(targets)  # two that say the same of one second are one
        return time.monotonic() - begun
    finally:
        executor.close()
        ledger.close()


def _row(count: int, seconds: float, bare: float) -> dict[str, float]:
    return {
        "rebuilds an hour": count * 3600 / seconds,
        "ms each": 1000 * seconds / count,
        "of it more than bare": 1000 * (seconds - bare) / count,
    }


if __name__ == "__main__":
    for name, row in node_rows().items():
        print(f"{name:32}", "  ".join(f"{key} {value:,.0f}" for key, value in row.items()))
