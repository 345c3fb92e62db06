"""The proxy as an ASGI application: a Simple API in front of another, and what explains and watches it.

/simple/<project>/             the page, filtered; HTML or JSON, as the client likes
/files/<project>/<file>        where the index has the file, if it is offered; also its .metadata and .asc
/explain/<project>             why files are offered or hidden
/healthz /readyz /metrics      for whoever runs it
"""

import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import anyio.to_thread
from packaging.utils import InvalidName, canonicalize_name
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from witness.errors import Incomplete, WheelwitnessError
from witness.escape import printable
from witness.proxy import explain
from witness.proxy.answers import SAFE, failed, problem
from witness.proxy.audit import AuditLog
from witness.proxy.desk import Desk
from witness.proxy.judge import Judge
from witness.proxy.metrics import TYPE, Metrics
from witness.proxy.negotiation import HTML, JSON, OLD_HTML, PLAIN_JSON, SIMPLE, is_json, negotiate
from witness.proxy.pages import Offer

_SIBLINGS: Final = (".metadata", ".asc")  # PEP 658, PEP 503
_MAX_NAME: Final = 200
_PAGE_CSP: Final = "default-src 'none'; frame-ancestors 'none'"
_HOME: Final = (
    "A package index that offers what independent witnesses could rebuild.\n\n"
    "Installers: use /simple/ as the only index.\nWhy a file is hidden: /explain/<project>\n"
)


