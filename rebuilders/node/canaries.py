"""`rebuilder canaries`: what a node keeps back, for its operator alone. Reads no key."""

from collections.abc import Sequence
from typing import Final

from rebuilders.node.config import NodeDirectory
from witness import canaries
from witness.errors import InputError
from witness.escape import printable

_PATIENCE: Final = 60.0  # seconds for a signer at work


def names(directory: NodeDirectory) -> list[str]:
    """The files that are canaries."""
    directory.load()
    return sorted({said.filename for said in canaries.canaries(directory.state)})


def release(directory: NodeDirectory, filenames: Sequence[str]) -> list[str]:
    """Lets canaries go. Raises InputError if one of `filenames` is none, and lets none of them go then."""
    known = names(directory)
    for name in filenames:
        if name not in known:
            raise InputError(
                f"{printable(name)}: no canary of this node", hint="Without --reveal, it lists them."
            )
    return canaries.release(directory.state, filenames, patience=_PATIENCE)
