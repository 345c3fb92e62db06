"""Which votes cannot have been copied from another operator's, as far as commitments prove it. Pure (docs/adr/0032).

A vote could be read from when its node promised to reveal it, or else from when it says that it was made. A vote that
others saw committed to before any like it of another operator could be read is independent. Every observation that
was heard counts for this, older and weaker ones too: whatever could be read could be copied.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from witness.commitment import CLOCKS
from witness.observation import Level, Method, Observation
from witness.verification import VerifiedObservation

Inputs = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Claim:
    """What an operator said of an artifact: that it matches these inputs, so equal, found out in this way."""

    operator: str
    inputs: Inputs
    level: Level | None
    exact: bool
    method: Method


@dataclass(frozen=True, slots=True)
class _Account:
    """A claim: since when it could be read, and the time by which it is proven to have been committed to, if any."""

    claim: Claim
    readable: datetime
    committed: datetime | None


def inputs_of(observation: Observation) -> Inputs | None:
    """The digests that matches must share to add up: of the sdist, and of the published payload and `.dist-info`."""
    comparison, source = observation.comparison, observation.source
    if source is None or comparison is None or comparison.published is None:
        return None
    return source.digest.sha256, comparison.published.payload_digest, comparison.published.dist_info_digest


def claim_of(item: VerifiedObservation) -> Claim | None:
    """What a match claims; None for anything else."""
    observation = item.statement.observation
    inputs, comparison = inputs_of(observation), observation.comparison
    if observation.result != "match" or inputs is None or comparison is None:
        return None
    exact = comparison.archive_exact
    return Claim(item.witness.operator, inputs, observation.level, exact, observation.method)


def independent(
    observations: Iterable[VerifiedObservation],
    now: datetime,
    proves: Callable[[frozenset[str]], bool],
    elsewhere: Collection[tuple[str, datetime]] = (),
) -> frozenset[Claim]:
    """The claims among `observations` that cannot have been copied from another operator's.

    `proves` says of other operators whether their cosignatures together prove when something was committed to.
    `elsewhere` are operators without a log who said the like, and since when that could be read.
    """
    accounts = [account for item in observations if (account := _account(item, now, proves)) is not None]
    return frozenset(
        one.claim
        for one in accounts
        if one.committed is not None
        and all(
            one.committed + CLOCKS < other.readable
            for other in accounts
            if other.claim.operator != one.claim.operator and other.claim.inputs == one.claim.inputs
        )
        and all(one.committed + CLOCKS < at for who, at in elsewhere if who != one.claim.operator)
    )


def _account(
    item: VerifiedObservation, now: datetime, proves: Callable[[frozenset[str]], bool]
) -> _Account | None:
    claim, committed = claim_of(item), item.committed
    if claim is None:
        return None
    # A promise that was broken is none; and what can be read now was not kept until later.
    if committed is None or committed.early or committed.not_before > now + CLOCKS:
        return _Account(claim, item.statement.observation.attempt.finished_at, None)
    return _Account(claim, committed.not_before, committed.proven(proves))
