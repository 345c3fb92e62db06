"""How a node's own servers answer: little for each connection, whoever asks."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.applications import Starlette

_HEADERS: Final = 32 * 1024  # bytes of a request's head
_CONNECTIONS: Final = 512
_KEEP_ALIVE: Final = 5  # seconds


def answer_at(app: Starlette, listener: socket.socket) -> None:
    """Answers at `listener` by `app` until the process is asked to end."""
    _server(app).run(sockets=[listener])


@contextmanager
def answering(app: Starlette, listener: socket.socket) -> Iterator[None]:
    """Answers at `listener` by `app` meanwhile, in a thread."""
    server = _server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(2 * _KEEP_ALIVE)


def _server(app: Starlette) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        http="h11",  # the only one with a bound on headers
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        limit_concurrency=_CONNECTIONS,
        h11_max_incomplete_event_size=_HEADERS,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=_KEEP_ALIVE,
    )
    return uvicorn.Server(config)
