"""What `rebuilder doctor` looks at besides the machine: the parts of a node, its clock, and whom it depends on.

Each check returns what is there, and perhaps how to better it; or raises with how to mend it.
"""

import json
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final

from rebuilders.config import Settings
from rebuilders.node import keys
from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.node.parts.lasting import read_beats
from rebuilders.node.standing import read_signed, read_standing
from rebuilders.node.standing_told import alive
from witness.errors import Incomplete, InputError, NotFound, WheelwitnessError
from witness.escape import printable
from witness.fetch import HttpFetcher, shown
from witness.limits import GIB, MAX_CHECKPOINT, MIB
from witness.observation import format_time

Found = str | tuple[str, str]  # what is there, and how to get something better
Check = Callable[[NodeDirectory, NodeConfig], Found]

_SKEW: Final = timedelta(minutes=2)
_AHEAD: Final = timedelta(hours=1)  # what the log's writer allows the clock to be set back
_WAITING: Final = timedelta(hours=1)
_PAGE: Final = 64 * MIB
_ROOM: Final = GIB  # of memory, for each rebuild at a time


def memory(told: Settings, jobs: int = 1, meminfo: Path = Path("/proc/meminfo")) -> Found:
    """Whether so many rebuilds at a time have room in memory."""
    del told
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    free = _available(meminfo, total)
    says = f"{free // MIB} of {total // MIB} MiB available, for {jobs} at a time"
    if free >= jobs * _ROOM:
        return says
    return says, "Better: 1 GiB for each; fewer `jobs`, or `memory-mb` in [limits]."


def _available(meminfo: Path, total: int) -> int:
    try:
        lines = dict(line.split(":", 1) for line in meminfo.read_text("ascii").splitlines() if ":" in line)
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, ValueError, KeyError, IndexError):
        return total


def index_clock(told: Settings) -> Found:
    """Whether this machine's clock agrees with what the index's server says."""
    from rebuilders.wiring import open_index

    _, _, endpoint = open_index(told)
    answer = HttpFetcher(contact=told.contact, attempts=1).get(f"{endpoint}pip/", limit=_PAGE)
    return compare_clocks(datetime.now(UTC), answer.headers)


def compare_clocks(now: datetime, headers: Mapping[str, str]) -> str:
    """What a server's `headers` say of the clock that shows `now`. Raises Incomplete if it is wrong."""
    try:
        there = parsedate_to_datetime(headers["date"])
        apart = now - (there if there.tzinfo else there.replace(tzinfo=UTC))
    except (KeyError, ValueError, TypeError):
        return "not compared: the index does not say the time"
    if abs(apart) > _SKEW:
        raise Incomplete(
            f"{abs(apart).total_seconds():.0f} s {'ahead of' if apart > timedelta(0) else 'behind'} the index",
            hint="Have it set by NTP, such as chrony or systemd-timesyncd.",
        )
    return f"within {_SKEW.total_seconds():.0f} s of the index's"


def log_clock(node: NodeDirectory, config: NodeConfig) -> Found:
    """Whether the clock is not before the last time in the node's log."""
    signed, now = read_signed(node, config), datetime.now(UTC)
    if signed is None or signed.at is None:
        return "no log yet"
    if signed.at - now > _AHEAD:
        raise Incomplete(
            f"the clock says {format_time(now)}, and the log was signed at {format_time(signed.at)}",
            hint="Set the clock. If it was ahead before, nothing is signed until that time has come.",
        )
    return f"{signed.size} entries, signed at {format_time(signed.at)}"


def ledger(node: NodeDirectory, config: NodeConfig) -> Found:
    """Whether the ledger answers, and is of this version: opening it brings it up to date."""
    opened = node.ledger(config)
    try:
        counts = opened.counts()
    finally:
        opened.close()
    says = ", ".join(f"{counts[state]} {state}" for state in ("queued", "running", "done", "stuck"))
    return (says, "See what is stuck: rebuilder status.") if counts["stuck"] else says


