"""The process that runs strangers' code, in a sandbox, and writes down what it saw. It holds no key.

On a node whose method is static it runs no such code, and needs no sandbox.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from rebuilders.checking import StaticReport
from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.observe import observe, observe_static
from rebuilders.outbox import Outbox
from rebuilders.pipeline import Report
from rebuilders.wiring import Desk, Workshop, open_desk, open_workshop
from witness.bundle import parse_shard, shard_path
from witness.errors import Malformed, NotFound, WheelwitnessError
from witness.limits import MAX_SHARD
from witness.names import TargetName
from witness.statement import Statement
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
    """Rebuilds for a node, or checks without building where it has a desk instead of a workshop."""

    directory: NodeDirectory
    config: NodeConfig
    workshop: Workshop | Desk

    @classmethod
    def open(cls, directory: NodeDirectory, config: NodeConfig) -> "Worker":
        """Raises SandboxUnavailable where no sandbox works, and the node's method needs one."""
        made = open_desk if config.method == "static" else open_workshop
        return cls(directory, config, made(config.settings))

    def work(self, target: TargetName) -> Done:
        """Rebuilds or checks `target` and leaves the observation in the outbox, unless there is nothing to observe."""
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
        report = self._report(target)
        if report.target is None:
            return Done(str(target), str(report.failure), "", complete=True)
        statement = self._statement(report, started, self._previous(report.target.sha256))
        Outbox(self.directory.outbox).put(statement)
        observation = statement.observation
        return Done(str(target), observation.result, observation.level or "", complete=True)

    def _report(self, name: TargetName) -> Report | StaticReport:
        if isinstance(self.workshop, Desk):
            return self.workshop.check(name)
        return self.workshop.rebuild(name, self.config.timeout)

    def _statement(self, report: Report | StaticReport, started: datetime, previous: int | None) -> Statement:
        builder, finished = self.config.name, datetime.now(UTC)
        if isinstance(report, StaticReport):
            return observe_static(
                report, builder=builder, started=started, finished=finished, previous=previous
            )
        isolation = "" if isinstance(self.workshop, Desk) else self.workshop.ports.sandbox.name
        return observe(
            report,
            builder=builder,
            isolation=isolation,
            started=started,
            finished=finished,
            previous=previous,
        )

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
    _worker = Worker.open(directory, config)


def work(target: TargetName) -> Done:
    """For a process pool whose processes have run `start`."""
    assert _worker is not None  # noqa: S101
    return _worker.work(target)
