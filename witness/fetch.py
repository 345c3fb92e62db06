"""The one way out: HTTP GET with a bound on bytes and time. The only module that imports httpx.

Whatever a server does ends as the bytes asked for or as a `FetchFailed`; a body is never kept beyond its limit.
Passing faults (no connection, time-outs, 429, 5xx) are tried again a few times with growing pauses, and not before the
server's Retry-After: where that is long, it is left to the caller (`FetchFailed.after`).
"""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol, TypeVar
from urllib.parse import urlsplit

from witness import __version__
from witness.errors import FetchFailed, NotFound
from witness.escape import printable

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

_CHUNK: Final = 64 * 1024
_MAX_PAUSE: Final = 5.0  # seconds between two tries of one request
_LONGEST_AFTER: Final = 86_400.0  # seconds of a server's Retry-After that are believed
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Fetched:
    """A complete body, at most as long as was allowed, and where it was in the end. Header names are lower-case."""

    body: bytes
    headers: dict[str, str]
    url: str = ""


class Fetcher(Protocol):
    """Gets bytes by URL."""

    def get(self, url: str, *, limit: int, accept: str = "*/*") -> Fetched:
        """The body at `url`, of at most `limit` bytes.

        Raises:
            NotFound: the server answered 404 or 410.
            FetchFailed: anything else that is not a complete body within the limits.
        """

    def download(self, url: str, into: BinaryIO, *, limit: int) -> None:
        """Writes the body at `url`, at most `limit` bytes, to `into`, which may hold part of it on failure.

        `into` must be seekable: a further try starts over. Raises as `get` does.
        """


class Revalidator(Protocol):
    """Gets what has changed."""

    def get_unless(self, url: str, etag: str, *, limit: int, accept: str) -> Fetched | None:
        """As `Fetcher.get`, or None where the server says that it is still what it gave `etag` to."""


