"""Whether wheels are fit to be installed: the installer, although inside the sandbox, writes to a disk."""

from typing import Final

from rebuilders.errors import NotBuilt
from witness.errors import Malformed
from witness.escape import printable
from witness.limits import GIB
from witness.wheel.archive import Archive, read_archive

_MAX_UNPACKED: Final = 2 * GIB
_REFUSED: Final = frozenset({"unsafe-name", "overlapping-members", "special-file"})


def check(wheels: dict[str, bytes]) -> None:
    """Each wheel, by its name, is what its directory of members says, and together they fit. Raises NotBuilt."""
    total = 0
    for name, data in wheels.items():
        try:
            archive = read_archive(data)
            total += sum(entry.size for entry in archive.entries)
            if total <= _MAX_UNPACKED:
                _check_members(archive)
        except Malformed as error:
            raise _unfit(f"{name}: {error}", "malformed-requirement") from None
        if total > _MAX_UNPACKED:
            raise _unfit(
                f"{name}: with the others it unpacks to more than {_MAX_UNPACKED} bytes", "size-limit"
            )


def _check_members(archive: Archive) -> None:
    for finding in archive.findings:
        if finding.kind in _REFUSED:
            raise Malformed(f"{finding.kind} {printable(finding.path)}")
    for entry in archive.entries:
        for _ in archive.inflate(entry):  # raises where it is more than it says
            pass


def _unfit(message: str, cause: str) -> NotBuilt:
    return NotBuilt(message, result="build-failed", phase="install", cause=cause)
