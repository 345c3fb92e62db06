"""A package index on 127.0.0.1: the JSON form of the Simple API (PEP 691, 700, 792), from memory."""

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
    those in `broken` are answered with 500. `answered` are paths with the status that was answered.

    Pages have an ETag. Those of projects in `serials` name their serial, and so does the list of all projects, which
    is there if `lists`. `statuses` are those of projects; `instead` has answers by path: status, headers, body. Of an
    index that is `down`, there is nothing but 503.
    """

    url: str = ""
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    times: dict[str, str] = field(default_factory=dict)
    answered: list[tuple[str, int]] = field(default_factory=list)
    yanked: set[str] = field(default_factory=set)
    serials: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    instead: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    lists: bool = False
    down: bool = False

    def page(self, project: str) -> bytes:
        listed = [
            {
                "filename": name,
                "url": f"{self.url}files/{project}/{name}",
                "hashes": {"sha256": hashlib.sha256(data).hexdigest()},
                "size": len(data),
                "upload-time": self.times.get(name, "2025-05-01T12:00:00Z"),
                "yanked": name in self.yanked,
            }
            for name, data in self.files[project].items()
        ]
        meta: dict[str, object] = {"api-version": "1.1"}
        page: dict[str, object] = {"meta": meta, "name": project, "versions": ["1.0"], "files": listed}
        if project in self.serials:
            meta["_last-serial"] = self.serials[project]
        if project in self.statuses:
            meta["api-version"] = "1.4"
            page["project-status"] = {"status": self.statuses[project]}
        return json.dumps(page).encode()

    def list(self) -> bytes:
        projects = [{"name": name, "_last-serial": self.serials.get(name, 0)} for name in self.files]
        return json.dumps({"meta": {"api-version": "1.1"}, "projects": projects}).encode()

    def answer(self, path: str) -> bytes | None:
        match path.strip("/").split("/"):
            case ["simple"] if self.lists:
                return self.list()
            case ["simple", project] if project in self.files:
                return self.page(project)
            case ["files", project, name]:
                return self.files.get(project, {}).get(name)
        return None

    def respond(self, path: str, etag: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of what is answered to a request with `If-None-Match: <etag>`."""
        if self.down:
            return 503, {}, b""
        if path in self.instead:
            return self.instead[path]
        body = self.answer(path)
        if path in self.broken or body is None:
            return 500 if path in self.broken else 404, {}, body or b""
        tag = f'"{hashlib.sha256(body).hexdigest()}"'
        headers = {"ETag": tag} if path.startswith("/simple/") else {}
        return (304, headers, b"") if headers and etag == tag else (200, headers, body)


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
            status, headers, body = index.respond(self.path, self.headers.get("If-None-Match", ""))
            index.answered.append((self.path, status))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if self.path.startswith("/simple/"):
                self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body and status != 304:
                self.wfile.write(body)

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
