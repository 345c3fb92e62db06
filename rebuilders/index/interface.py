"""The IndexSource seam: which files a project has, and the bytes of one of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from packaging.utils import canonicalize_name
from packaging.version import Version

from witness.errors import Malformed
from witness.names import SdistName, WheelName


@dataclass(frozen=True, slots=True)
class IndexFile:
    """One published file. `size` in bytes, `upload_time` in UTC; None where the index does not say."""

    filename: str
    url: str
    sha256: str
    size: int | None = None
    upload_time: datetime | None = None
    yanked: bool = False
    provenance_url: str | None = None
    requires_python: str = ""


@dataclass(frozen=True, slots=True)
class Project:
    """A project's files as the index lists them, and its status (PEP 792; "active" where none is told)."""

    name: str
    files: tuple[IndexFile, ...]
    serial: int | None = None
    status: str = "active"

    def file(self, filename: str) -> IndexFile | None:
        """The file of exactly that name."""
        return next((file for file in self.files if file.filename == filename), None)

    def wheels(self, version: Version) -> tuple[IndexFile, ...]:
        """The release's wheels, pure ones first, then by name."""
        named = [(name, file) for file in self.files if (name := _wheel(file)) and self._has(name, version)]
        named.sort(key=lambda pair: (not pair[0].is_pure, pair[0].filename))
        return tuple(file for _, file in named)

    def sdist(self, version: Version) -> IndexFile | None:
        """The release's sdist: `.tar.gz` before `.zip`, if an old release has both."""
        found = [file for file in self.files if (name := _sdist(file)) and self._has(name, version)]
        found.sort(key=lambda file: (file.filename.endswith(".zip"), file.filename))
        return found[0] if found else None

    def _has(self, name: WheelName | SdistName, version: Version) -> bool:
        # A page may list what it likes; another project's file is not this release's.
        return name.version == version and name.project == canonicalize_name(self.name)


class IndexSource(Protocol):
    """A package index, read only."""

    def project(self, name: str) -> Project:
        """The project of that normalised name.

        Raises:
            NotFound: the index has no such project.
            FetchFailed: no answer, or one that is not a project's page.
        """

    def fetch(self, file: IndexFile) -> bytes:
        """The bytes of `file`, which have its SHA-256. Raises FetchFailed otherwise."""


def _wheel(file: IndexFile) -> WheelName | None:
    try:
        return WheelName.parse(file.filename)
    except Malformed:
        return None


def _sdist(file: IndexFile) -> SdistName | None:
    try:
        return SdistName.parse(file.filename)
    except Malformed:
        return None
