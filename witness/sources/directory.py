"""A node's files in a local directory: a mirror, a snapshot, or a node on the same machine."""

from dataclasses import dataclass
from pathlib import Path

from witness.bundle import shard_path
from witness.digest import parse_sha256
from witness.errors import FetchFailed, NotFound
from witness.escape import printable
from witness.limits import MAX_SHARD
from witness.sources.interface import split_lines


@dataclass(frozen=True, slots=True)
class DirectorySource:
    """An `ObservationSource` over a node's directory. A root that is not there is a node that cannot be reached."""

    root: Path

    def lines(self, sha256: str) -> tuple[bytes, ...]:
        path = self.root / shard_path(parse_sha256(sha256))
        what = printable(str(path))
        if not self.root.is_dir():
            raise FetchFailed(f"{printable(str(self.root))}: no such directory")
        try:
            with path.open("rb") as file:
                shard = file.read(MAX_SHARD + 1)
        except FileNotFoundError:
            raise NotFound(f"{what}: no such file") from None
        except OSError as error:
            raise FetchFailed(f"{what}: {error.strerror}") from None
        lines = split_lines(shard, what=what)
        if not lines:
            raise NotFound(f"{what}: empty")
        return lines
