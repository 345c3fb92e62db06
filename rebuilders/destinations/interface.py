"""The seam for what a site is copied to: files by path, each whole or not there at all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from witness.limits import MIB

MAX_FILE: Final = 64 * MIB  # bytes of one file; the largest that a node writes have 32 MiB
MAX_AT_ONCE: Final = 32 * MIB  # bytes that are sent in one call, unless a single file has more


@dataclass(frozen=True, slots=True)
class Item:
    """A file to be sent: its path in the site, which `witness.store.interface.check_path` allows, and its bytes."""

    path: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Held:
    """A file that is there. `fingerprint` is what `Destination.fingerprint` gives for its bytes, or empty if that
    cannot be said without reading them over a network.
    """

    path: str
    fingerprint: str


class Destination(Protocol):
    """A place that is served to readers.

    Every method raises `Incomplete` when the disk, the network or the service fails, and `InputError` for what the
    operator has to mend. Whatever interrupts it, a file is as it was before or as it was to be.
    """

    at_once: int
    """How many files are worth sending in one call."""

    def get(self, path: str, *, limit: int) -> bytes:
        """The file's bytes as a site has them.

        Raises:
            NotFound: there is none.
            FetchFailed: it has more than `limit` bytes.
        """

    def held(self) -> Iterator[Held]:
        """Every file whose path is one of a site, in any order. Costs a listing."""

    def fingerprint(self, item: Item) -> str:
        """What the listing says of a file with these bytes."""

    def send(self, items: Sequence[Item]) -> None:
        """Puts the files there, in any order, in place of any before. When it returns, they last; when it raises, some
        may be there.
        """

    def delete(self, paths: Sequence[str]) -> None:
        """Removes files. Those that are not there are no error."""

    def tidy(self) -> None:
        """Removes what an interrupted `send` may have left behind beside the files."""

    def close(self) -> None:
        """Lets go of connections."""
