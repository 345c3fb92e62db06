"""`poetry.lock`, versions 1.0 and 1.1 (files in `[metadata.files]`), and 2.0 and 2.1 (files in each package).

It tells names and hashes of files, not their addresses. A package without `source` is from PyPI, by Poetry's default.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from packaging.utils import canonicalize_name

from witness.escape import printable
from witness.pins.document import Document, Table
from witness.pins.release import Locked, LockedFile, Release, release_of, sha256_of

VERSIONS: Final = ("1.0", "1.1", "2.0", "2.1")
_ELSEWHERE: Final = {
    "git": "installed from a version control system",
    "directory": "installed from a directory, not from a published file",
    "file": "installed from a path",
    "url": "installed from an address of its own, not from an index",
}


def parse(document: Document) -> Locked:
    """The releases of a lock. Raises InputError."""
    top = document.top
    metadata = top.table("metadata")
    version = metadata.text("lock-version", "") if metadata else ""
    if metadata is None or version not in VERSIONS:
        shown = printable(version) or "none"
        raise top.refuse("metadata.lock-version", f"this program reads {', '.join(VERSIONS)}, not {shown}")
    old = metadata.table("files") if version.startswith("1.") else None
    listed = {} if old is None else _listed(old)
    return Locked(version, tuple(_release(table, listed) for table in top.tables("package")))


def _listed(files: Table) -> dict[str, list[Table]]:
    """The files of each project, which may stand there once: Poetry takes those of one spelling alone."""
    listed: dict[str, list[Table]] = {}
    for name in files.value:
        if canonicalize_name(name) in listed:
            raise files.refuse(printable(name, limit=80), "the same project twice")
        listed[canonicalize_name(name)] = files.tables(name)
    return listed


def _release(table: Table, listed: dict[str, list[Table]]) -> Release:
    source = table.table("source")
    type_ = source.text("type", "") if source else ""
    markers = _markers(table)
    if type_ in _ELSEWHERE:
        return release_of(table, markers=markers, elsewhere=_ELSEWHERE[type_])
    if source is not None and type_ != "legacy":
        raise table.refuse("source.type", f"no such kind of source: {printable(type_, limit=40)}")
    sources = () if source is None else (source.text("url"),)
    found = listed.get(canonicalize_name(table.text("name")), [])
    files: Iterable[Table] = [*table.tables("files"), *found]
    return release_of(table, _files(table, files, sources), markers=markers)


def _markers(table: Table) -> tuple[str, ...]:
    """In 2.1 a string, or a table with one for each group."""
    told = table.value.get("markers")
    if isinstance(told, dict):
        groups = table.table("markers")
        return tuple(groups.text(name) for name in told) if groups else ()
    return (table.text("markers", ""),)


def _files(package: Table, tables: Iterable[Table], sources: tuple[str, ...]) -> Iterator[LockedFile]:
    for table in tables:
        sha256 = sha256_of(package, table.text("hash"))
        yield LockedFile(table.text("file"), sha256, package.at_digest(sha256), sources)
