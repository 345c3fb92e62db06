"""Tries a sample of another operator's claims. Needs no node and no private key; the log is read before any build."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rebuilders.spotcheck import Draw, Spot, judge, target_of, untried
from rebuilders.wiring import Workshop
from witness.claims import Sample, sample_log
from witness.errors import Incomplete, InputError


@dataclass(frozen=True, slots=True)
class Suspect:
    """The log whose claims are tried: where it is, its vkey, the keys of its observations, and its witness's name."""

    location: str
    log_key: str
    keys: Sequence[str]
    name: str


def draw_from(suspect: Suspect, draw: Draw, count: int) -> Sample:
    """The claims to try. Raises as `witness.claims.sample_log` does."""
    return sample_log(
        suspect.location, suspect.log_key, suspect.keys, suspect.name, priority=draw.priority, count=count
    )


def spots(sample: Sample, draw: Draw, workshop: Workshop, timeout: float) -> Iterator[Spot]:
    """What becomes of each claim, one after the other."""
    for index, said in sample.claims:
        canary = draw.is_canary(said)
        try:
            report = workshop.rebuild(target_of(said), timeout)
        except (Incomplete, InputError) as error:
            yield untried(index, said, str(error), canary=canary)
        else:
            yield judge(index, said, report, canary=canary)
