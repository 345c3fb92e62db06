"""A wheel in memory: its members with their digests, and its `.dist-info`.

Every byte of content is read once, so that what is declared (sizes, CRC-32) is also true.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property

from witness.digest import sha256_hex
from witness.errors import Malformed
from witness.limits import ARCHIVE, MIB, ArchiveLimits
from witness.wheel.archive import Archive, read_archive
from witness.wheel.entry import Entry, Finding
from witness.wheel.manifest import Member, dist_info_digest, payload_digest, record_digest
from witness.wheel.paths import install_findings

_MAX_TEXT = 16 * MIB  # METADATA with a whole manual in it stays far below


@dataclass(frozen=True)
class Wheel:
    """A wheel that could be read. `members` are its files by path; directories hold nothing of their own."""

    archive: Archive
    members: dict[str, Member]
    dist_info: str

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Why another reader or installer might see something else; empty for an honest wheel."""
        return (*self.archive.findings, *install_findings(self.members, self.dist_info))

    @cached_property
    def sha256(self) -> str:
        return sha256_hex(self.archive.data)

    @cached_property
    def payload_digest(self) -> str:
        return payload_digest(self.members.values(), self.dist_info)

    @cached_property
    def dist_info_digest(self) -> str:
        return dist_info_digest(self.members.values(), self.dist_info)

    @cached_property
    def record_digest(self) -> str:
        return record_digest(self.members.values(), self.dist_info)

    @cached_property
    def entries(self) -> dict[str, Entry]:
        return {entry.name: entry for entry in self.archive.entries}

    def read(self, path: str, *, limit: int = _MAX_TEXT) -> bytes:
        """The content of the member at `path`. Raises Malformed if it is absent or larger than `limit`."""
        entry = self.entries.get(path)
        if entry is None or entry.is_dir:
            raise Malformed(f"the wheel has no {path!r}")
        if entry.size > limit:
            raise Malformed(f"{path!r} has {entry.size} bytes, more than the {limit} allowed")
        return b"".join(self.archive.inflate(entry))


def read_wheel(data: bytes, limits: ArchiveLimits = ARCHIVE) -> Wheel:
    """Reads the wheel `data` completely.

    Raises:
        Malformed: not a ZIP file, damaged, beyond a limit, or without exactly one `.dist-info`.
    """
    archive = read_archive(data, limits)
    members = {entry.name: _member(archive, entry, limits) for entry in archive.entries if not entry.is_dir}
    return Wheel(archive, members, _dist_info(members))


def _member(archive: Archive, entry: Entry, limits: ArchiveLimits) -> Member:
    if entry.size > limits.member:
        raise Malformed(f"{entry.name!r} has {entry.size} bytes, more than the {limits.member} allowed")
    state = hashlib.sha256()
    for chunk in archive.inflate(entry):
        state.update(chunk)
    return Member(entry.name, entry.executable, entry.size, state.hexdigest())


def _dist_info(members: dict[str, Member]) -> str:
    found = {path.split("/", 1)[0] for path in members if ".dist-info/" in path}
    found = {name for name in found if name.endswith(".dist-info")}
    if len(found) != 1:
        raise Malformed(f"a wheel with {len(found)} .dist-info directories instead of one")
    return found.pop()
