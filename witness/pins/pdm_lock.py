"""`pdm.lock`, versions 4.x: files by name, or by address where it was locked with `static_urls`.

It tells no index. Without addresses, its packages are taken to come from PyPI (docs/adr/0039-inputs.md).
"""

from collections.abc import Iterator
from typing import Final

from witness.escape import printable
from witness.pins.addresses import last_part
from witness.pins.document import Document, Table
from witness.pins.release import Locked, LockedFile, Release, release_of, sha256_of

MAJOR: Final = "4"
_ELSEWHERE: Final = {
    "git": "installed from a version control system",
    "hg": "installed from a version control system",
    "svn": "installed from a version control system",
    "bzr": "installed from a version control system",
    "path": "installed from a path",
    "url": "installed from an address of its own, not from an index",
}


def parse(document: Document) -> Locked:
    """The releases of a lock. Raises InputError."""
    top = document.top
    metadata = top.table("metadata")
    version = metadata.text("lock_version", "") if metadata else ""
    if version.split(".")[0] != MAJOR:
        shown = printable(version) or "none"
        raise top.refuse("metadata.lock_version", f"this program reads {MAJOR}.x, not {shown}")
    return Locked(version, tuple(map(_release, top.tables("package"))))


def _release(table: Table) -> Release:
    markers = (table.text("marker", ""),)
    for key, reason in _ELSEWHERE.items():
        if key in table.value:
            return release_of(table, markers=markers, elsewhere=reason)
    return release_of(table, _files(table), markers=markers)


def _files(package: Table) -> Iterator[LockedFile]:
    for table in package.tables("files"):
        url = table.text("url", "")
        name = last_part(url) if url else table.text("file")
        sha256 = sha256_of(package, table.text("hash"))
        yield LockedFile(name, sha256, package.at_digest(sha256), (url,) if url else ())
