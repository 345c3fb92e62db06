"""`wheelwitness trust list`: each witness of a policy with its keys, its key events, and what was seen of its log."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from witness.errors import FetchFailed
from witness.escape import printable
from witness.keychain import described
from witness.keywatch import KeyWatch
from witness.log.seen import SeenLog
from witness.observation import format_time
from witness.policy import Policy, TrustedWitness
from witness.tlog.checkpoint import open_checkpoint
from witness.tlog.succession import described as successors
from witness.verification import WitnessIdentity


@dataclass(frozen=True, slots=True)
class Listed:
    """The list for people, and the exit code: evidence first, then what could not be completed."""

    text: str
    exit_code: int


def list_trusted(policy: Policy, watch: KeyWatch, state: Path) -> Listed:
    """Lists the witnesses of `policy`, with what `watch` says of their keys.

    Raises:
        Incomplete: what is remembered in `state` cannot be read.
    """
    lines: list[str] = []
    bad = failed = False
    for witness in policy.witnesses:
        lines.append(_headline(witness))
        if witness.identity.sigstore is not None:
            lines.append(f"  signs as {printable(witness.identity.sigstore.text)}")
        try:
            known = watch.look(witness.identity)
        except FetchFailed as error:
            failed = True
            lines.append(f"  unreachable: {error}")
            continue
        lines += [f"  {line}" for line in described(known.followed)]
        lines += [f"  {'BAD: ' if told.bad else ''}{told.reason}" for told in known.told]
        lines += [f"  {line}" for line in _log(witness.identity, state)]
        bad = bad or any(told.bad for told in known.told)
    watch.save()
    return Listed("".join(f"{line}\n" for line in lines), 1 if bad else 5 if failed else 0)


def _headline(witness: TrustedWitness) -> str:
    return f"{printable(witness.name)} ({printable(witness.operator)})  {printable(witness.url)}"


def _log(identity: WitnessIdentity, state: Path) -> Iterator[str]:
    yield f"log {printable(identity.log_key.text)}"
    own = (identity.cosigner_key,) if identity.cosigner_key else ()
    seen = SeenLog(state, identity.log_key, own)
    if seen.newest is None:
        yield "no checkpoint of it was seen yet"
    else:
        opened = open_checkpoint(seen.newest, identity.log_key, own)
        yield from successors(opened.links, identity.log_key)
        newest = max((item.at for item in opened.cosignatures), default=None)
        when = f", of {format_time(datetime.fromtimestamp(newest, UTC))}" if newest is not None else ""
        yield f"last seen with {opened.checkpoint.size} entries{when}"
    for caught in seen.convictions:
        yield f"contradicts itself: {caught.text}"
