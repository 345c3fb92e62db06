"""The bounds on everything that comes from elsewhere, in one place, with their units."""

from dataclasses import dataclass
from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

MAX_STATEMENT: Final = 32 * KIB  # DESIGN: a statement's canonical bytes
MAX_ENTRY: Final = 65_535  # tlog-tiles: an entry's length is a 16-bit number
MAX_CHECKPOINT: Final = 64 * KIB
MAX_COMMITMENTS: Final = 64  # in one entry, which comes along with the bundle of each
MAX_BUNDLE: Final = 256 * KIB  # one line of a shard
MAX_SHARD: Final = 32 * MIB  # every bundle that a node holds of one artifact
MAX_REBUILD_BUNDLE: Final = 4 * MIB  # every envelope of one file, by OSS Rebuild
MAX_KEYS: Final = 4 * MIB  # every key event of a witness
MAX_LOOKUP: Final = 32 * MIB  # every bundle of the artifacts whose digests have one prefix
MAX_POLICY: Final = 1 * MIB
MAX_REPORT: Final = 1 * MIB  # what a node tells people of how two wheels differ
MAX_SUMMARY: Final = 16 * MIB  # a consumer's signed summary, some 80 000 files
MAX_TRUST: Final = 1 * MIB  # a trusted root of Sigstore
MAX_HASHED: Final = 512 * MIB  # a wheel that is only hashed, never held in memory


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """What a wheel or an sdist may hold. Bytes, except `members` and `ratio`.

    `total` is what it may unpack to, and `ratio` how many times its own size as soon as that is more than `small`:
    PyPI has refused what goes beyond 50 since it looks at uploads.
    """

    file: int = 256 * MIB
    members: int = 100_000
    member: int = 1 * GIB
    total: int = 4 * GIB
    name: int = 1024
    central: int = 32 * MIB
    ratio: int = 50
    small: int = 64 * MIB

    def unpacked(self, size: int) -> int:
        """What a file of `size` bytes may unpack to."""
        return min(self.total, max(self.small, self.ratio * size))


ARCHIVE: Final = ArchiveLimits()
