"""The index behind the proxy: one project's page at a time, asked for only if it has changed."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from witness.errors import FetchFailed, InputError, Malformed
from witness.fetch import Fetched, Revalidator, shown
from witness.limits import MIB
from witness.proxy import html_page, json_page
from witness.proxy.keeping import Kept
from witness.proxy.listing import MAX_PAGE, ListedPage
from witness.proxy.negotiation import HTML, JSON, OLD_HTML, is_json

_ROOM: Final = 128 * MIB  # of pages, as served
_SERIAL: Final = "x-pypi-last-serial"


@dataclass(frozen=True, slots=True)
class UpstreamPage:
    """A page, and the serial number of its state if the index tells one."""

    page: ListedPage
    serial: str


class Upstream:
    """Args: endpoint: the index's base URL, ending with a slash."""

    def __init__(self, endpoint: str, fetcher: Revalidator) -> None:
        self.endpoint = endpoint
        self._fetcher = fetcher
        self._kept: Kept[str, Fetched] = Kept(_ROOM)

    def page(self, project: str, kind: str) -> UpstreamPage:
        """The page of the normalised `project`, in `kind` if the index has it in both forms.

        Raises:
            NotFound: the index has no such project.
            FetchFailed: no answer, or one that is not a project's page.
        """
        url = f"{self.endpoint}{quote(project)}/"
        first, second = (JSON, HTML) if is_json(kind) else (HTML, JSON)
        accept = f"{first}, {second};q=0.5, {OLD_HTML};q=0.{9 if first == HTML else 1}"
        fetched = self._fetch(url, accept)
        try:
            page = _parse(fetched, project)
        except Malformed as error:
            raise FetchFailed(f"{shown(url)}: {error}") from None
        serial = fetched.headers.get(_SERIAL, "")
        return UpstreamPage(page, serial if serial.isascii() and serial.isdigit() else "")

    def _fetch(self, url: str, accept: str) -> Fetched:
        key = f"{accept} {url}"
        known = self._kept.get(key)
        etag = known.headers.get("etag", "") if known else ""
        fetched = self._fetcher.get_unless(url, etag, limit=MAX_PAGE, accept=accept)
        if fetched is None:
            if known is None:
                raise FetchFailed(f"{shown(url)}: the server answered 304, unasked")
            return known
        if fetched.headers.get("etag"):
            self._kept.put(key, fetched, len(fetched.body))
        return fetched


def _parse(fetched: Fetched, project: str) -> ListedPage:
    media = fetched.headers.get("content-type", "").partition(";")[0].strip().lower()
    base = _public(fetched.url)
    if media == JSON:
        return json_page.parse(fetched.body, base)
    if media in (HTML, OLD_HTML):
        return html_page.parse(fetched.body, base, project)
    raise Malformed("the index's page: neither JSON nor HTML of the Simple API")


def endpoint_of(url: str) -> str:
    """`url` as an endpoint. Raises InputError unless it is a web address of an index."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query
    except ValueError:
        usable = False
    if not usable:
        raise InputError(
            f"{shown(url)}: not the address of a package index",
            hint="Give --index http://…/simple/ or https://…/simple/.",
        )
    return url.rstrip("/") + "/"


def _public(url: str) -> str:
    """`url` without user information, which is for the index and not for our clients."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, ""))
