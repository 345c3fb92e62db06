"""`pylock.toml` (PEP 751), version 1.0. packaging checks its structure; algorithms and digests are checked here."""

from collections.abc import Iterator
from typing import Final

from witness.errors import Malformed
from witness.escape import printable
from witness.names import WheelName
from witness.pins.addresses import last_part
from witness.pins.document import Document, Table
from witness.pins.release import Locked, LockedFile, Release, digest_of, release_of

VERSIONS: Final = ("1.0",)


def parse(document: Document) -> Locked:
    """The releases of a lock. Raises InputError."""
    from packaging.pylock import Pylock, PylockValidationError

    top = document.top
    version = top.text("lock-version")
    if version not in VERSIONS:
        raise top.refuse("lock-version", f"this program reads {VERSIONS[0]}, not {printable(version)}")
    try:
        Pylock.from_dict(top.value)
    except PylockValidationError as error:
        raise document.refuse(printable(str(error), limit=200)) from None
    return Locked(version, tuple(map(_release, top.tables("packages"))))


def _release(table: Table) -> Release:
    markers = (table.text("marker", ""),)
    for key, reason in (
        ("vcs", "installed from a version control system"),
        ("directory", "installed from a directory, not from a published file"),
    ):
        if key in table.value:
            return release_of(table, markers=markers, elsewhere=reason)
    index = table.text("index", "")
    if archive := table.table("archive"):
        if "path" in archive.value:
            return release_of(table, markers=markers, elsewhere="installed from a path")
        return release_of(table, [_file(archive, "")], markers=markers)
    return release_of(table, _files(table, index), markers=markers)


def _files(table: Table, index: str) -> Iterator[LockedFile]:
    if sdist := table.table("sdist"):
        yield _file(sdist, index)
    for wheel in table.tables("wheels"):
        yield _file(wheel, index)


def _file(table: Table, index: str) -> LockedFile:
    url, path = table.text("url", ""), table.text("path", "")
    name = _name(table.text("name", ""), last_part(url or path))
    hashes = table.table("hashes")
    told = "" if hashes is None else hashes.text("sha256", "")
    sha256 = digest_of(table, told) if told else ""
    source = index or url or path
    return LockedFile(name, sha256, table.at_digest(sha256), (source,))


def _name(told: str, published: str) -> str:
    """The name under which a file was published: uv normalises the one that it tells, and leaves the address alone."""
    if not told or told == published:
        return published
    try:
        same = WheelName.parse(told).agrees_with(WheelName.parse(published))
    except Malformed:
        return told
    return published if same else told
