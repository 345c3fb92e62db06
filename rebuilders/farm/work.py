"""A worker: runs strangers' code, in a sandbox, and says what it saw. It holds no key and no database.

For a node whose method is static it runs no such code, and needs no sandbox.
"""

import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from rebuilders.checking import StaticReport
from rebuilders.environment.interpreters import Interpreter
from rebuilders.errors import WantedElsewhere
from rebuilders.farm.interface import Job, Outcome, Terms
from rebuilders.farm.tags import python_tag
from rebuilders.observe import observe, observe_static
from rebuilders.pipeline import Report
from rebuilders.provide import Installing
from rebuilders.report.document import of_rebuild
from rebuilders.report.json import report_json
from rebuilders.wiring import Desk, Workshop, open_desk, open_workshop
from witness.digest import sha256_hex
from witness.errors import SandboxUnavailable, WheelwitnessError
from witness.limits import MAX_REPORT
from witness.names import TargetName
from witness.observation import DigestSet, Resource
from witness.statement import Statement, encode


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What other workers have is not installed here: the job goes to one of them. The rest is as `here` does it."""

    offered: frozenset[str]
    here: Installing | None

    def install(self, minor: str, *, seconds: float) -> Interpreter | None:
        """Raises WantedElsewhere, and what `here` raises."""
        if python_tag(minor) in self.offered:
            raise WantedElsewhere(minor)
        return self.here.install(minor, seconds=seconds) if self.here else None


@dataclass(frozen=True, slots=True)
class Worker:
    """Rebuilds for a node, or checks without building where it has a desk instead of a workshop."""

    terms: Terms
    workshop: Workshop | Desk

    @classmethod
    def open(cls, terms: Terms) -> "Worker":
        """Raises SandboxUnavailable where no sandbox works, and the node's method needs one."""
        made = open_desk if terms.method == "static" else open_workshop
        return cls(terms, made(terms.settings))

    def work(self, job: Job) -> Outcome:
        """Rebuilds or checks the job's target. Whatever goes wrong is an outcome, too."""
        before = self.workshop.fetcher.received
        outcome = self._tried(job)
        return replace(outcome, received=self.workshop.fetcher.received - before)

    def _tried(self, job: Job) -> Outcome:
        try:
            return self._work(job, TargetName.parse(job.target))
        except WantedElsewhere as wanted:
            return Outcome(job.claim, str(wanted), complete=False, needs=python_tag(wanted.minor))
        except WheelwitnessError as error:
            cause = "sandbox" if isinstance(error, SandboxUnavailable) else "index"
            return Outcome(job.claim, str(error), complete=False, cause=cause)
        except Exception as error:  # noqa: BLE001 - a mistake of ours with one target must not end the node
            mistake = f"a mistake in the program itself ({type(error).__name__})"
            return Outcome(job.claim, mistake, complete=False, cause="mistake")

    def _work(self, job: Job, target: TargetName) -> Outcome:
        started = datetime.now(UTC)
        report = self._report(target, frozenset() if job.needs else frozenset(job.offered))
        if report.target is None:
            return Outcome(
                job.claim, str(report.failure), cause=report.failure.cause if report.failure else ""
            )
        told = _told(report, target)
        statement = self._statement(report, started)
        if told:
            statement = _with_report(statement, told)
        observation = statement.observation
        return Outcome(job.claim, observation.result, observation.level or "", encode(statement), told)

    def _report(self, name: TargetName, offered: frozenset[str]) -> Report | StaticReport:
        workshop = self.workshop
        if isinstance(workshop, Desk):
            return workshop.check(name)
        if offered:
            installer = Elsewhere(offered, workshop.ports.installer)
            workshop = replace(workshop, ports=replace(workshop.ports, installer=installer))
        return workshop.rebuild(name, self.terms.timeout)

    def _statement(self, report: Report | StaticReport, started: datetime) -> Statement:
        builder, finished = self.terms.builder, datetime.now(UTC)
        if isinstance(report, StaticReport):
            return observe_static(report, builder=builder, started=started, finished=finished, previous=None)
        isolation = "" if isinstance(self.workshop, Desk) else self.workshop.ports.sandbox.name
        return observe(
            report, builder=builder, isolation=isolation, started=started, finished=finished, previous=None
        )


def _told(report: Report | StaticReport, name: TargetName) -> bytes:
    """The report for people, where there is anything to see that the observation does not say."""
    if isinstance(report, StaticReport) or report.best is None or report.best.outcome.level == "bitwise":
        return b""
    told = report_json(of_rebuild(report, name))
    return told if len(told) <= MAX_REPORT else b""


def _with_report(statement: Statement, told: bytes) -> Statement:
    observation = statement.observation
    resource = Resource(name="report.json", digest=DigestSet(sha256=sha256_hex(told)))
    comparison = observation.comparison and observation.comparison.model_copy(update={"report": resource})
    return replace(statement, observation=observation.model_copy(update={"comparison": comparison}))


_worker: Worker | None = None  # of a worker process, opened once


def start(terms: Terms) -> None:
    """For the initializer of a process pool."""
    global _worker  # noqa: PLW0603
    os.nice(terms.settings.nice)
    _worker = Worker.open(terms)


def work(job: Job) -> Outcome:
    """For a process pool whose processes have run `start`."""
    assert _worker is not None  # noqa: S101
    return _worker.work(job)
