"""`Pipfile.lock`, `pipfile-spec` 6: hashes without names of files, in `default`, `develop` and other categories."""

from collections.abc import Iterator
from typing import Final

from witness.escape import printable
from witness.pins.document import MAX_ENTRIES, Document, Table
from witness.pins.release import Locked, LockedFile, Release, release_of, sha256_of

VERSION: Final = 6
_META: Final = "_meta"
_ELSEWHERE: Final = {
    "git": "installed from a version control system",
    "hg": "installed from a version control system",
    "svn": "installed from a version control system",
    "bzr": "installed from a version control system",
    "path": "installed from a path",
    "file": "installed from a path or URL",
}
_EDITABLE: Final = "installed from a checkout (editable), not from a published file"


def parse(document: Document) -> Locked:
    """The releases of a lock. Raises InputError."""
    top = document.top
    meta = top.table(_META)
    version = meta.integer("pipfile-spec", 0) if meta else 0
    if meta is None or version != VERSION:
        raise top.refuse(f"{_META}.pipfile-spec", f"this program reads {VERSION}, not {version}")
    indexes = {source.text("name", ""): source.text("url") for source in meta.tables("sources")}
    releases = [
        release for section in top.value if section != _META for release in _section(top, section, indexes)
    ]
    return Locked(str(version), tuple(releases))


def _section(top: Table, section: str, indexes: dict[str, str]) -> Iterator[Release]:
    table = top.table(section)
    if table is None:
        return
    if len(table.value) > MAX_ENTRIES:
        raise table.refuse("", f"more than the {MAX_ENTRIES} entries allowed")
    place = Table(top.document, top.value, top.at_key(section), "")
    for name in table.value:
        found = place.at_key(name)
        place = Table(top.document, top.value, found, "")  # each is looked for after the one before
        entry = table.table(name)
        if entry is None:
            raise place.refuse(f"{section}.{name}", "not an object")
        yield _release(Table(top.document, {**entry.value, "name": name}, found, entry.path), indexes)


def _release(table: Table, indexes: dict[str, str]) -> Release:
    markers = (table.text("markers", ""),)
    version = table.text("version", "")
    pinned = Table(table.document, {**table.value, "version": version.lstrip("=")}, table.origin, table.path)
    for key, reason in _ELSEWHERE.items():
        if table.text(key, ""):  # pipenv takes an empty one for none
            told = _EDITABLE if table.value.get("editable") is True else reason
            return release_of(pinned, markers=markers, elsewhere=told)
    if not version.startswith("=="):
        told = printable(version, limit=80) or "none"
        raise table.refuse("version", f"not one version (==): {told}")
    return release_of(pinned, _files(table, _sources(table, indexes)), markers=markers)


def _sources(table: Table, indexes: dict[str, str]) -> tuple[str, ...]:
    """The index that the entry names, or else all, since pipenv may take it from any."""
    if "index" not in table.value:
        return tuple(indexes.values())
    name = table.text("index")
    if name not in indexes:
        raise table.refuse("index", f"no such source: {printable(name, limit=80)}")
    return (indexes[name],)


def _files(table: Table, sources: tuple[str, ...]) -> Iterator[LockedFile]:
    for told in table.texts("hashes"):
        sha256 = sha256_of(table, told)
        yield LockedFile("", sha256, table.origin, sources)
