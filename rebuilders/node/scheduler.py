"""The process that hands a ledger's targets to workers, and records what comes of them. It holds no key.

What a worker says is checked before it is recorded: that it is a statement, by this node, about the target of the job.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from rebuilders.farm.interface import Executor, Job, Outcome
from rebuilders.node import again
from rebuilders.node.caps import Caps, Day
from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.node.control import DRAINING, PAUSED, RECEIVED
from rebuilders.node.ledger import Ledger, Recorded
from rebuilders.node.logs import Level, Line
from rebuilders.node.standing import existing
from rebuilders.outbox import Outbox
from witness.bundle import parse_shard, shard_path
from witness.digest import sha256_hex
from witness.errors import Incomplete, Malformed, NotFound
from witness.escape import printable
from witness.limits import MAX_SHARD
from witness.names import TargetName, WheelName
from witness.statement import Statement, encode, parse
from witness.store.directory import DirectoryStore

_LOST: Final = "the worker process was ended from outside"
_MAX_IN_A_ROW: Final = 3


class Scheduler:
    """Works off the ledger of the node in `directory` by `executor`; `tell` gets a line for each target."""

    def __init__(
        self,
        directory: NodeDirectory,
        config: NodeConfig,
        ledger: Ledger,
        executor: Executor,
        tell: Callable[[str], None],
    ) -> None:
        self._config, self._ledger, self._executor, self._tell = config, ledger, executor, tell
        self._caps = Caps(config.limits, (directory.state, existing(config.settings.cache_path)))
        self._outbox, self._reports = Outbox(directory.outbox), DirectoryStore(directory.reports)
        self._site = DirectoryStore(directory.site)
        self._unsettled: list[tuple[Job, Outcome | None]] = []
        self._running: dict[str, int] = {}  # by claim: how often in a row the target has failed before
        self._lost_in_a_row = 0
        self.incomplete = 0  # targets that could not be completed so far
        self.observed = 0  # observations recorded so far
        self.held = ""  # why nothing is handed out, if so

    def begin(self) -> None:
        """Takes up where a former process left off."""
        self._ledger.requeue(stuck_after=again.MAX_FAILURES)
        self._ledger.deliver(self._put)

    def step(self, timeout: float, *, retry_before: datetime | None = None) -> bool:
        """Hands out what it can, and records what ends within `timeout` seconds. False: nothing runs, or was there.

        Raises:
            Incomplete: the ledger or the disk fails, so that the next step may do better; or worker after worker is
                ended from outside. What has ended is kept for the next step.
        """
        self._settle_all()
        self.held = self._why_held()
        if not self.held:
            self._hand_out(retry_before)
        if not self._executor.busy:
            return False
        self._unsettled += self._executor.finished(timeout)
        self._settle_all()
        return True

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs."""
        return not self._executor.busy and not self._unsettled

    def _why_held(self) -> str:
        said = self._ledger.control()
        for word in (DRAINING, PAUSED):
            if word in said:
                return word
        now = datetime.now(UTC)
        return self._caps.why_not(now, Day.parse(said.get(RECEIVED, ""), now))

    def _hand_out(self, retry_before: datetime | None) -> None:
        while self._executor.free > 0:
            taken = self._ledger.take(retry_before=retry_before)
            if taken is None:
                return
            self._running[taken.claim] = taken.failures
            self._executor.submit(Job(str(taken.target), taken.claim, taken.needs))

    def _settle_all(self) -> None:
        while self._unsettled:
            self._settle(*self._unsettled[0])
            del self._unsettled[0]
        self._ledger.deliver(self._put)
        if self._lost_in_a_row >= _MAX_IN_A_ROW:
            self._lost_in_a_row = 0
            raise Incomplete(_LOST, hint="`rebuilder doctor` says what this machine lacks.")

    def _settle(self, job: Job, outcome: Outcome | None) -> None:
        if outcome is None:
            self._lost_in_a_row += 1
            self._release(job, _LOST)
            return
        self._lost_in_a_row = 0
        self._count(outcome.received)
        if not outcome.complete:
            self._release(job, outcome.result, needs=outcome.needs)
            return
        try:
            recorded = self._recorded(job, outcome)
        except Malformed as error:
            self._release(job, f"the worker's answer cannot be used: {error}")
            return
        if self._ledger.record(job.claim, recorded):
            self.observed += bool(recorded.statement)
            level = f" ({recorded.level})" if recorded.level else ""
            words = f"{recorded.result}{level}" if recorded.statement else recorded.detail
            self._say(job, words, "observed", result=recorded.result, sha256=recorded.sha256)
        self._running.pop(job.claim, None)

    def _count(self, received: int) -> None:
        if received > 0:
            day = Day.parse(self._ledger.control().get(RECEIVED, ""), datetime.now(UTC))
            self._ledger.say(RECEIVED, day.plus(received))

    def _release(self, job: Job, why: str, *, needs: str = "") -> None:
        wait = again.retry_after(self._running.get(job.claim, 0), random.random())  # noqa: S311 - spreads load
        self._ledger.release(job.claim, why, wait=wait, needs=needs or None)
        self._running.pop(job.claim, None)
        self.incomplete += 1
        words, event = (why, "incomplete") if wait else (f"{why}; given up until it is added again", "stuck")
        self._say(job, words, event, level="warning")

    def _say(self, job: Job, words: str, event: str, *, level: Level = "info", **about: str) -> None:
        line = f"{printable(job.target)}: {printable(words)}"
        self._tell(Line(line, event=event, level=level, target=job.target, **about))

    def _recorded(self, job: Job, outcome: Outcome) -> Recorded:
        """What is recorded of `outcome`. Raises Malformed for what is no observation of the job's target."""
        if not outcome.statement:
            return Recorded("not-observed", detail=outcome.result)
        statement = parse(outcome.statement)
        self._check(TargetName.parse(job.target), statement)
        observation = statement.observation.model_copy(update={"previous": self._previous(statement.sha256)})
        data = encode(replace(statement, observation=observation))
        failure = observation.failure
        return Recorded(
            observation.result,
            observation.level or "",
            f"{failure.phase}: {failure.cause}" if failure else "",
            statement.sha256,
            data,
            sha256_hex(data),
            _report(statement, outcome.report),
        )

    def _check(self, target: TargetName, statement: Statement) -> None:
        told = WheelName.parse(statement.filename)
        if (told.project, told.version) != (target.project, target.version):
            raise Malformed("a statement about another release")
        if target.wheel is not None and statement.filename != target.wheel.filename:
            raise Malformed("a statement about another file")
        if statement.observation.builder.name != self._config.name:
            raise Malformed("a statement in the name of another node")

    def _previous(self, sha256: str) -> int | None:
        """The log index of this node's latest published observation of the same file."""
        try:
            return parse_shard(self._site.get(shard_path(sha256), limit=MAX_SHARD))[-1].proof.index
        except (NotFound, Malformed):
            return None

    def _put(self, statement: bytes, report: bytes | None, artifact: str) -> None:
        if report:
            self._reports.put(f"{artifact[:2]}/{artifact}.json", report)
        self._outbox.put(statement)


def _report(statement: Statement, told: bytes) -> bytes | None:
    """The report, if it is the one that the statement names."""
    comparison = statement.observation.comparison
    named = comparison.report.digest.sha256 if comparison and comparison.report else ""
    return told if told and sha256_hex(told) == named else None
