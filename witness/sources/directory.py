"""A node's files in a local directory: a mirror, a snapshot, or a node on the same machine."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from witness.bundle import shard_path
from witness.digest import parse_sha256
from witness.errors import FetchFailed, NotFound
from witness.escape import printable
from witness.keyevent import PATH
from witness.limits import KIB, MAX_KEYS, MAX_SHARD
from witness.sources.interface import split_events, split_lines

_MOST: Final = 64 * KIB  # most shards are smaller


@dataclass(frozen=True, slots=True)
class DirectorySource:
    """An `ObservationSource` and `KeyEventSource` over a node's directory.

    A root that is not there is a node that cannot be reached.
    """

    root: Path

    def lines(self, sha256: str) -> tuple[bytes, ...]:
        what, shard = self._read(shard_path(parse_sha256(sha256)), MAX_SHARD)
        return _some(split_lines(shard, what=what), what)

    def key_events(self) -> tuple[bytes, ...]:
        what, data = self._read(PATH, MAX_KEYS)
        return _some(split_events(data, what=what), what)

    def _read(self, name: str, limit: int) -> tuple[str, bytes]:
        """The file's name for messages, and up to a byte more than `limit` of it."""
        what = f"{self.root}/{name}"
        try:
            # Most witnesses have most files not: no more than this one call is made for those.
            with open(what, "rb") as file:  # noqa: PTH123
                data = file.read(_MOST)
                # A buffer of all that is allowed costs more than the reading of what most files are.
                return printable(what), data if len(data) < _MOST else data + file.read(limit + 1 - _MOST)
        except FileNotFoundError:
            if not self.root.is_dir():
                raise FetchFailed(f"{printable(str(self.root))}: no such directory") from None
            raise NotFound(f"{printable(what)}: no such file") from None
        except OSError as error:
            raise FetchFailed(f"{printable(what)}: {error.strerror}") from None


def _some(lines: tuple[bytes, ...], what: str) -> tuple[bytes, ...]:
    if not lines:
        raise NotFound(f"{what}: empty")
    return lines