class Proxy:
    """The endpoints. Args: desk, judge, audit, metrics: what they are made from. clock: seconds, monotonic."""

    def __init__(
        self,
        desk: Desk,
        judge: Judge,
        audit: AuditLog,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk, self._judge, self._audit = desk, judge, audit
        self._metrics, self._clock = metrics, clock

    def application(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/", self.home),
                Route("/simple/", self.projects),
                Route("/simple/{project}", self.bare),
                Route("/simple/{project}/", self.page),
                Route("/files/{project}/{filename}", self.file),
                Route("/explain/{project}", self.explain),
                Route("/healthz", self.health),
                Route("/readyz", self.ready),
                Route("/metrics", self.measures),
            ]
        )

    async def home(self, request: Request) -> Response:
        """What this is."""
        del request
        return PlainTextResponse(_HOME, headers=SAFE)

    async def projects(self, request: Request) -> Response:
        """The list of all projects, which installers do without."""
        return self._told(
            request, problem(HTTPStatus.NOT_FOUND, "the list of all projects is not served; ask for one")
        )

    async def bare(self, request: Request) -> Response:
        """A page without the slash at its end."""
        project = _project(request)
        if project is None:
            return self._told(request, _no_name())
        return self._told(request, RedirectResponse(f"./{project}/", HTTPStatus.MOVED_PERMANENTLY))

    async def page(self, request: Request) -> Response:
        """The page of a project."""
        project = _project(request)
        if project is None:
            return self._told(request, _no_name())
        if project != request.path_params["project"]:
            return self._told(request, RedirectResponse(f"../{project}/", HTTPStatus.MOVED_PERMANENTLY))
        accept = request.headers.get("accept", "")
        kind = negotiate(accept)
        if kind is None:
            return self._told(request, _not_acceptable(SIMPLE))
        try:
            offer = await self._desk.offer(project, kind)
        except WheelwitnessError as error:
            return self._told(request, failed(error, project))
        if is_json(kind) and offer.kind != JSON:
            kind = negotiate(accept, (OLD_HTML, HTML))
            if kind is None:
                return self._told(request, _not_acceptable((OLD_HTML, HTML)))
        return self._told(request, self._shown(request, offer, kind), offer.etag)

    async def file(self, request: Request) -> Response:
        """Leads to a file, or to what belongs to one, if the file is offered now."""
        project, name = _project(request), request.path_params["filename"]
        if project is None:
            return self._told(request, _no_name())
        sibling = next((each for each in _SIBLINGS if name.endswith(each)), "")
        filename = name.removesuffix(sibling)
        try:
            offer = await self._desk.offer(project, JSON)
        except WheelwitnessError as error:
            return self._told(request, failed(error, project))
        found = [choice for choice in offer.choices if choice.file.filename == filename]
        if not found:
            return self._told(request, problem(HTTPStatus.NOT_FOUND, "the index does not list this file"))
        offered = [choice for choice in found if choice.offered]
        if not offered:
            why = f"{filename} is hidden: {found[0].outcome}: {found[0].reason}"
            return self._told(request, problem(HTTPStatus.FORBIDDEN, why), offer.etag)
        target = _beside(offered[0].file.url, sibling)
        answer = RedirectResponse(target, HTTPStatus.FOUND, headers={**SAFE, "Cache-Control": "no-store"})
        return self._told(request, answer, offer.etag)

    async def explain(self, request: Request) -> Response:
        """Why files are offered or hidden."""
        project = _project(request)
        if project is None:
            return self._told(request, _no_name())
        kind = negotiate(request.headers.get("accept", ""), (OLD_HTML, PLAIN_JSON)) or OLD_HTML
        try:
            offer = await self._desk.offer(project, JSON)
        except WheelwitnessError as error:
            return self._told(request, failed(error, project))
        body = explain.as_json(offer) if is_json(kind) else explain.as_html(offer)
        headers = {
            **SAFE,
            "Cache-Control": "no-store",
            "Vary": "Accept",
            "Content-Security-Policy": explain.CSP,
        }
        return self._told(request, Response(body, media_type=kind, headers=headers), offer.etag)

    async def health(self, request: Request) -> Response:
        """Whether the process answers at all."""
        del request
        return PlainTextResponse("ok\n", headers=SAFE)

    async def ready(self, request: Request) -> Response:
        """Whether pages can be served: policy and snapshot can be read, and the audit log written."""
        del request
        try:
            self._audit.check()
            await anyio.to_thread.run_sync(self._judge.check)
        except WheelwitnessError as error:
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, printable(str(error)))
        return PlainTextResponse("ready\n", headers=SAFE)

    async def measures(self, request: Request) -> Response:
        """Metrics for Prometheus."""
        del request
        return Response(self._metrics.render(), headers={**SAFE, "Content-Type": TYPE})

    def _shown(self, request: Request, offer: Offer, kind: str) -> Response:
        # Rounded down: a page in a client's cache is never older than one in ours may be.
        seconds = max(0, int(offer.until - self._clock()))
        headers = {
            **SAFE,
            "Cache-Control": f"max-age={seconds}, must-revalidate",
            "Content-Security-Policy": _PAGE_CSP,
            "ETag": offer.etag,
            "Vary": "Accept",
            "X-Wheelwitness-Hidden": str(len(offer.hidden)),
            "X-Wheelwitness-Offered": str(len(offer.offered)),
        }
        if offer.serial:
            headers["X-PyPI-Last-Serial"] = offer.serial
        if _has(request.headers.get("if-none-match", ""), offer.etag):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(offer.body, headers={**headers, "Content-Type": _content_type(kind)})

    def _told(self, request: Request, answer: Response, etag: str = "") -> Response:
        """`answer`, once it is in the audit log; without that, none."""
        client = request.client.host if request.client else ""
        try:
            self._audit.request(
                client, request.headers.get("user-agent", ""), request.url.path, answer.status_code, etag
            )
        except Incomplete as error:
            answer = problem(HTTPStatus.SERVICE_UNAVAILABLE, f"{error}. {error.hint}")
        self._metrics.requests.labels(answer.status_code).inc()
        return answer


def _project(request: Request) -> str | None:
    """The normalised name, None if it is none."""
    name = request.path_params["project"]
    if len(name) > _MAX_NAME or not name.isascii():
        return None
    try:
        return str(canonicalize_name(name, validate=True))
    except InvalidName:
        return None


def _no_name() -> Response:
    return problem(HTTPStatus.NOT_FOUND, "that is not a project's name")


def _not_acceptable(kinds: tuple[str, ...]) -> Response:
    return problem(HTTPStatus.NOT_ACCEPTABLE, f"there is {', '.join(kinds)}")


def _content_type(kind: str) -> str:
    return f"{kind}; charset=utf-8" if kind == OLD_HTML else kind


def _has(header: str, etag: str) -> bool:
    """Whether `If-None-Match` names `etag` (RFC 9110: weak comparison)."""
    return any(item.strip().removeprefix("W/") in (etag, "*") for item in header.split(","))


def _beside(url: str, suffix: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, parts.path + suffix, parts.query, ""))
