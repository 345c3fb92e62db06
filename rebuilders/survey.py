"""Static checks of many local pairs, several processes at a time, as they finish.

A process gets pairs in lots, since a check takes milliseconds. It runs nothing of a package, so there is nothing to
time out; a file that cannot be read is a result that says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from rebuilders.checking import check_target
from rebuilders.crew import Crew
from rebuilders.inputs import LocalPair, from_files
from rebuilders.result import incomplete_json, static_to_json
from witness.errors import Incomplete, InputError
from witness.names import TargetName

_LOT: Final = 8

Lot = tuple[LocalPair, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """Args: jobs: processes."""

    jobs: int

    def results(self, pairs: list[LocalPair]) -> Iterator[dict[str, Any]]:
        """A rebuild-result/1 for each pair; of cause `incomplete` where its process was ended from outside."""
        lots = [tuple(pairs[at : at + _LOT]) for at in range(0, len(pairs), _LOT)]
        size = min(self.jobs, len(lots))
        if size < 2:
            yield from map(check_pair, pairs)
            return
        crew: Crew[Lot, list[dict[str, Any]]] = Crew(size, check_lot, _ready, ())
        for lot, results in crew.work_off(lots):
            yield from results if results is not None else map(_ended, lot)


def _ready() -> None:
    """A process needs nothing of its own for a check."""


def check_lot(lot: Lot) -> list[dict[str, Any]]:
    """The results of several pairs."""
    return [check_pair(pair) for pair in lot]


def check_pair(pair: LocalPair) -> dict[str, Any]:
    """The result of one pair."""
    name = TargetName.parse(pair.wheel.name)
    try:
        return static_to_json(check_target(lambda: from_files(pair.wheel, pair.sdist)), name)
    except InputError as error:
        return incomplete_json(name, error, "static")


def _ended(pair: LocalPair) -> dict[str, Any]:
    error = Incomplete("its process was ended from outside")
    return incomplete_json(TargetName.parse(pair.wheel.name), error, "static")
