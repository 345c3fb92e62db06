"""What a node keeps hidden as canaries: mismatches that it has committed to, and reveals later than the rest."""

from collections.abc import Collection
from pathlib import Path

from witness import statement
from witness.log.hidden import Hidden
from witness.log.writer import exclusive
from witness.statement import Statement


def canaries(state: Path) -> list[Statement]:
    """Those in the node's state directory. Raises `Incomplete` if it cannot be read."""
    return [statement.parse(item.statement) for item in Hidden(state / "hidden").waiting() if item.held]


def release(state: Path, filenames: Collection[str], *, patience: float) -> list[str]:
    """Lets those of these files go, to be revealed at the next chance; returns their names.

    Raises:
        Incomplete: another process writes to the node's log for longer than `patience` seconds.
    """
    hidden, released = Hidden(state / "hidden"), []
    with exclusive(state, patience=patience):
        for item in hidden.waiting():
            name = statement.parse(item.statement).filename
            if item.held and name in filenames:
                hidden.release(item.name)
                released.append(name)
    return released
