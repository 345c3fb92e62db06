"""The process that runs strangers' code, in a sandbox, and writes down what it saw. It holds no key."""

from dataclasses import dataclass
from datetime import UTC, datetime

from rebuilders.lifetime import end_with_parent
from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.observe import observe
from rebuilders.outbox import Outbox
from rebuilders.result import result_of
from rebuilders.wiring import Workshop, open_workshop
from witness.bundle import parse_shard, shard_path
from witness.errors import Malformed, NotFound, WheelwitnessError
from witness.limits import MAX_SHARD
from witness.names import TargetName
from witness.store.directory import DirectoryStore


@dataclass(frozen=True, slots=True)
class Done:
    """How one target ended: `result` in a word; `complete` is False where it should be tried again."""

    target: str
    result: str
    level: str
    complete: bool


@dataclass(frozen=True, slots=True)
class Worker:
    """Rebuilds for a node."""

    directory: NodeDirectory
    config: NodeConfig
    workshop: Workshop

    @classmethod
    def open(cls, directory: NodeDirectory, config: NodeConfig) -> "Worker":
        """Raises SandboxUnavailable where no sandbox works."""
        return cls(directory, config, open_workshop(config.settings))

    def work(self, target: TargetName) -> Done:
        """Rebuilds `target` and leaves the observation in the outbox, unless there is nothing to observe."""
        try:
            return self._work(target)
        except WheelwitnessError as error:
            return Done(str(target), str(error), "", complete=False)
        except Exception as error:  # noqa: BLE001 - a mistake of ours with one target must not end the node
            return Done(
                str(target), f"a mistake in the program itself ({type(error).__name__})", "", complete=False
            )

    def _work(self, target: TargetName) -> Done:
        started = datetime.now(UTC)
        report = self.workshop.rebuild(target, self.config.timeout)
        if report.target is None:
            return Done(str(target), str(report.failure), "", complete=True)
        statement = observe(
            report,
            builder=self.config.name,
            isolation=self.workshop.ports.sandbox.name,
            started=started,
            finished=datetime.now(UTC),
            previous=self._previous(report.target.sha256),
        )
        Outbox(self.directory.outbox).put(statement)
        return Done(str(target), result_of(report), statement.observation.level or "", complete=True)

    def _previous(self, sha256: str) -> int | None:
        """The log index of this node's latest published observation of the same file."""
        try:
            shard = DirectoryStore(self.directory.site).get(shard_path(sha256), limit=MAX_SHARD)
            return parse_shard(shard)[-1].proof.index
        except (NotFound, Malformed):
            return None


_worker: Worker | None = None  # of a worker process, opened once


def start(directory: NodeDirectory, config: NodeConfig) -> None:
    """For the initializer of a process pool."""
    global _worker  # noqa: PLW0603
    end_with_parent()
    _worker = Worker.open(directory, config)


def work(target: TargetName) -> Done:
    """For a process pool whose processes have run `start`."""
    assert _worker is not None  # noqa: S101
    return _worker.work(target)
