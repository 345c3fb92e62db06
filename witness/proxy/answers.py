"""Answers that are no pages: problems in the form that clients can show (RFC 9457), files by redirection."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from witness.errors import FetchFailed, InputError, NotFound, WheelwitnessError
from witness.escape import printable
from witness.proxy.desk import Busy

SAFE: Final = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_RETRY: Final = "5"  # seconds


def problem(status: HTTPStatus, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """`detail` for people, which uv shows; pip shows the status alone."""
    value = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    return Response(
        json.dumps(value).encode() + b"\n",
        status_code=status,
        media_type="application/problem+json",
        headers={**SAFE, "Cache-Control": "no-store", **(headers or {})},
    )


def failed(error: WheelwitnessError, project: str) -> Response:
    """Why there is no page. Never a page."""
    detail = f"{printable(str(error))}. {error.hint}".strip()
    if isinstance(error, NotFound):
        return problem(HTTPStatus.NOT_FOUND, f"the index has no project {printable(project, limit=100)}")
    if isinstance(error, FetchFailed):
        return problem(HTTPStatus.BAD_GATEWAY, f"the index gave no page: {detail}")
    if isinstance(error, InputError):
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, f"the policy or the snapshot cannot be used: {detail}")
    busy = {"Retry-After": _RETRY} if isinstance(error, Busy) else None
    return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, busy)
