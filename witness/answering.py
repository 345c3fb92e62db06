"""One way to answer, for every server of ours: little for each connection, whoever asks."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.applications import Starlette

_HEADERS: Final = 16 * 1024  # bytes of a request before its body
_CONNECTIONS: Final = 512
_KEEP_ALIVE: Final = 5  # seconds


def answer_at(
    app: Starlette, listener: socket.socket, *, connections: int = _CONNECTIONS, keep_alive: int = _KEEP_ALIVE
) -> None:
    """Answers at `listener` by `app` until the process is asked to end.

    At most `connections` at a time are answered, and one may be idle for `keep_alive` seconds.
    """
    _server(app, connections, keep_alive).run(sockets=[listener])


@contextmanager
def answering(app: Starlette, listener: socket.socket) -> Iterator[None]:
    """Answers at `listener` by `app` meanwhile, in a thread."""
    server = _server(app, _CONNECTIONS, _KEEP_ALIVE)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(2 * _KEEP_ALIVE)


def _server(app: Starlette, connections: int, keep_alive: int) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        http="h11",  # the only one with a bound on headers
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        limit_concurrency=connections,
        h11_max_incomplete_event_size=_HEADERS,
        timeout_keep_alive=keep_alive,
        timeout_graceful_shutdown=keep_alive,
    )
    return uvicorn.Server(config)
