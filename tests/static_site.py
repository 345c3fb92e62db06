"""The files of a directory at an address on loopback, as any web server has them, and what was asked of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread


@dataclass
class Site:
    """`url` ends with a slash; `asked` are paths, as they came."""

    url: str
    asked: list[str] = field(default_factory=list)


@contextmanager
def serving(root: Path) -> Iterator[Site]:
    """`root`, which need not be there yet."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            site.asked.append(self.path)

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(root))) as server:
        site = Site(f"http://127.0.0.1:{server.server_port}/")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield site
        finally:
            server.shutdown()
            thread.join()
