"""One package of a lock file, whatever wrote it, and the pins that it makes. Pure.

A lock names all files of a release. Each wheel is a pin of its own, since each may be what is installed. An sdist
beside wheels is left out with a note: it is installed where no wheel fits, and then built on the spot, of which no
witness can speak. An sdist alone is `not-applicable` for the same reason.

Where files have no names (Pipfile.lock, some SBOMs), all hashes make one pin, as a line of a requirements file does
(witness.pinned).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from witness.digest import SHA256_HEX
from witness.errors import InputError, Malformed
from witness.escape import printable
from witness.names import PROJECT, WheelName
from witness.pins.document import MAX_ENTRIES, Table
from witness.pins.pin import Origin, Pin, Pins, Unpinned
from witness.pins.target import Target

_SDISTS: Final = (".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz", ".tar.Z", ".tar")
_NO_DIGEST: Final = "no sha256: lock it anew with an index that gives one"


@dataclass(frozen=True, slots=True)
class LockedFile:
    """One file of a release. `filename` is empty where it is not told, and `sha256` where there is none of it.

    `sources` are the addresses of the indexes that it may come from, or its own, empty where none is told.
    """

    filename: str
    sha256: str
    origin: Origin
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """A package of a lock. `elsewhere` says why it is of no published file, and is empty if it is of one.

    It applies where any of `markers` holds, or everywhere if there are none.
    """

    project: str
    version: str
    origin: Origin
    files: tuple[LockedFile, ...] = ()
    markers: tuple[str, ...] = ()
    elsewhere: str = ""

    def __str__(self) -> str:
        return f"{self.project}=={self.version}" if self.version else self.project


@dataclass(frozen=True, slots=True)
class Locked:
    """What a parser makes of a document: the version of its schema, its releases, and notes on what it left out."""

    version: str
    releases: tuple[Release, ...]
    notes: tuple[str, ...] = ()


def release_of(
    table: Table,
    files: Iterable[LockedFile] = (),
    *,
    markers: Iterable[str] = (),
    elsewhere: str = "",
) -> Release:
    """The release that `name` and `version` in `table` name. Raises InputError if they do not."""
    name = table.text("name")
    if not PROJECT.fullmatch(name):
        raise table.refuse("name", f"not a project's name: {printable(name, limit=80)}")
    version = table.text("version", "")
    if version and not elsewhere:
        version = version_of(table, version)
    elif not elsewhere:
        raise table.refuse("version", "missing")
    kept = tuple(item for item in markers if item)
    return Release(
        canonicalize_name(name), printable(version, limit=80), table.origin, tuple(files), kept, elsewhere
    )


def version_of(table: Table, text: str) -> str:
    """`text` as a normal version. Raises InputError."""
    try:
        return str(Version(text))
    except InvalidVersion:
        raise table.refuse("version", f"not a version: {printable(text, limit=80)}") from None


def sha256_of(table: Table, text: str) -> str:
    """The digest in `sha256:<hex>`; empty if it is of another algorithm. Raises InputError if it is none."""
    algorithm, separator, value = text.partition(":")
    if not separator or not algorithm:
        raise table.refuse("hash", f"not a hash with its algorithm: {printable(text, limit=80)}")
    return digest_of(table, value) if algorithm == "sha256" else ""


def digest_of(table: Table, value: str) -> str:
    """`value`, if it is a SHA-256 in lower-case hex. Raises InputError with its line."""
    if not SHA256_HEX.fullmatch(value):
        place = table.at(value[:80]) if value else table.origin
        shown = printable(value, limit=80)
        problem = f"not a SHA-256 digest in lower-case hex: {shown}"
        raise table.document.refuse(problem, place.line)
    return value


def pins_of(locked: Locked, target: Target | None) -> Pins:
    """The pins of all releases: for every environment, or for `target` alone.

    Raises:
        InputError: a file is not of its package, a marker is none, or there are too many files.
    """
    if sum(len(release.files) for release in locked.releases) > MAX_ENTRIES:
        first = locked.releases[0].origin.file
        raise InputError(f"{printable(first)}: more than the {MAX_ENTRIES} files that a lock may have")
    made = [_of(release, target) for release in locked.releases]
    return Pins(
        pins=tuple(pin for part in made for pin in part.pins),
        unpinned=tuple(entry for part in made for entry in part.unpinned),
        notes=(*locked.notes, *(note for part in made for note in part.notes)),
    )


def _of(release: Release, target: Target | None) -> Pins:
    if target is not None and not _applies(release, target):
        return Pins(notes=(f"{release.origin}: left out, its marker excludes {target}: {release}",))
    if release.elsewhere:
        return Pins(unpinned=(_na(release, str(release), release.elsewhere),))
    if not release.files:
        return Pins(unpinned=(_error(release, _NO_DIGEST),))
    named = [file for file in release.files if file.filename]
    return _named(release, named, target) + _nameless(
        release, [file for file in release.files if not file.filename]
    )


def _nameless(release: Release, files: list[LockedFile]) -> Pins:
    if not files:
        return Pins()
    digests = frozenset(file.sha256 for file in files if file.sha256)
    if not digests:
        return Pins(unpinned=(_error(release, _NO_DIGEST),))
    sources = tuple(dict.fromkeys(source for file in files for source in file.sources))
    return Pins((Pin(release.project, release.version, digests, files[0].origin, sources=sources),))


def _named(release: Release, files: list[LockedFile], target: Target | None) -> Pins:
    wheels = {file: _wheel_name(release, file) for file in files if file.filename.endswith(".whl")}
    others = [file for file in files if file not in wheels]
    fitting = [file for file, name in wheels.items() if target is None or target.takes(name)]
    notes = []
    if fitting:
        notes += [f"{file.origin}: left out, not a wheel: {file.filename}" for file in others]
    if left := len(wheels) - len(fitting):
        wheels_are = "wheel that is" if left == 1 else "wheels that are"
        notes.append(f"{release.origin}: left out of {release}: {left} {wheels_are} not for {target}")
    pins = [pin for file in fitting if isinstance(pin := _pin(release, file), Pin)]
    unpinned = [entry for file in fitting if isinstance(entry := _pin(release, file), Unpinned)]
    if not fitting:
        unpinned += list(_without_wheels(release, others, target if wheels else None))
    return Pins(tuple(pins), tuple(unpinned), tuple(map(printable, notes)))


def _without_wheels(release: Release, others: list[LockedFile], target: Target | None) -> Iterator[Unpinned]:
    """What is said of a release of which no wheel can be installed, because there is none, or none for `target`."""
    if not others and target is not None:
        yield _error(release, f"none of its wheels is for {target}")
    for file in others:
        if file.filename.endswith(_SDISTS):
            reason = "an sdist: built where it is installed, so that no witness can speak of the result"
        else:
            reason = "not a wheel"
        yield Unpinned(printable(file.filename, limit=120), "not-applicable", reason, file.origin)


def _pin(release: Release, file: LockedFile) -> Pin | Unpinned:
    if not file.sha256:
        return Unpinned(printable(file.filename, limit=120), "error", _NO_DIGEST, file.origin)
    return Pin(
        project=release.project,
        version=release.version,
        sha256=frozenset({file.sha256}),
        origin=file.origin,
        filename=file.filename,
        sources=file.sources,
    )


def _wheel_name(release: Release, file: LockedFile) -> WheelName:
    try:
        name = WheelName.parse(file.filename)
    except Malformed as error:
        raise InputError(f"{printable(str(file.origin))}: {printable(str(error))}") from None
    if name.project != release.project or str(name.version) != release.version:
        raise InputError(
            f"{printable(str(file.origin))}: {name.filename} is not a wheel of {release}",
            hint="Make the lock anew; a file of another package would be installed in its name.",
        )
    return name


def _applies(release: Release, target: Target) -> bool:
    try:
        markers = [Marker(text) for text in release.markers]
        return not markers or any(target.meets(marker) for marker in markers)
    except (
        InvalidMarker,
        UndefinedComparison,
        UndefinedEnvironmentName,
        InvalidVersion,
        RecursionError,  # of nested brackets
    ) as error:
        problem = printable(str(error), limit=200)
        raise InputError(
            f"{printable(str(release.origin))}: its marker cannot be evaluated: {problem}"
        ) from None


def _na(release: Release, text: str, reason: str) -> Unpinned:
    return Unpinned(text, "not-applicable", reason, release.origin)


def _error(release: Release, reason: str) -> Unpinned:
    return Unpinned(str(release), "error", reason, release.origin)
