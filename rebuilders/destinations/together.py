"""One call for each of several things, a few at a time, none of which is still under way when one has failed."""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, Executor, wait
from typing import TypeVar

T = TypeVar("T")


def for_each(pool: Executor, call: Callable[[T], object], things: Iterable[T]) -> None:
    """Calls `call` with each of `things`. Raises what the first of them raised, after those begun have ended.

    A write that went on after its failure was told could come after a later one, and undo it.
    """
    calls = [pool.submit(call, thing) for thing in things]
    try:
        done, _ = wait(calls, return_when=FIRST_EXCEPTION)
    finally:
        for each in calls:
            each.cancel()
        wait(calls)
    for each in done:
        each.result()
