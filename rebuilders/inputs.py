"""The two published files that a rebuild begins with: from an index, or from disk."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from packaging.version import Version

from rebuilders.errors import NotBuilt
from rebuilders.index.interface import IndexFile, IndexSource, Project
from witness.digest import sha256_hex
from witness.errors import InputError, Malformed, NotFound
from witness.escape import printable
from witness.limits import ARCHIVE
from witness.names import SdistName, TargetName, WheelName


@dataclass(frozen=True, slots=True)
class Source:
    """An sdist's name and bytes."""

    filename: str
    data: bytes = field(repr=False)
    sha256: str


@dataclass(frozen=True, slots=True)
class Target:
    """A published wheel: what the index says of it, and its bytes. `sdist` is None where there is none."""

    name: WheelName
    sha256: str
    data: bytes = field(repr=False)
    sdist: Source | None
    uploaded: datetime | None = None
    serial: int | None = None
    yanked: bool = False


def from_index(target: TargetName, index: IndexSource) -> Target:
    """The files of `target` and its release's sdist.

    Raises:
        NotBuilt: not-attempted, because the index has no such thing.
        FetchFailed: the index could not be asked, or lies about a hash.
    """
    try:
        project = index.project(target.project)
    except NotFound as error:
        raise _absent(str(error), "no-such-project") from None
    if project.status == "quarantined":
        raise _absent(f"{target.project}: the index has quarantined the project", "quarantined")
    wheel = _wheel(target, project)
    sdist = project.sdist(target.version)
    with ThreadPoolExecutor(max_workers=2) as pool:
        other = pool.submit(index.fetch, sdist) if sdist else None
        data = index.fetch(wheel)
        source = Source(sdist.filename, other.result(), sdist.sha256) if sdist and other else None
    return Target(
        WheelName.parse(wheel.filename),
        wheel.sha256,
        data,
        source,
        uploaded=wheel.upload_time,
        serial=project.serial,
        yanked=wheel.yanked,
    )


def _wheel(target: TargetName, project: Project) -> IndexFile:
    if target.wheel is not None:
        found = project.file(target.wheel.filename)
        if found is None:
            raise _absent(f"the index has no file {target.wheel.filename}", "no-such-file")
        return found
    wheels = project.wheels(target.version)
    if not wheels:
        known = any(target.version == _version(file.filename) for file in project.files)
        if not known:
            raise _absent(f"the index has no release {target}", "no-such-version")
        raise _absent(f"the release {target} has no wheel", "no-wheel")
    return wheels[0]


def from_files(wheel: Path, sdist: Path) -> Target:
    """A local wheel and sdist. Raises InputError if they are not files of the same release."""
    try:
        name, source = WheelName.parse(wheel.name), SdistName.parse(sdist.name)
    except Malformed as error:
        raise InputError(str(error), hint="Name local files as an index would.") from None
    if (name.project, name.version) != (source.project, source.version):
        raise InputError(f"{wheel.name} and {sdist.name} are not of the same release")
    data, other = read_local(wheel), read_local(sdist)
    return Target(name, sha256_hex(data), data, Source(sdist.name, other, sha256_hex(other)))


@dataclass(frozen=True, slots=True)
class LocalPair:
    """A wheel and an sdist on disk, of the same release by their names."""

    wheel: Path
    sdist: Path


def local_pairs(directory: Path) -> tuple[list[LocalPair], list[Path]]:
    """The wheels of `directory`, each with the sdist of its release; and the wheels whose sdist is not there.

    Raises InputError if the directory cannot be read. Files that are neither are passed over.
    """
    wheels: dict[Path, tuple[str, Version]] = {}
    sdists: dict[tuple[str, Version], Path] = {}
    try:
        paths = sorted(directory.iterdir())
    except OSError as error:
        raise InputError(f"{directory}: {error.strerror}") from None
    for path in paths:
        try:
            if path.name.endswith(".whl"):
                wheel = WheelName.parse(path.name)
                wheels[path] = (wheel.project, wheel.version)
            else:
                sdist = SdistName.parse(path.name)
                sdists.setdefault((sdist.project, sdist.version), path)
        except Malformed:
            continue
    pairs = [LocalPair(path, sdists[release]) for path, release in wheels.items() if release in sdists]
    return pairs, [path for path, release in wheels.items() if release not in sdists]


def read_local(path: Path) -> bytes:
    """The bytes of the regular file at `path`; a pipe or a device is never waited for.

    Raises:
        InputError: not a file that can be read, or larger than any wheel or sdist may be.
    """
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise InputError(f"{printable(str(path))}: not a file")
            data = file.read(ARCHIVE.file + 1)
    except OSError as error:
        raise InputError(f"{printable(str(path))}: {error.strerror}") from None
    except ValueError:  # a NUL in the path
        raise InputError(f"{printable(str(path))}: not a path") from None
    if len(data) > ARCHIVE.file:
        raise InputError(f"{printable(str(path))}: larger than the {ARCHIVE.file} bytes allowed")
    return data


def _absent(message: str, cause: str) -> NotBuilt:
    return NotBuilt(message, result="not-attempted", phase="locate", cause=cause)


def _version(filename: str) -> object:
    for kind in (WheelName, SdistName):
        try:
            return kind.parse(filename).version
        except Malformed:
            continue
    return None
