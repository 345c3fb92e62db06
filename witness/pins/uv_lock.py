"""`uv.lock`, version 1 of its schema, in any revision: a revision adds only what older programs may pass over."""

from collections.abc import Iterator
from typing import Final

from witness.escape import printable
from witness.pins.addresses import last_part
from witness.pins.document import Document, Table
from witness.pins.release import Locked, LockedFile, Release, release_of, sha256_of

VERSION: Final = 1
_ELSEWHERE: Final = {
    "git": "installed from a version control system",
    "path": "installed from a path",
    "directory": "installed from a directory, not from a published file",
    "editable": "installed from a checkout (editable), not from a published file",
}


def parse(document: Document) -> Locked:
    """The releases of a lock, without the project itself. Raises InputError."""
    top = document.top
    version, revision = top.integer("version"), top.integer("revision", 0)
    if version != VERSION:
        raise top.refuse("version", f"this program reads version {VERSION}, not {version}")
    told = f"{version} (revision {revision})" if revision else str(version)
    releases = [release for table in top.tables("package") if (release := _release(table)) is not None]
    return Locked(told, tuple(releases))


def _release(table: Table) -> Release | None:
    source = table.table("source")
    kinds = set() if source is None else set(source.value) - {"subdirectory"}
    if source is None or not kinds:
        raise table.refuse("source", "missing, or empty")
    if len(kinds) > 1:  # uv would take one of them, and we another
        raise table.refuse("source", f"several at once: {printable(', '.join(sorted(kinds)), limit=80)}")
    markers = table.texts("resolution-markers")
    if "virtual" in source.value:
        return None  # the project itself: nothing of it is installed
    for key, reason in _ELSEWHERE.items():
        if key in source.value:
            return release_of(table, markers=markers, elsewhere=reason)
    address = source.text("url" if "url" in source.value else "registry")
    return release_of(table, _files(table, address), markers=markers)


def _files(table: Table, address: str) -> Iterator[LockedFile]:
    if sdist := table.table("sdist"):
        yield _file(sdist, address)
    for wheel in table.tables("wheels"):
        file = _file(wheel, address)
        if not file.filename.endswith(".whl"):  # it would be left out, as an sdist
            name = printable(file.filename, limit=120) or "a file without a name"
            raise table.document.refuse(f"among wheels, and not a wheel: {name}", file.origin.line)
        yield file


def _file(table: Table, address: str) -> LockedFile:
    place = table.text("url", "") or table.text("path", "")
    name = last_part(place) if place else table.text("filename", "") or last_part(address)
    told = table.text("hash", "")
    sha256 = sha256_of(table, told) if told else ""
    return LockedFile(name, sha256, table.at_digest(sha256), (address,))
