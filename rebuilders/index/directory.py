"""An index that is a directory of files: for local wheels, mirrors and tests."""

from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from rebuilders.index.interface import IndexFile, Project
from witness.digest import sha256_hex
from witness.errors import FetchFailed, Malformed, NotFound
from witness.limits import ARCHIVE
from witness.names import SdistName, WheelName


@dataclass(frozen=True, slots=True)
class DirectoryIndex:
    """An `IndexSource` over the distributions in one directory, without sub-directories."""

    root: Path

    def project(self, name: str) -> Project:
        files = tuple(
            IndexFile(path.name, path.as_uri(), sha256_hex(data), size=len(data))
            for path in sorted(self.root.iterdir())
            if _project_of(path.name) == canonicalize_name(name) and (data := _read(path))
        )
        if not files:
            raise NotFound(f"{self.root}: no distribution of {name}")
        return Project(name, files)

    def fetch(self, file: IndexFile) -> bytes:
        data = _read(self.root / file.filename)
        if sha256_hex(data) != file.sha256:
            raise FetchFailed(f"{file.filename}: changed since it was listed")
        return data


def _project_of(filename: str) -> str:
    for kind in (WheelName, SdistName):
        try:
            return kind.parse(filename).project
        except Malformed:
            continue
    return ""


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > ARCHIVE.file:
            raise FetchFailed(f"{path}: larger than the {ARCHIVE.file} bytes allowed")
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"{path}: no such file") from None
    except OSError as error:
        raise FetchFailed(f"{path}: {error.strerror}") from None