class Poster(Protocol):
    """Sends a body to a URL."""

    def post(self, url: str, data: bytes, *, limit: int, kind: str = "") -> "Answer":
        """What `url` answers to `data`, of the media type `kind`, whatever its status.

        Raises FetchFailed for no answer within the limits.
        """


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, and a complete body of at most as many bytes as were allowed."""

    status: int
    body: bytes


def user_agent(contact: str) -> str:
    """Who we are, and whom to write to if we misbehave."""
    reachable = contact if contact.isascii() and contact.isprintable() and contact else "none given"
    return f"wheelwitness/{__version__} (contact: {reachable})"


class _Passing(Exception):
    """A fault worth another try."""

    def __init__(self, failure: FetchFailed) -> None:
        super().__init__(str(failure))
        self.failure = failure


@dataclass(slots=True)
class HttpFetcher:
    """A `Fetcher` over httpx, safe to use from several threads.

    Args:
        contact: an address or URL for the User-Agent.
        timeout: seconds without progress after which a request is given up.
        attempts: how often a request with passing faults is made in all.
        connections: how many requests may be under way at once.
        expires: on the monotonic clock, when everything must be over; may be set anew for each piece of work.
        sleep: waits for so many seconds.

    Attributes:
        received: bytes of bodies so far.
    """

    contact: str = ""
    timeout: float = 20.0
    attempts: int = 3
    connections: int = 8
    expires: float = math.inf
    received: int = field(default=0, init=False)
    sleep: Callable[[float], None] = time.sleep
    _client: "httpx.Client | None" = field(default=None, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def get(self, url: str, *, limit: int, accept: str = "*/*") -> Fetched:
        fetched = self.get_unless(url, "", limit=limit, accept=accept)
        if fetched is None:
            raise FetchFailed(f"{shown(url)}: the server answered 304, unasked")
        return fetched

    def get_unless(self, url: str, etag: str, *, limit: int, accept: str) -> Fetched | None:
        """See `Revalidator.get_unless`."""

        def once() -> Fetched | None:
            with self._stream(url, accept, etag) as response:
                if response.status_code == HTTPStatus.NOT_MODIFIED:
                    return None
                body = bytearray()
                for chunk in self._bounded(response, url, limit):
                    body += chunk
                return Fetched(bytes(body), dict(response.headers), str(response.url))

        return self._retrying(once)

    def download(self, url: str, into: BinaryIO, *, limit: int) -> None:
        start = into.tell()

        def once() -> None:
            into.seek(start)
            into.truncate()
            with self._stream(url, "*/*") as response:
                into.writelines(self._bounded(response, url, limit))

        self._retrying(once)

    def post(self, url: str, data: bytes, *, limit: int, kind: str = "") -> Answer:
        """See `Poster.post`; tried once."""
        import httpx

        headers = {"Content-Type": kind} if kind else {}
        try:
            with self._connected().stream(
                "POST",
                url,
                content=data,
                headers=headers,
                timeout=self._patience(url),
                follow_redirects=False,
            ) as response:
                return Answer(response.status_code, b"".join(self._bounded(response, url, limit)))
        except (httpx.InvalidURL, httpx.HTTPError) as error:
            raise FetchFailed(f"{shown(url)}: {printable(str(error))}") from None

    def close(self) -> None:
        """Ends the connections that are kept open."""
        if self._client is not None:
            self._client.close()

    def _retrying(self, once: Callable[[], T]) -> T:
        from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt
        from tenacity import wait_random_exponential as growing

        pause = growing(multiplier=0.6, max=_MAX_PAUSE)

        def wait(state: RetryCallState) -> float:
            return max(pause(state), _after(state.outcome.exception() if state.outcome else None))

        retrying = Retrying(
            retry=retry_if_exception(
                lambda error: isinstance(error, _Passing) and _after(error) <= _MAX_PAUSE
            ),
            stop=stop_after_attempt(self.attempts),
            wait=wait,
            sleep=self.sleep,
            reraise=True,
        )
        try:
            return retrying(once)
        except _Passing as passing:
            raise passing.failure from None

    @contextmanager
    def _stream(self, url: str, accept: str, etag: str = "") -> "Iterator[httpx.Response]":
        import httpx

        headers = {"Accept": accept} | ({"If-None-Match": etag} if etag else {})
        try:
            with self._connected().stream(
                "GET", url, headers=headers, timeout=self._patience(url)
            ) as response:
                if not (etag and response.status_code == HTTPStatus.NOT_MODIFIED):
                    _check_status(response, url)
                yield response
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise FetchFailed(
                f"{shown(url)}: not an address that can be fetched: {printable(str(error))}"
            ) from None
        except httpx.TimeoutException:
            raise _Passing(FetchFailed(f"{shown(url)}: no answer within {self.timeout:g} s")) from None
        except httpx.TransportError as error:
            raise _Passing(FetchFailed(f"{shown(url)}: {printable(str(error))}")) from None
        except httpx.HTTPError as error:
            raise FetchFailed(f"{shown(url)}: {printable(str(error))}") from None

    def _bounded(self, response: "httpx.Response", url: str, limit: int) -> Iterator[bytes]:
        total = 0
        for chunk in response.iter_bytes(_CHUNK):
            total += len(chunk)
            self.received += len(chunk)
            if total > limit:
                raise FetchFailed(f"{shown(url)}: more than the {limit} bytes allowed")
            self._patience(url)
            yield chunk

    def _patience(self, url: str) -> float:
        """Seconds that the next step may take."""
        left = self.expires - time.monotonic()
        if left <= 0:
            raise FetchFailed(f"{shown(url)}: the time allowed for the whole work is over")
        return min(self.timeout, left)

    def _connected(self) -> "httpx.Client":
        with self._lock:
            if self._client is None:
                import httpx

                self._client = httpx.Client(
                    headers={"User-Agent": user_agent(self.contact)},
                    timeout=self.timeout,
                    follow_redirects=True,
                    max_redirects=5,
                    limits=httpx.Limits(max_connections=self.connections),
                )
            return self._client


def shown(url: str) -> str:
    """`url` fit to be shown and logged: without user information and query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that is none"
    host, path = (
        parts.netloc.rpartition("@")[2],
        parts.path if parts.netloc else parts.path.rpartition("@")[2],
    )
    return printable(f"{parts.scheme}://{host}{path}")


def _after(error: BaseException | None) -> float:
    return error.failure.after if isinstance(error, _Passing) else 0.0


def _seconds(retry_after: str) -> float:
    """What a server says with Retry-After (RFC 9110, section 10.2.3); 0 for what cannot be read."""
    text = retry_after.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:10]), _LONGEST_AFTER)
    from email.utils import parsedate_to_datetime

    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max((at - datetime.now(UTC)).total_seconds(), 0.0), _LONGEST_AFTER)


def _check_status(response: "httpx.Response", url: str) -> None:
    status = response.status_code
    if urlsplit(url).scheme == "https" and any(
        hop.url.scheme != "https" for hop in (*response.history, response)
    ):
        raise FetchFailed(f"{shown(url)}: leads away from https")
    if status == 200:
        return
    if status in (404, 410):
        raise NotFound(f"{shown(url)}: the server has no such thing ({status})")
    after = _seconds(response.headers.get("retry-after", "")) if status in _PASSING else 0.0
    failure = FetchFailed(f"{shown(url)}: the server answered {status}", after=after)
    raise _Passing(failure) if status in _PASSING else failure
