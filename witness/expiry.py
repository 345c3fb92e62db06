"""Until when a verdict holds by itself: time alone changes it, as what was seen grows old and exemptions end. Pure."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Final

from witness.evidence import AsOf
from witness.policy import Policy
from witness.verdict import Verdict

_LATEST: Final = datetime.max.replace(tzinfo=UTC)


def kept_until(verdict: Verdict, policy: Policy, now: datetime) -> datetime:
    """The first moment at which what agrees, or an exemption, no longer counts; it may be before `now`.

    What was rejected as dated in the future may count at any moment: look at `verdict.rejected` besides.
    """
    age = timedelta(days=policy.max_age_days)
    ends = [voice.seen + age for voice in verdict.agreeing if voice.seen is not None]
    exemption = policy.exemption(verdict.artifact.project) if verdict.artifact.project else None
    if exemption is not None and exemption.holds_on(now.date()):
        ends.append(datetime.combine(exemption.expires + timedelta(days=1), time(), UTC))
    return min(ends, default=_LATEST)


def snapshot_until(as_of: Iterable[AsOf], policy: Policy, now: datetime) -> datetime:
    """The next moment after `now` at which a log was seen too long ago to be asked (witness.sources.snapshot)."""
    ends = (item.seen + timedelta(days=policy.max_snapshot_days) for item in as_of)
    return min((end for end in ends if end >= now), default=_LATEST)
