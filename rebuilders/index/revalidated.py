"""An index's pages, asked for only if they have changed; and its list of all projects, with a serial for each."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urljoin

from packaging.utils import canonicalize_name

from rebuilders.index.interface import Project
from rebuilders.index.simple import JSON, parse_project
from witness.canonical import loads
from witness.errors import FetchFailed, Malformed
from witness.fetch import Fetched, Revalidator
from witness.limits import MIB
from witness.names import PROJECT

_MAX_PAGE: Final = 32 * MIB
_MAX_LIST: Final = 256 * MIB
_MAX_ETAG: Final = 500
_MAX_NAME: Final = 200
_MAX_SERIAL: Final = 2**53 - 1


@dataclass(frozen=True, slots=True)
class ChangedPage:
    """A project's page, the tag by which it is asked for next, and its size in bytes."""

    project: Project
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class ProjectList:
    """All projects by normalised name, each with its serial; 0 where the index tells none. Else as `ChangedPage`."""

    serials: dict[str, int]
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class RevalidatedIndex:
    """Args: endpoint: the index's base URL, ending with a slash."""

    endpoint: str
    fetcher: Revalidator

    def page(self, name: str, etag: str) -> ChangedPage | None:
        """The page of the project `name`, or None if it is still what `etag` was given for.

        Raises:
            NotFound: the index has no such project.
            FetchFailed: no answer, or too long a one.
            Malformed: the answer is not a project's page.
        """
        url = urljoin(self.endpoint, f"{quote(name)}/")
        fetched = self.fetcher.get_unless(url, etag, limit=_MAX_PAGE, accept=JSON)
        if fetched is None:
            return None
        try:
            project = parse_project(fetched.body, url)
        except FetchFailed as error:
            raise Malformed(str(error)) from None
        return ChangedPage(project, _etag(fetched), len(fetched.body))

    def projects(self, etag: str) -> ProjectList | None:
        """All projects that the index lists, or None. Raises as `page` does."""
        fetched = self.fetcher.get_unless(self.endpoint, etag, limit=_MAX_LIST, accept=JSON)
        if fetched is None:
            return None
        return ProjectList(parse_list(fetched.body), _etag(fetched), len(fetched.body))


def parse_list(body: bytes) -> dict[str, int]:
    """The projects in the JSON page `body` (PEP 691), with their serials. Raises Malformed.

    What has no name that a project can have is passed over: it could not be asked for.
    """
    value = loads(body, what="the index's list of projects", limit=_MAX_LIST)
    listed = value.get("projects") if isinstance(value, dict) else None
    if not isinstance(listed, list):
        raise Malformed("the index's list of projects is not one in JSON (PEP 691)")
    serials: dict[str, int] = {}
    for item in listed:
        name = item.get("name") if isinstance(item, dict) else None
        if isinstance(name, str) and len(name) <= _MAX_NAME and PROJECT.fullmatch(name):
            project = canonicalize_name(name)
            serials[project] = max(serials.get(project, 0), _serial(item.get("_last-serial")))
    return serials


def _serial(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_SERIAL:
        return value
    return 0


def _etag(fetched: Fetched) -> str:
    etag = fetched.headers.get("etag", "")
    return etag if len(etag) <= _MAX_ETAG and etag.isascii() and etag.isprintable() else ""
