"""An index over the Simple API in JSON (PEP 691, 700, 740, 792), parsed by pypi-simple."""

import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urljoin, urlsplit

from rebuilders.index.interface import IndexFile, Project
from witness.canonical import loads
from witness.digest import SHA256_HEX, sha256_hex
from witness.errors import FetchFailed, Malformed, NotFound
from witness.escape import printable
from witness.fetch import Fetcher
from witness.limits import ARCHIVE, MIB

if TYPE_CHECKING:
    from pypi_simple import DistributionPackage

JSON: Final = "application/vnd.pypi.simple.v1+json"
_MAX_PAGE: Final = 64 * MIB


@dataclass(frozen=True, slots=True)
class SimpleIndex:
    """An `IndexSource`. Args: endpoint: the index's base URL, ending with a slash."""

    endpoint: str
    fetcher: Fetcher

    def project(self, name: str) -> Project:
        url = urljoin(self.endpoint, f"{quote(name)}/")
        try:
            page = self.fetcher.get(url, limit=_MAX_PAGE, accept=JSON)
        except NotFound:
            raise NotFound(f"the index has no project {printable(name)}") from None
        return parse_project(page.body, url)

    def fetch(self, file: IndexFile) -> bytes:
        limit = ARCHIVE.file if file.size is None else file.size
        if limit > ARCHIVE.file:
            raise FetchFailed(f"{file.filename}: {limit} bytes, more than the {ARCHIVE.file} allowed")
        if _scheme(file.url) not in ("https", _scheme(self.endpoint)):
            raise FetchFailed(f"{file.filename}: the index names an address that is not https")
        try:
            data = self.fetcher.get(file.url, limit=limit).body
        except NotFound:
            raise NotFound(f"{file.filename}: listed, but the index does not have it") from None
        if sha256_hex(data) != file.sha256:
            raise FetchFailed(
                f"{file.filename}: the index serves other bytes than the sha256 that it lists",
                hint="Do not use this file; try again, and tell the index's operators if it stays so.",
            )
        return data


def _scheme(url: str) -> str:
    try:
        return urlsplit(url).scheme
    except ValueError:
        return ""


def parse_project(body: bytes, url: str) -> Project:
    """The project in the JSON page `body`, served at `url`. Raises FetchFailed for anything else."""
    from pypi_simple import ProjectPage, UnexpectedRepoVersionWarning, UnsupportedRepoVersionError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnexpectedRepoVersionWarning)  # a newer minor version adds fields
            page = ProjectPage.from_json_data(loads(body, what="the index's page", limit=_MAX_PAGE), url)
    except (Malformed, UnsupportedRepoVersionError, ValueError, KeyError, TypeError) as error:
        raise FetchFailed(
            f"the index's answer is not a project's page in JSON (PEP 691): {printable(str(error), limit=200)}",
            hint="Use an index that speaks the JSON form of the Simple API.",
        ) from None
    return Project(
        name=page.project,
        files=tuple(file for package in page.packages if (file := _file(package))),
        serial=int(page.last_serial) if page.last_serial and page.last_serial.isdecimal() else None,
        status=page.status.value if page.status else "active",
    )


def _file(package: "DistributionPackage") -> IndexFile | None:
    sha256 = package.digests.get("sha256", "")
    if not SHA256_HEX.fullmatch(sha256):
        return None  # nothing that could be checked
    return IndexFile(
        filename=package.filename,
        url=package.url,
        sha256=sha256,
        size=package.size,
        upload_time=_utc(package.upload_time),
        yanked=package.is_yanked,
        provenance_url=package.provenance_url,
        requires_python=package.requires_python or "",
    )


def _utc(time: datetime | None) -> datetime | None:
    """PEP 700 wants UTC; a time that names no zone is taken at that word."""
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time
