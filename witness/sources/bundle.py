"""Bundles in files that the user has at hand: for machines without a network, and for handing evidence around.

Such a file is a shard of any mixture: bundles of several witnesses about several artifacts, and of their key events,
one per line. They are told apart by what they claim (the log's origin, the statement's subject); whether that is true
is for verification.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from witness import keyevent, note, statement
from witness.bundle import Bundle
from witness.digest import parse_sha256
from witness.entry import statement_in
from witness.errors import FetchFailed, InputError, Malformed, NotFound
from witness.escape import printable
from witness.limits import MAX_SHARD
from witness.sources.interface import parsed, split_lines
from witness.tlog.checkpoint import Checkpoint

Index = Mapping[tuple[str, str], tuple[bytes, ...]]
_EVENTS: Final = ""  # in place of an artifact's digest


@dataclass(frozen=True, slots=True)
class BundleSource:
    """An `ObservationSource` and `KeyEventSource` over those lines of files that claim to be of the log `origin`."""

    index: Index
    origin: str

    def lines(self, sha256: str) -> tuple[bytes, ...]:
        found = self.index.get((self.origin, parse_sha256(sha256)), ())
        if not found:
            raise NotFound(f"no bundle of the log {printable(self.origin)} about it was given")
        return found

    def key_events(self) -> tuple[bytes, ...]:
        found = self.index.get((self.origin, _EVENTS), ())
        if not found:
            raise NotFound(f"no key event of the log {printable(self.origin)} was given")
        return found


def read_bundles(paths: Iterable[Path]) -> Index:
    """The lines of the files at `paths`, by log origin and artifact.

    Raises:
        InputError: a file cannot be read, or holds a line that is not a bundle around a statement or a key event.
    """
    index: dict[tuple[str, str], list[bytes]] = {}
    for path in paths:
        shown = printable(str(path))
        try:
            with path.open("rb") as file:
                lines = split_lines(file.read(MAX_SHARD + 1), what=shown)
        except OSError as error:
            raise InputError(f"{shown}: {error.strerror}") from None
        except ValueError:  # NUL
            raise InputError(f"{shown}: no name of a file") from None
        except FetchFailed as error:
            raise InputError(str(error)) from None
        for number, line in enumerate(lines, 1):
            try:
                read = parsed(line)
                index.setdefault(_claims(read.bundle), []).append(read)
            except Malformed as error:
                raise InputError(f"{shown}: bundle {number}: {error}", hint="Get the file again.") from None
    return {key: tuple(lines) for key, lines in index.items()}


def _claims(claimed: Bundle) -> tuple[str, str]:
    if keyevent.is_event(claimed.entry):
        keyevent.read(claimed.entry)
        subject = _EVENTS
    else:
        subject = statement.parse(statement_in(claimed.entry)).sha256
    return _origin(claimed.proof.checkpoint), subject


# Bundles of one batch have the same checkpoint.
@lru_cache(maxsize=64)
def _origin(checkpoint: bytes) -> str:
    return Checkpoint.parse(note.parse(checkpoint).text).origin
