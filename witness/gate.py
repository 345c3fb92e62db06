"""The gate: what a user is about to install, judged entry by entry, as a report."""

from datetime import datetime

from witness.client import Client
from witness.evidence import Artifact
from witness.pinned import decisive
from witness.pins.pin import Pin, Pins, Unpinned
from witness.pins.public import PublicIndexes, screened
from witness.policy import Policy
from witness.report.model import ExemptionUse, Report, Row
from witness.verdict import Verdict


def check(pins: Pins, client: Client, now: datetime) -> Report:
    """The report on every entry of `pins` at `now`, those that cannot be looked up included.

    Nobody is asked about what may come from an index that is not public (witness.pins.public).
    """
    pins = screened(pins, PublicIndexes(client.policy.public_indexes))
    artifacts = {pin: artifacts_of(pin) for pin in pins.pins}
    wanted = list(dict.fromkeys(item for items in artifacts.values() for item in items))
    verdicts = dict(zip(wanted, client.judge(wanted, now), strict=True))
    rows = [_row(pin, tuple(verdicts[item] for item in items)) for pin, items in artifacts.items()]
    return Report(
        (*rows, *map(_unpinned, pins.unpinned)),
        pins.notes,
        pins.inputs,
        pins.unchanged,
        exemptions=_exemptions(client.policy, {pin.project for pin in pins.pins}, now),
        as_of=client.as_of,
    )


def artifacts_of(pin: Pin) -> tuple[Artifact, ...]:
    """The files that `pin` allows, in the order of their digests."""
    return tuple(
        Artifact(digest, pin.filename, pin.project or None, pin.version or None, pin.digests, pin.record)
        for digest in sorted(pin.sha256)
    )


def _row(pin: Pin, files: tuple[Verdict, ...]) -> Row:
    verdict = decisive(files)
    return Row(
        name=verdict.filename or str(pin),
        origin=str(pin.origin),
        verdict=verdict,
        outcome=verdict.outcome,
        reason=verdict.reason,
        filename=verdict.filename,
        files=files,
        project=pin.project,
        version=pin.version,
        place=pin.origin,
    )


def _unpinned(entry: Unpinned) -> Row:
    return Row(
        name=entry.text,
        origin=str(entry.origin),
        verdict=None,
        outcome=entry.kind,
        reason=entry.reason,
        unusable=entry.kind == "error",
        place=entry.origin,
    )


def _exemptions(policy: Policy, projects: set[str], now: datetime) -> tuple[ExemptionUse, ...]:
    return tuple(
        ExemptionUse(
            package=item.package,
            reason=item.reason,
            expires=item.expires,
            used=item.package in projects,
            days_left=(item.expires - now.date()).days,
        )
        for item in policy.exemptions
    )
