"""A node's standing, for people and for programs (`status/1`). Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from rebuilders.node.ledger import Queued
from rebuilders.node.parts.lasting import Beat
from rebuilders.node.standing import Standing
from witness.escape import printable
from witness.limits import MIB
from witness.observation import format_time

SCHEMA: Final = "status/1"
SILENT: Final = timedelta(minutes=3)  # a part beats every 30 s


def as_json(standing: Standing) -> dict[str, Any]:
    """As `status --json` writes it; its schema is rebuilders/schemas/status-1.schema.json."""
    log = standing.log
    return {
        "schema": SCHEMA,
        "name": standing.name,
        "time": format_time(standing.now),
        **standing.counts,
        "held": standing.held,
        "runningTargets": [_target(row) for row in standing.running],
        "stuckTargets": [_target(row) for row in standing.stuck],
        "lastObservation": _time(standing.last_observation),
        "unpublished": standing.unpublished,
        "oldestUnpublished": _time(standing.oldest),
        "refused": standing.refused,
        "hidden": standing.hidden,
        "downloadedToday": standing.received,
        "log": log and {"size": log.size, "time": _time(log.at)},
        "peers": len(standing.peers),
        "cosignatures": [
            {"name": name, "time": format_time(at)} for name, at in (log.cosigned.items() if log else ())
        ],
        "parts": [
            {
                "name": beat.part,
                "alive": alive(beat, standing.now),
                "beat": beat.beat,
                "doing": beat.doing,
                "error": beat.error,
            }
            for beat in standing.parts
        ],
        "disk": [{"path": str(item.path), "free": item.free, "total": item.total} for item in standing.disk],
    }


def as_text(standing: Standing) -> str:
    """One screen for people."""
    return "\n".join(_lines(standing))


def alive(beat: Beat, now: datetime) -> bool:
    """Whether a part has given a sign of life lately, and did not end."""
    at = beat_time(beat)
    return at is not None and beat.doing != "ended" and now - at < SILENT


def beat_time(beat: Beat) -> datetime | None:
    """When the part said so."""
    try:
        return datetime.fromisoformat(beat.beat)
    except (ValueError, TypeError):
        return None


def _lines(standing: Standing) -> Iterator[str]:
    now, log = standing.now, standing.log
    counts = ", ".join(f"{count} {state}" for state, count in standing.counts.items())
    yield f"{printable(standing.name)}: {counts}"
    if standing.held:
        yield f"  held      nothing is handed out: {printable(standing.held)}"
    for row in standing.running:
        yield f"  running   {printable(row.target)}"
    for row in standing.stuck:
        yield f"  stuck     {printable(row.target)}: {printable(row.detail, limit=120)}"
    last = standing.last_observation
    yield f"  observed  {'last ' + _ago(now, last) if last else 'nothing yet'}"
    published = f"log of {log.size}, signed {_ago(now, log.at)}" if log else "no log yet"
    yield f"  published {published}; {standing.unpublished} observations not published yet"
    if standing.hidden:
        yield f"            {standing.hidden} committed to and not revealed"
    if standing.refused:
        yield f"            {standing.refused} refused by the signer: see outbox/refused"
    if standing.peers or (log and log.cosigned):
        told = log.cosigned if log else {}
        shown = ", ".join(f"{printable(name)} {_ago(now, at)}" for name, at in told.items())
        yield f"  peers     {len(standing.peers)} named; cosigned by {shown or 'nobody'}"
    for beat in standing.parts:
        yield f"  part      {_part(beat, now)}"
    if not standing.parts:
        yield "  part      none has run: rebuilder run"
    for item in standing.disk:
        yield f"  disk      {item.free // MIB} of {item.total // MIB} MB free at {printable(str(item.path))}"


def _part(beat: Beat, now: datetime) -> str:
    said = "" if beat.doing == "ended" else f", {_ago(now, beat_time(beat))}"
    silent = "" if alive(beat, now) or beat.doing == "ended" else " (SILENT)"
    error = f"; failing: {printable(beat.error, limit=120)}" if beat.error else ""
    return f"{printable(beat.part)}: {printable(beat.doing, limit=120)}{said}{silent}{error}"


def _ago(now: datetime, then: datetime | None) -> str:
    if then is None:
        return "at an unknown time"
    seconds = (now - then).total_seconds()
    if seconds < -60:
        return f"at {format_time(then)}, which is to come"
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} ago"
    return "just now"


def _target(row: Queued) -> dict[str, Any]:
    return {"target": row.target, "failures": row.failures, "detail": row.detail}


def _time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None
