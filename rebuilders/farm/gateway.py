"""The process that holds a farm's Dask client: `python -m rebuilders.farm.gateway`, started by `DaskExecutor`.

What comes from Dask's scheduler and workers is unpickled here, so this process knows nothing worth having: no key, no
database, no directory of the node's. JSON lines go in and out, none longer than lines.MAX_LINE:

    in    {"plan": …} first; {"job": …} each
    out   {"state": {"slots": 2, "said": ""}} when it changes and every few seconds
          {"done": CLAIM, "outcome": {…}}; {"lost": CLAIM}

It ends with its standard input. Each job goes to one worker, which this process picks; Dask retries nothing of it.
"""

import json
import logging
import os
import queue
import resource
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from rebuilders.farm.interface import Job, Outcome, Terms
from rebuilders.farm.lines import (
    dumps,
    job_of,
    loads,
    of_job,
    of_outcome,
    of_terms,
    outcome_of,
    read_lines,
    terms_of,
)
from rebuilders.farm.link import Link
from rebuilders.farm.tags import program_tags, tags_here
from rebuilders.farm.task import perform
from witness.errors import InputError, Malformed
from witness.escape import printable

_TICK: Final = 0.1
_LOOK: Final = 1.0  # seconds between looks at the workers
_SIGN: Final = 5.0  # seconds between signs of life
_PATIENCE: Final = 10.0  # seconds for an answer of the Dask scheduler's
_FIRST_PAUSE, _MAX_PAUSE = 1.0, 60.0
_MORE_TIME: Final = 300.0  # seconds that a job may take beyond its rebuild's
_MEMORY: Final = 4 << 30
SCRATCH: Final = "farm"  # in the cache directory: what Dask wants to have a directory for


@dataclass(frozen=True, slots=True)
class Plan:
    """What a gateway is to use: a Dask scheduler by `link`, or a cluster of its own of `workers`.

    `processes`: whether these are processes, or threads of the gateway.
    """

    terms: Terms
    link: Link | None = None
    workers: int = 0
    processes: bool = True
    slots: int = 0

    def line(self) -> dict[str, Any]:
        link = self.link
        return {
            "terms": of_terms(self.terms, cache=link is None),
            "link": link
            and {
                "address": link.address,
                "files": [str(path) for path in link.files],
                "insecure": link.insecure,
            },
            "workers": self.workers,
            "processes": self.processes,
            "slots": self.slots,
        }

    @classmethod
    def of(cls, value: dict[str, Any]) -> "Plan":
        told = value["link"]
        ca, cert, key = [Path(text) for text in told["files"]] if told and told["files"] else (None,) * 3
        return cls(
            terms_of(value["terms"]),
            Link(told["address"], ca, cert, key, insecure=told["insecure"]) if told else None,
            value["workers"],
            value["processes"],
            value["slots"],
        )


@dataclass(slots=True)
class _Given:
    """A job that a worker has."""

    job: Job
    worker: str
    future: Any
    deadline: float


@dataclass(slots=True)
class _Connection:
    """A client, and what it takes to end it."""

    client: Any
    cluster: Any = None
    workers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def close(self) -> None:
        for item in (self.client, self.cluster):
            if item is not None:
                with suppress(Exception):
                    item.close(timeout=5)


