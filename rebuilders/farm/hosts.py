"""A machine's part in a farm: Dask's scheduler, and workers that come back when they or the scheduler die.

Both run until they are told to end. A worker has one job at a time, says by its tags what it has, and is let in only
where a sandbox works.
"""

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rebuilders.config import Settings
from rebuilders.farm.gateway import SCRATCH, configure, resources_of
from rebuilders.farm.link import Link
from rebuilders.farm.tags import tags_here
from rebuilders.farm.task import CACHE
from rebuilders.sandbox.bubblewrap import Bubblewrap, probe
from witness.escape import printable

_FIRST_PAUSE, _MAX_PAUSE = 1.0, 60.0
_STEADY: Final = 60.0
_PATIENCE: Final = "20s"  # for the scheduler to answer
_NOWHERE: Final = "127.0.0.1:0"  # of HTTP servers that Dask insists on, and that have no pages

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Workers:
    """Args: count: how many; tags: what they have besides what is found out; host: where they can be reached."""

    link: Link
    count: int = 1
    tags: tuple[str, ...] = ()
    host: str = ""
    settings: Settings = field(default_factory=Settings)


def run_scheduler(link: Link, tell: Tell) -> None:
    """Dask's scheduler at the link's address, until SIGTERM or SIGINT. Raises InputError, OSError."""
    _run(_schedule(link.check(), tell))


def run_workers(workers: Workers, tell: Tell) -> None:
    """Workers of the scheduler at the link's address, until SIGTERM or SIGINT.

    Raises:
        SandboxUnavailable: no sandbox works here.
        InputError: the link or a tag cannot be used.
    """
    workers.link.check()
    probe(Bubblewrap.find())
    tags = tags_here(workers.settings.cache_path, workers.tags)
    tell(f"this machine has {', '.join(tags)}")
    _run(_work(workers, tags, tell))


def _run(body: Coroutine[Any, Any, None]) -> None:
    configure()

    async def until_told() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.ensure_future(body)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, task.cancel)
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(until_told())


async def _schedule(link: Link, tell: Tell) -> None:
    from urllib.parse import urlsplit

    from distributed import Scheduler

    parts = urlsplit(link.address)
    async with Scheduler(
        host=parts.hostname,
        port=parts.port or 0,
        protocol=f"{parts.scheme}://",
        security=link.security(),
        allowed_failures=0,
        dashboard=False,
        dashboard_address=_NOWHERE,
    ) as scheduler:
        tell(f"the Dask scheduler is at {scheduler.address}")
        await scheduler.finished()


async def _work(workers: Workers, tags: tuple[str, ...], tell: Tell) -> None:
    security = workers.link.security()  # once: what is wrong with it, is wrong for good
    await asyncio.gather(*(_keep(workers, security, tags, number, tell) for number in range(workers.count)))


async def _keep(workers: Workers, security: Any, tags: tuple[str, ...], number: int, tell: Tell) -> None:
    """One worker, with Dask's nanny, over and over."""
    loop, pause = asyncio.get_running_loop(), _FIRST_PAUSE
    while True:
        started = loop.time()
        try:
            async with _nanny(workers, security, tags) as nanny:
                tell(f"worker {number + 1} is at {nanny.worker_address}")
                await nanny.finished()
            why = "the Dask scheduler is gone"
        except Exception as error:  # noqa: BLE001 - Dask raises all kinds where nobody answers
            why = printable(f"{type(error).__name__}: {error}")
        pause = _FIRST_PAUSE if loop.time() - started > _STEADY else min(2 * pause, _MAX_PAUSE)
        tell(f"worker {number + 1}: {why}; tried again in {pause:.0f} s")
        await asyncio.sleep(pause)


def _nanny(workers: Workers, security: Any, tags: tuple[str, ...]) -> Any:
    from distributed import Nanny

    cache = workers.settings.cache
    return Nanny(
        workers.link.address,
        nthreads=1,
        memory_limit=None,  # builds have limits of their own
        resources=resources_of(tags),
        security=security,
        host=workers.host or None,
        local_directory=str(workers.settings.cache_path / SCRATCH),
        silence_logs=logging.ERROR,
        death_timeout=_PATIENCE,
        env={CACHE: str(Path(cache).absolute())} if cache else None,
        dashboard=False,
        dashboard_address=_NOWHERE,
    )
