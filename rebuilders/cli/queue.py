"""`rebuilder queue`: what a node has to do."""

import json as jsonlib
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from rebuilders.cli.options import JsonOption, NodeArgument

if TYPE_CHECKING:
    from rebuilders.node.ledger import Queued, State


class StateChoice(StrEnum):
    """The values of `--only`."""

    STUCK = "stuck"
    RUNNING = "running"
    QUEUED = "queued"
    DONE = "done"


_SHOWN: Final = ("stuck", "running", "queued")
_ALL: "Final[tuple[State, ...]]" = ("stuck", "running", "queued", "done")


def queue(
    directory: NodeArgument,
    state: Annotated[
        list[StateChoice] | None,
        typer.Option(
            "--only",
            envvar="WHEELWITNESS_ONLY",
            metavar="STATE",
            help="stuck, running, queued or done; may be given more than once. Default: all but done.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option(envvar="WHEELWITNESS_LIMIT", min=1, max=100_000, help="At most so many of each.")
    ] = 20,
    json: JsonOption = False,
) -> None:
    """Say what a node is to rebuild, in its order: why, and by when it should be seen; and what is stuck, and on what.

    \b
    Examples:
      rebuilder queue node
      rebuilder queue node --only stuck --json
    """
    from rebuilders.node.config import NodeDirectory

    node = NodeDirectory(directory)
    ledger = node.ledger(node.load())
    try:
        counts = ledger.counts()
        chosen = [name for name in _ALL if name in (state or _SHOWN)]
        rows = [row for name in chosen for row in ledger.rows(name, limit=limit)]
    finally:
        ledger.close()
    if json:
        told = {name: counts[name] for name in _ALL}
        typer.echo(
            jsonlib.dumps({"schema": "queue/1", "counts": told, "targets": [_told(row) for row in rows]})
        )
        return
    for row in rows:
        typer.echo(_line(row))
    typer.echo(", ".join(f"{counts[name]} {name}" for name in _ALL))


def _told(row: "Queued") -> dict[str, object]:
    from witness.observation import format_time

    return {
        "target": row.target,
        "state": row.state,
        "why": row.why,
        "due": format_time(row.due),
        "notBefore": format_time(row.not_before),
        "failures": row.failures,
        "result": row.result,
        "level": row.level,
        "detail": row.detail,
    }


def _line(row: "Queued") -> str:
    from witness.escape import printable
    from witness.observation import format_time

    words = [f"{row.state:<8}", printable(row.target), f"({row.why})"]
    if row.state == "queued":
        words.append(f"due {format_time(row.due)}")
        if row.failures:
            words.append(f"after {row.failures} failures, not before {format_time(row.not_before)}")
    if row.state == "done":
        words.append(f"{row.result} {row.level}".strip())
    if row.detail and (row.failures or row.state != "queued"):
        words.append(f"- {printable(row.detail)}")
    return " ".join(words)
