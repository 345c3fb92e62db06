"""The process that hands a ledger's targets to workers, and records what comes of them. It holds no key.

What a worker says is checked before it is recorded: that it is a statement, by this node, about the target of the job.
What the index lists no more is said without a worker.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final, get_args

from rebuilders.farm.interface import Executor, Job, Outcome
from rebuilders.node import again
from rebuilders.node.caps import Caps, Day
from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.node.control import DRAINING, PAUSED, RECEIVED
from rebuilders.node.ledger import Ledger, Pages, Recorded, Taken
from rebuilders.node.logs import Level, Line
from rebuilders.node.priorities import WITHOUT_WORKER
from rebuilders.node.standing import existing
from rebuilders.observe import observe_absent
from rebuilders.outbox import Outbox
from witness.bundle import parse_shard, shard_path
from witness.digest import sha256_hex
from witness.errors import Incomplete, Malformed, NotFound
from witness.escape import printable
from witness.limits import GIB, MAX_SHARD
from witness.names import TargetName, WheelName
from witness.observation import Published
from witness.statement import Statement, encode, parse
from witness.store.directory import DirectoryStore

_MAX_RECEIVED: Final = 4 * GIB  # for one job: a worker that lies must not use up the day of all
_LOST: Final = "the worker process was ended from outside"
_MAX_IN_A_ROW: Final = 3
_SEEN: Final = frozenset({"changed", "yanked", "unyanked"})  # reasons of which an observation tells
_UNKNOWN: Final = frozenset(
    {"no-such-project", "no-such-version", "no-such-file", "no-wheel"}
)  # to the index


class _Older(Exception):
    """A worker has worked by an older page of the index, out of some cache, or by a newer one."""


class Scheduler:
    """Works off the ledger of the node in `directory` by `executor`; `tell` gets a line for each target."""

    def __init__(
        self,
        directory: NodeDirectory,
        config: NodeConfig,
        ledger: Ledger,
        executor: Executor,
        tell: Callable[[str], None],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._config, self._ledger, self._executor, self._tell = config, ledger, executor, tell
        self._caps = Caps(config.limits, (directory.state, existing(config.settings.cache_path)))
        self._outbox, self._reports = Outbox(directory.outbox), DirectoryStore(directory.reports)
        self._site = DirectoryStore(directory.site)
        self._pages, self._clock = Pages(ledger.database), clock
        self._unsettled: list[tuple[Job, Outcome | None]] = []
        self._running: dict[str, Taken] = {}  # by claim
        self._lost_in_a_row = 0
        self._unsure = (
            False  # whether the ledger failed, so that a claim may have been given that nobody knows
        )
        self.incomplete = 0  # targets that could not be completed so far
        self.observed = 0  # observations recorded so far
        self.held = ""  # why nothing is handed out, if so

    def begin(self) -> None:
        """Takes up where a former process left off."""
        self._ledger.requeue(stuck_after=again.MAX_ENDED)
        self._ledger.deliver(self._put)

    def step(self, timeout: float, *, retry_before: datetime | None = None) -> bool:
        """Hands out what it can, and records what ends within `timeout` seconds. False: nothing runs, or was there.

        Raises:
            Incomplete: the ledger or the disk fails, so that the next step may do better; or worker after worker is
                ended from outside. What has ended is kept for the next step.
        """
        try:
            if self._unsure:
                self._ledger.requeue(keep=self._running)
                self._unsure = False
            return self._step(timeout, retry_before)
        except Incomplete:
            self._unsure = True
            raise

    def _step(self, timeout: float, retry_before: datetime | None) -> bool:
        self._settle_all()
        self.held = self._why_held()
        all_given = bool(self.held) or self._hand_out(retry_before)
        if not self._executor.busy:
            self._ledger.deliver(self._put)
            # A farm may take a moment until it can be given the next.
            return not all_given and self._executor.ready(timeout)
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

    def _hand_out(self, retry_before: datetime | None) -> bool:
        """Whether nothing is left that could be handed out; False where nobody is free to take it, if there is any."""
        while self._executor.free > 0:
            taken = self._ledger.take(retry_before=retry_before)
            if taken is None:
                return True
            if taken.why in WITHOUT_WORKER:
                self._say_absent(taken)
                continue
            self._running[taken.claim] = taken
            self._executor.submit(Job(str(taken.target), taken.claim, taken.needs))
        return False

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
            self._release(job, _LOST, "lost")
            return
        self._lost_in_a_row = 0
        self._count(outcome.received)
        if outcome.needs and not job.needs:  # once: who has it does it, whatever else it may want
            self._ledger.release(
                job.claim, outcome.result, wait=timedelta(0), needs=outcome.needs, blame=False
            )
            self._running.pop(job.claim, None)
            self._say(job, outcome.result, "passed-on")
            return
        if not outcome.complete:
            self._release(job, outcome.result, _cause(outcome))
            return
        if not outcome.statement and outcome.cause in _UNKNOWN and self._is_listed(job):
            self._release(job, outcome.result, "unlisted")
            return
        try:
            recorded = self._recorded(job, outcome)
        except _Older as error:
            self._release(job, str(error), "unlisted")
            return
        except Malformed as error:
            self._release(job, f"the worker's answer cannot be used: {error}", "answer")
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
            self._ledger.say(RECEIVED, day.plus(min(received, _MAX_RECEIVED)))

    def _release(self, job: Job, why: str, cause: again.Cause) -> None:
        taken = self._running.get(job.claim)
        failures = taken.failures if taken and taken.failed == cause else 0
        wait = again.retry_after(failures, random.random(), cause)  # noqa: S311 - spreads load
        self._ledger.release(job.claim, why, wait=wait, cause=cause)
        self._running.pop(job.claim, None)
        self.incomplete += 1
        words, event = (why, "incomplete") if wait else (f"{why}; given up until it is added again", "stuck")
        self._say(job, words, event, level="warning")

    def _say(self, job: Job, words: str, event: str, *, level: Level = "info", **about: str) -> None:
        line = f"{printable(job.target)}: {printable(words)}"
        self._tell(Line(line, event=event, level=level, target=job.target, **about))

    def _recorded(self, job: Job, outcome: Outcome) -> Recorded:
        """What is recorded of `outcome`. Raises Malformed for what is no observation of the job's target; _Older."""
        if not outcome.statement:
            return Recorded("not-observed", detail=outcome.result)
        statement = parse(outcome.statement)
        self._check(TargetName.parse(job.target), statement)
        self._check_page(job, statement)
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
            self._again_at(job, statement),
        )

    def _check_page(self, job: Job, statement: Statement) -> None:
        """Raises _Older if the rebuild is made for what the feed has seen happen, and the worker did not see it."""
        taken = self._running.get(job.claim)
        if taken is None or taken.why not in _SEEN or taken.target.wheel is None:
            return
        seen = self._pages.file(taken.target.project, taken.target.wheel.filename)
        published = statement.observation.published
        if seen is not None and (seen.yanked, seen.sha256) != (published.yanked, statement.sha256):
            raise _Older("the worker had another page of the index than the feed")

    def _again_at(self, job: Job, statement: Statement) -> datetime | None:
        taken, observation = self._running.get(job.claim), statement.observation
        wait = again.observe_again(
            statement.sha256,
            observation.result,
            phase=observation.failure.phase if observation.failure else "",
            cause=observation.failure.cause if observation.failure else "",
            repeats=taken.repeats + 1 if taken and taken.result == observation.result else 0,
        )
        return None if wait is None else self._clock() + wait

    def _is_listed(self, job: Job) -> bool:
        """Whether the feed has seen the file on the index's page, so that a page without it is an older one."""
        target = TargetName.parse(job.target)
        if target.wheel is None:
            return False
        seen = self._pages.file(target.project, target.wheel.filename)
        return seen is not None and not seen.gone and seen.missing is None

    def _say_absent(self, taken: Taken) -> None:
        """Records that the index lists a file no more, which it did when it was observed."""
        target, name = taken.target, taken.target.wheel
        seen = self._pages.file(target.project, name.filename) if name else None
        if name is None or seen is None or not seen.gone or seen.size is None:
            self._ledger.record(taken.claim, Recorded("not-observed", detail="the index lists it again"))
            return
        statement = observe_absent(
            name,
            seen.sha256,
            Published(size=seen.size, upload_time=seen.uploaded, yanked=seen.yanked),
            cause="quarantined" if taken.why == "quarantined" else "withdrawn",
            method=self._config.method,
            builder=self._config.name,
            at=self._clock(),
            previous=self._previous(seen.sha256),
        )
        data, failure = encode(statement), statement.observation.failure
        detail = f"{failure.phase}: {failure.cause}" if failure else ""
        recorded = Recorded("not-attempted", "", detail, seen.sha256, data, sha256_hex(data))
        if self._ledger.record(taken.claim, recorded):
            self.observed += 1
            self._tell(f"{printable(str(target))}: {detail}")

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


def _cause(outcome: Outcome) -> again.Cause:
    return next((cause for cause in get_args(again.Cause) if cause == outcome.cause), "index")


def _report(statement: Statement, told: bytes) -> bytes | None:
    """The report, if it is the one that the statement names."""
    comparison = statement.observation.comparison
    named = comparison.report.digest.sha256 if comparison and comparison.report else ""
    return told if told and sha256_hex(told) == named else None
