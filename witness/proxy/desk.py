"""Who asks for a page gets it from memory, or waits for the one who makes it: no page is made twice at a time."""

import time
from typing import Final

import anyio
import anyio.to_thread

from witness.errors import Incomplete, WheelwitnessError
from witness.proxy.metrics import Metrics
from witness.proxy.negotiation import is_json
from witness.proxy.pages import Offer, Pages

MAKERS: Final = 16  # threads that make pages
MAX_WAITING: Final = 64  # pages being made or waiting for a thread; who asks for one more is refused


class Busy(Incomplete):
    """Too many pages are being made."""


class Desk:
    """For the one event loop of an application."""

    def __init__(self, pages: Pages, metrics: Metrics) -> None:
        self._pages, self._metrics = pages, metrics
        self._making: dict[tuple[str, bool], _Made] = {}
        self._limiter: anyio.CapacityLimiter | None = None

    async def offer(self, project: str, kind: str) -> Offer:
        """The offer for the normalised `project`. Raises as `Pages.make` does, and Busy."""
        known = self._pages.known(project, kind)
        if known is not None:
            self._metrics.known.inc()
            return known
        key = project, is_json(kind)
        made = self._making.get(key)
        if made is not None:
            await made.done.wait()
            return made.result()
        if len(self._making) >= MAX_WAITING:
            raise Busy("too many pages are being made", hint="Try again in a moment.")
        made = self._making[key] = _Made()
        try:
            # Not given up with the client who asked first: others may be waiting.
            with anyio.CancelScope(shield=True):
                await self._make(made, project, kind)
        finally:
            del self._making[key]
            made.done.set()
        return made.result()

    async def _make(self, made: "_Made", project: str, kind: str) -> None:
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(MAKERS)
        started = time.perf_counter()
        try:
            made.value = await anyio.to_thread.run_sync(
                self._pages.make, project, kind, limiter=self._limiter
            )
        except WheelwitnessError as error:
            self._metrics.failures.labels(type(error).__name__).inc()
            made.error = error
        self._metrics.making.observe(time.perf_counter() - started)


class _Made:
    """What came of making a page, for all who wait for it."""

    def __init__(self) -> None:
        self.done = anyio.Event()
        self.value: Offer | None = None
        self.error: WheelwitnessError | None = None

    def result(self) -> Offer:
        if self.error is not None:
            raise self.error
        if self.value is None:
            raise Incomplete(
                "the page could not be made", hint="Try again; if it stays so, please report it."
            )
        return self.value
