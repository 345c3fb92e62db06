"""A node's site over HTTP: static files with the caching that each kind allows."""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import FileResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from rebuilders.serving import BRIEFLY, served
from witness.answering import answer_at
from witness.listening import listen


class _Site(StaticFiles):
    """Tiles may be kept for good; everything else changes."""

    def __init__(self, site: Path) -> None:
        super().__init__(directory=site, html=True, follow_symlink=False)
        self._root = site.resolve()

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        found = response.status_code < HTTPStatus.BAD_REQUEST
        if found and isinstance(response, FileResponse):
            # A directory's page has another path than was asked for.
            how = served(Path(response.path).resolve().relative_to(self._root).as_posix())
            response.headers["Content-Type"] = how.content_type
        response.headers["Cache-Control"] = served(path).cache_control if found else BRIEFLY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


def application(site: Path) -> Starlette:
    """The ASGI application that serves the directory `site`; links that lead out of it are not followed."""
    return Starlette(routes=[Mount("/", _Site(site))])


def serve_site(site: Path, host: str, port: int, tell: Callable[[str], None]) -> None:
    """Serves until the process is asked to end. Raises Incomplete if the address cannot be had."""
    with listen(host, port, hint="Choose another --port.") as listener:
        tell(f"serving {site} at http://{host}:{listener.getsockname()[1]}/")
        answer_at(application(site), listener)