def published(node: NodeDirectory, config: NodeConfig) -> Found:
    """Whether site/node.json is this node's, with the key that its log is signed with."""
    path = node.site / "node.json"
    try:
        told = json.loads(path.read_bytes())
        name, key = str(told["name"]), json.dumps(told["logKey"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            f"{path}: cannot be read as node.json", hint="Restore it, with the keys, from a backup."
        ) from None
    signers = keys.load(node, config)
    if name != config.name:
        raise InputError(f"{path}: is of {printable(name)}", hint="A node's name cannot be changed.")
    if signers.log.key.text not in key:
        raise InputError(
            f"{path}: another log key than in {node.keys}", hint="One of both is of another node: restore it."
        )
    return f"{config.name}, with the key in use for its log"


def outbox(node: NodeDirectory, config: NodeConfig) -> Found:
    """Whether what was seen is signed before long, and nothing was refused."""
    now, standing = datetime.now(UTC), read_standing(node, config, datetime.now(UTC))
    if standing.oldest and now - standing.oldest > _WAITING:
        raise Incomplete(
            f"{standing.unpublished} observations wait, since {format_time(standing.oldest)}",
            hint="Does the signer run? `rebuilder publish` signs them at once, and says what is in the way.",
        )
    if standing.refused:
        return f"{standing.refused} were refused", f"The reasons are beside them, in {node.outbox}/refused."
    return f"{standing.unpublished} wait"


def parts(node: NodeDirectory, config: NodeConfig) -> Found:
    """Whether the parts that should run give signs of life."""
    del config
    now, beats = datetime.now(UTC), read_beats(node)
    silent = [beat.part for beat in beats if beat.doing != "ended" and not alive(beat, now)]
    if silent:
        raise Incomplete(
            f"no sign of life from {', '.join(map(printable, silent))}",
            hint="Start the node again: rebuilder run.",
        )
    failing = next((beat for beat in beats if beat.error), None)
    if failing is not None:
        raise Incomplete(
            f"{printable(failing.part)}: {printable(failing.error)}", hint="It tries again by itself."
        )
    running = [beat.part for beat in beats if beat.doing != "ended"]
    return f"{', '.join(map(printable, running))} at work" if running else "none runs"


def peers(node: NodeDirectory, config: NodeConfig) -> Found:
    """Whether the peers' checkpoints can be fetched."""
    del node
    fetcher = HttpFetcher(contact=config.contact, attempts=1, timeout=5.0)
    failed = []
    for peer in config.peer:
        try:
            fetcher.get(f"{peer.url.rstrip('/')}/checkpoint", limit=MAX_CHECKPOINT)
        except NotFound:
            continue  # a peer that has published nothing yet
        except WheelwitnessError as error:
            failed.append(f"{shown(peer.url)}: {printable(str(error))}")
    if failed:
        raise Incomplete("; ".join(failed), hint="Ask its operator; until then nothing of it is cosigned.")
    return f"{len(config.peer)} answer"


def destinations(node: NodeDirectory, config: NodeConfig) -> Found:
    """Whether the destinations can be opened and read."""
    from rebuilders.destinations.opening import open_destination

    for place in config.destination:
        opened = open_destination(
            place.url,
            os.environ,
            variables=place.variables,
            endpoint=place.endpoint,
            region=place.region,
            site=node.site,
        )
        try:
            opened.get("checkpoint", limit=MAX_CHECKPOINT)
        except NotFound:
            continue
        finally:
            opened.close()
    return f"{len(config.destination)} can be read"


LOCAL: Final[Mapping[str, Check]] = {
    "log": log_clock,
    "ledger": ledger,
    "node.json": published,
    "outbox": outbox,
    "parts": parts,
}
ASKING: Final[Mapping[str, Check]] = {"peers": peers, "destinations": destinations}
