"""A node's site over HTTP: static files with the caching that each kind allows."""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from rebuilders.node.answering import answer_at
from witness.listening import listen

_FOREVER = "public, max-age=31536000, immutable"  # tlog-tiles: a tile never changes
_BRIEFLY = "public, max-age=10"


class _Site(StaticFiles):
    """Tiles may be kept for good; everything else changes."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        kept = path.startswith("tile/") and response.status_code < HTTPStatus.BAD_REQUEST
        response.headers["Cache-Control"] = _FOREVER if kept else _BRIEFLY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def application(site: Path) -> Starlette:
    """The ASGI application that serves the directory `site`; links that lead out of it are not followed."""
    return Starlette(routes=[Mount("/", _Site(directory=site, html=True, follow_symlink=False))])


def serve_site(site: Path, host: str, port: int, tell: Callable[[str], None]) -> None:
    """Serves until the process is asked to end. Raises Incomplete if the address cannot be had."""
    with listen(host, port, hint="Choose another --port.") as listener:
        tell(f"serving {site} at http://{host}:{listener.getsockname()[1]}/")
        answer_at(application(site), listener)