class Gateway:
    """Keeps a connection to the farm, and gives it jobs. `emit` writes a line."""

    def __init__(self, plan: Plan, emit: Any) -> None:
        self._plan, self._emit = plan, emit
        self._terms = json.dumps(of_terms(plan.terms, cache=plan.link is None))
        self._connection: _Connection | None = None
        self._waiting: list[Job] = []
        self._given: dict[str, _Given] = {}
        self._next, self._pause, self._look = 0.0, _FIRST_PAUSE, 0.0
        self._told: tuple[dict[str, Any], float] = ({}, 0.0)
        self._said = ""

    def run(self, commands: "queue.Queue[dict[str, Any] | None]") -> None:
        """Until None is commanded."""
        try:
            while True:
                with suppress(queue.Empty):
                    while True:
                        command = commands.get(timeout=_TICK)
                        if command is None:
                            return
                        self._waiting.append(job_of(command["job"]))
                self._step()
        finally:
            self._drop()

    def _step(self) -> None:
        try:
            self._connect()
            if self._connection is not None:
                self._watch()
                self._hand_out()
        except Exception as error:  # noqa: BLE001 - whatever Dask raises: the connection is of no use any more
            self._say(f"{type(error).__name__}: {error}")
            self._drop()
        if self._connection is None:
            self._lose(*[job.claim for job in self._waiting])
            self._waiting.clear()
        self._tell()

    # the connection

    def _connect(self) -> None:
        if self._connection is not None or time.monotonic() < self._next:
            return
        self._next, self._pause = time.monotonic() + self._pause, min(2 * self._pause, _MAX_PAUSE)
        self._connection = _Connection(*self._opened())
        self._check_versions()
        self._look, self._pause, self._said = 0.0, _FIRST_PAUSE, ""

    def _opened(self) -> tuple[Any, Any]:
        from distributed import Client, LocalCluster
        from distributed.security import Security

        plan = self._plan
        if plan.link is not None:
            link = plan.link.check()
            return Client(
                link.address, security=link.security(), timeout=_PATIENCE, set_as_default=False
            ), None
        tags = tags_here(plan.terms.settings.cache_path)
        more: dict[str, Any] = {"dashboard_address": None}
        if plan.processes:  # nobody else of this machine gets in
            more |= {"protocol": "tls://", "security": Security.temporary(), "host": "127.0.0.1"}
        cluster = LocalCluster(
            n_workers=plan.workers,
            threads_per_worker=1,
            processes=plan.processes,
            memory_limit=None,
            resources=resources_of(tags),
            silence_logs=logging.ERROR,
            local_directory=str(plan.terms.settings.cache_path / SCRATCH),
            scheduler_kwargs={"allowed_failures": 0},
            **more,
        )
        return Client(cluster, timeout=_PATIENCE, set_as_default=False), cluster

    def _check_versions(self) -> None:
        from importlib.metadata import version

        ours = version("distributed")
        assert self._connection is not None  # noqa: S101 - just opened
        client = self._connection.client
        told = client.sync(client.scheduler.versions, packages=[], callback_timeout=_PATIENCE)
        theirs = str(told["packages"]["distributed"])
        if theirs != ours:
            raise InputError(
                f"the Dask scheduler runs distributed {theirs}, this node {ours}; install the same"
            )

    def _drop(self) -> None:
        """Ends the connection; what was under way is lost."""
        connection, self._connection = self._connection, None
        self._tell()  # first, so that what is lost is not given again at once
        self._lose(*self._given)
        if connection is not None:
            for given in self._given.values():
                with suppress(Exception):
                    given.future.cancel()
            connection.close()
        self._given.clear()

    # the workers

    def _watch(self) -> None:
        """What has become of jobs and workers. Raises whatever Dask does where the scheduler is gone."""
        assert self._connection is not None  # noqa: S101 - the caller has looked
        client = self._connection.client
        if client.status != "running":
            raise ConnectionError("the Dask scheduler is gone")
        if time.monotonic() >= self._look:
            self._look = time.monotonic() + _LOOK
            told = client.sync(client.scheduler.identity, n_workers=-1, callback_timeout=_PATIENCE)
            self._connection.workers = told["workers"]
        for claim, given in list(self._given.items()):
            self._settle(claim, given)

    def _settle(self, claim: str, given: _Given) -> None:
        status = given.future.status
        gone = self._connection is None or given.worker not in self._connection.workers
        if status == "pending" and not gone and time.monotonic() < given.deadline:
            return
        del self._given[claim]
        if status == "finished":
            self._emit({"done": claim, "outcome": of_outcome(self._outcome(given))})
        elif status == "error" and isinstance(
            error := given.future.exception(timeout=_PATIENCE), (Malformed, ImportError, AttributeError)
        ):
            # Another version, or none, of this program: no worker has gone, and nobody will do it by trying again soon.
            said = f"the worker {given.worker} cannot do it: {printable(str(error))}"
            self._emit({"done": claim, "outcome": of_outcome(Outcome(claim, said, complete=False))})
        else:
            with suppress(Exception):
                given.future.cancel()
            self._lose(claim)

    def _outcome(self, given: _Given) -> Outcome:
        try:
            outcome = outcome_of(loads(given.future.result(timeout=_PATIENCE)))
        except (Malformed, TypeError) as error:
            said = f"the answer of the worker {given.worker} cannot be used: {error}"
            return Outcome(given.job.claim, said, complete=False)
        return replace(outcome, claim=given.job.claim)

    def _usable(self) -> dict[str, frozenset[str]]:
        """The tags of each worker that runs this very program, by its address."""
        assert self._connection is not None  # noqa: S101 - the callers have looked
        found = {}
        for address, told in self._connection.workers.items():
            tags = frozenset(map(str, told.get("resources") or ()))
            if tags.issuperset(program_tags()) and told.get("status", "running") == "running":
                found[address] = tags
        return found

    def _idle(self, usable: dict[str, frozenset[str]]) -> list[str]:
        """Those that do nothing, be it for this node or for another one; those with the fewest tags first."""
        assert self._connection is not None  # noqa: S101 - the callers have looked
        ours = {given.worker for given in self._given.values()}
        workers = self._connection.workers
        idle = [address for address in usable if address not in ours and not _works(workers[address])]
        return sorted(idle, key=lambda address: (len(usable[address]), address))

    def _hand_out(self) -> None:
        if not self._waiting:
            return
        usable = self._usable()
        idle = self._idle(usable)
        had = frozenset().union(*usable.values())
        waiting, self._waiting = self._waiting, []
        for job in waiting:
            # What nobody has is done without, by whoever is there.
            fitting = [item for item in idle if job.needs in usable[item] or job.needs not in had]
            if fitting:
                idle.remove(fitting[0])
                offered = had - usable[fitting[0]]
                self._give(replace(job, offered=tuple(sorted(offered))), fitting[0])
            elif usable:
                self._waiting.append(job)
            else:
                self._lose(job.claim)

    def _give(self, job: Job, worker: str) -> None:
        assert self._connection is not None  # noqa: S101 - the caller has looked
        future = self._connection.client.submit(
            perform,
            list(program_tags()),
            self._terms,
            json.dumps(of_job(job)),
            key=f"wheelwitness-{job.claim}",
            workers=[worker],
            allow_other_workers=False,
            pure=False,
            retries=0,
        )
        deadline = time.monotonic() + self._plan.terms.timeout + _MORE_TIME
        self._given[job.claim] = _Given(job, worker, future, deadline)

    # what is told

    def _lose(self, *claims: str) -> None:
        for claim in claims:
            self._emit({"lost": claim})

    def _say(self, text: str) -> None:
        self._said = printable(text)

    def _tell(self) -> None:
        slots, said = 0, self._said or "not connected to the farm yet"
        if self._connection is not None:
            usable = self._usable()
            slots = len(
                {
                    *self._idle(usable),
                    *(given.worker for given in self._given.values() if given.worker in usable),
                }
            )
            others = len(self._connection.workers) - len(usable)
            said = (
                ""
                if usable
                else "the farm has no worker"
                + (f" that runs {' '.join(program_tags())}, but {others} others" if others else "")
            )
        slots = min(slots, self._plan.slots or slots)
        state = {"slots": slots, "said": said}
        told, at = self._told
        if state != told or time.monotonic() - at >= _SIGN:
            self._emit({"state": state})
            self._told = state, time.monotonic()


