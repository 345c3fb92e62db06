"""What a Dask worker is asked to do: one job, in a process below it. It takes text and gives text.

The process is one of `LocalExecutor`'s, so that a build that ends it costs a job and no worker, and so that it puts
away what it has begun when the worker dies or the job is taken back.
"""

import json
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from rebuilders.farm.interface import Executor, Terms
from rebuilders.farm.lines import job_of, of_outcome, terms_of
from rebuilders.farm.local import LocalExecutor
from rebuilders.farm.tags import program_tags
from witness.errors import Malformed

CACHE: Final = "WHEELWITNESS_CACHE"  # of a worker's environment

_LOOK: Final = 0.5  # seconds between looks at whether the job is still wanted


class _Kept(threading.local):
    """Of the one thread in which a Dask worker has its jobs done: whoever works for it, and by which terms."""

    terms: Terms | None = None
    executor: Executor | None = None


_kept = _Kept()


class Broken(Exception):
    """The process that worked on the job was ended, or the job is not wanted any more."""


def perform(program: list[str], terms: str, job: str) -> str:
    """The outcome of a job as JSON. `program` are the tags of the program that asks.

    Raises:
        Broken: whoever worked on it has gone.
        Malformed: another version of this program asks.
    """
    if sorted(program) != sorted(program_tags()):
        raise Malformed(f"this worker runs {' '.join(program_tags())}, and the node {' '.join(program)}")
    wanted = job_of(json.loads(job))
    executor = _executor(terms_of(json.loads(terms)))
    executor.submit(wanted)
    while True:
        for _, outcome in executor.finished(_LOOK):
            if outcome is None:
                raise Broken
            return json.dumps(of_outcome(outcome))
        if _is_taken_back():
            _close()
            raise Broken


def _executor(terms: Terms) -> Executor:
    """A process is kept for many jobs; one of other terms ends it."""
    if _kept.executor is None or _kept.terms != terms:
        _close()
        own = os.environ.get(CACHE)
        settings = terms.settings
        if own and settings.cache is None:
            settings = replace(settings, cache=Path(own))
        _kept.terms, _kept.executor = terms, LocalExecutor(replace(terms, settings=settings), 1)
    return _kept.executor


def _close() -> None:
    executor, _kept.executor = _kept.executor, None
    if executor is not None:
        executor.close()


def _is_taken_back() -> bool:
    """Whether Dask has forgotten the job, be it that the node did, or that the node or the scheduler has gone."""
    from distributed import get_worker, worker

    key: Any = getattr(vars(worker)["thread_state"], "key", None)
    try:
        own = get_worker()
    except ValueError:  # no Dask worker's thread
        return False
    state = own.state.tasks.get(key)
    return own.status.name not in ("running", "paused") or state is None or state.state == "cancelled"
