"""A package index on 127.0.0.1: the JSON form of the Simple API (PEP 691, 700), from memory."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass
class PackageIndex:
    """`files` by project and name, `times` of upload by name where they matter. `asked` are the paths asked for;
    those in `broken` are answered with 500.
    """

    url: str = ""
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    times: dict[str, str] = field(default_factory=dict)

    def page(self, project: str) -> bytes:
        listed = [
            {
                "filename": name,
                "url": f"{self.url}files/{project}/{name}",
                "hashes": {"sha256": hashlib.sha256(data).hexdigest()},
                "size": len(data),
                "upload-time": self.times.get(name, "2025-05-01T12:00:00Z"),
            }
            for name, data in self.files[project].items()
        ]
        return json.dumps(
            {"meta": {"api-version": "1.1"}, "name": project, "versions": ["1.0"], "files": listed}
        ).encode()

    def answer(self, path: str) -> bytes | None:
        match path.strip("/").split("/"):
            case ["simple", project] if project in self.files:
                return self.page(project)
            case ["files", project, name]:
                return self.files.get(project, {}).get(name)
        return None


@contextmanager
def serving() -> Iterator[PackageIndex]:
    index = PackageIndex()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.respond(with_body=False)

        def do_GET(self) -> None:
            self.respond(with_body=True)

        def respond(self, *, with_body: bool) -> None:
            index.asked.append(self.path)
            body = index.answer(self.path)
            status = 500 if self.path in index.broken else 404 if body is None else 200
            self.send_response(status)
            if self.path.startswith("/simple/"):
                self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if with_body:
                self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        index.url = f"http://127.0.0.1:{server.server_port}/"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield index
        finally:
            server.shutdown()
            thread.join()