def _works(worker: dict[str, Any]) -> bool:
    metrics = worker.get("metrics") or {}
    return any((metrics.get("task_counts") or {}).get(name) for name in ("executing", "ready", "constrained"))


def resources_of(tags: tuple[str, ...]) -> dict[str, float]:
    """A worker's tags as Dask's resources."""
    return dict.fromkeys((*program_tags(), *tags), 1.0)


def configure() -> None:
    """Of Dask, in every process of a farm: nothing that it would do by itself and nobody asked for."""
    import dask

    dask.config.set(
        {
            "distributed.worker.daemon": False,  # a worker has a process below it
            "distributed.scheduler.http.routes": [],
            "distributed.worker.http.routes": [],
            "distributed.worker.profile.enabled": False,
            "distributed.admin.system-monitor.disk": False,
            "logging.distributed": "error",
        }
    )


def main() -> None:
    """The entry point of the process."""
    # Standard output is for lines alone: what Dask prints goes where errors go.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    configure()
    logging.disable(logging.ERROR)  # what is lost is told in words of our own, and not by tracebacks
    lock = threading.Lock()

    def emit(value: dict[str, Any]) -> None:
        with lock:
            out.write(dumps(value))
            out.flush()

    first = sys.stdin.buffer.readline()
    if not first:
        return
    plan = Plan.of(json.loads(first)["plan"])
    if plan.link is not None:  # what is unpickled may ask for as much as it likes
        resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    commands: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def read() -> None:
        try:
            read_lines(sys.stdin.buffer, commands.put)
        finally:
            commands.put(None)

    threading.Thread(target=read, daemon=True).start()
    with suppress(BrokenPipeError):
        Gateway(plan, emit).run(commands)


if __name__ == "__main__":
    main()
