"""Static checks of many local pairs, several processes at a time; one result each, in the order of the pairs.

A worker gets pairs in lots, since a check takes milliseconds. It runs nothing of a package, so there is nothing to
time out; a file that cannot be read is a result that says so.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Final

from rebuilders.checking import check_target
from rebuilders.inputs import LocalPair, from_files
from rebuilders.lifetime import end_with_parent
from rebuilders.result import incomplete_json, static_to_json
from witness.errors import Incomplete, InputError
from witness.names import TargetName

_LOT: Final = 8


@dataclass(frozen=True, slots=True)
class Survey:
    """Args: jobs: processes."""

    jobs: int

    def results(self, pairs: list[LocalPair]) -> Iterator[dict[str, Any]]:
        """A rebuild-result/1 for each pair. Raises Incomplete if a worker was ended from outside."""
        if self.jobs == 1 or len(pairs) <= _LOT:
            yield from map(check_pair, pairs)
            return
        try:
            with ProcessPoolExecutor(
                self.jobs, mp_context=get_context("spawn"), initializer=end_with_parent
            ) as pool:
                yield from pool.map(check_pair, pairs, chunksize=_LOT)
        except BrokenProcessPool:
            raise Incomplete("a worker process was ended from outside", hint="Try it again.") from None


def check_pair(pair: LocalPair) -> dict[str, Any]:
    """The result of one pair."""
    name = TargetName.parse(pair.wheel.name)
    try:
        return static_to_json(check_target(lambda: from_files(pair.wheel, pair.sdist)), name)
    except InputError as error:
        return incomplete_json(name, error, "static")
