"""What a wheel holds, as canonical text, and the digests that nodes with another zlib or clock agree on.

A manifest is one line a member in the byte order of the paths: `x` or `-` for the exec bit, the size in bytes,
the SHA-256, the path. Paths hold no line feed, because a wheel with such a name has no manifest that counts
(witness.wheel.archive refuses it as a finding). The first line names the format, so that no digest of one kind can
pass for another.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

SIGNATURES: Final = ("RECORD.jws", "RECORD.p7s")


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a wheel: `size` in bytes, `sha256` of its content."""

    path: str
    executable: bool
    size: int
    sha256: str


def payload_digest(members: Iterable[Member], dist_info: str) -> str:
    """The digest of everything outside the directory `dist_info`."""
    payload = (member for member in members if not _inside(member, dist_info))
    return _digest("wheelwitness-payload-v1", payload)


def dist_info_digest(members: Iterable[Member], dist_info: str) -> str:
    """The digest of everything inside the directory `dist_info`, RECORD and signatures included."""
    inside = (member for member in members if _inside(member, dist_info))
    return _digest("wheelwitness-dist-info-v1", inside)


def record_digest(members: Iterable[Member], dist_info: str) -> str:
    """The digest of what RECORD lists with a hash: recomputable from an installed environment.

    No exec bits, since file systems may not keep them; `.data` paths stay as they are in the wheel.
    """
    apart = {f"{dist_info}/{name}" for name in ("RECORD", *SIGNATURES)}
    listed = sorted((m for m in members if m.path not in apart), key=_path_bytes)
    lines = (f"{member.size} {member.sha256} {member.path}\n" for member in listed)
    return _hash("wheelwitness-record-v1", lines)


def _digest(title: str, members: Iterable[Member]) -> str:
    return _hash(
        title,
        (
            f"{'x' if member.executable else '-'} {member.size} {member.sha256} {member.path}\n"
            for member in sorted(members, key=_path_bytes)
        ),
    )


def _hash(title: str, lines: Iterable[str]) -> str:
    state = hashlib.sha256(f"{title}\n".encode())
    for line in lines:
        state.update(line.encode())
    return state.hexdigest()


def _path_bytes(member: Member) -> bytes:
    return member.path.encode()


def _inside(member: Member, dist_info: str) -> bool:
    return member.path.startswith(f"{dist_info}/")
