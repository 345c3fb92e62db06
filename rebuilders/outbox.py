"""Where unsigned observations wait for the signer: one file each, named by its SHA-256, whole or absent.

The process that builds writes here, and holds no key; another process takes from here, and runs nothing of a build.
"""

from dataclasses import dataclass
from pathlib import Path

from witness.digest import sha256_hex
from witness.store.directory import DirectoryStore


@dataclass(frozen=True, slots=True)
class Outbox:
    """The directory `root`, which must exist."""

    root: Path

    def put(self, data: bytes) -> str:
        """Writes an encoded statement, flushed to disk, and returns its digest. Raises Incomplete if it cannot."""
        digest = sha256_hex(data)
        DirectoryStore(self.root).put(f"{digest}.json", data)
        return digest

    def waiting(self) -> int:
        """How many observations have not been taken yet."""
        return sum(1 for path in self.root.glob("*.json") if len(path.stem) == 64)
