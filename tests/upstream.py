"""A package index on 127.0.0.1 that serves whatever pages it is given, in both forms, with ETags and files."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "text/html"


@dataclass
class Index:
    """`pages` by project and media type; `files` by name. `asked` counts paths, `unchanged` answers of 304.

    With `broken`, everything is answered with that status. Pages wait for `gate`. `accepts` are headers, as they came.
    """

    url: str = ""
    pages: dict[tuple[str, str], bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    accepts: list[str] = field(default_factory=list)
    unchanged: int = 0
    broken: int = 0
    gate: Event = field(default_factory=Event)

    def __post_init__(self) -> None:
        self.gate.set()

    @property
    def simple(self) -> str:
        return f"{self.url}simple/"

    def entry(self, name: str, data: bytes, **more: Any) -> dict[str, Any]:
        """A file of a page; it is served, and so is its metadata if `core-metadata` is among `more`."""
        self.files[name] = data
        hashes = {"sha256": hashlib.sha256(data).hexdigest()}
        return {
            "filename": name,
            "url": f"{self.url}files/{name}",
            "hashes": hashes,
            "size": len(data),
            **more,
        }

    def publish(self, project: str, *entries: dict[str, Any], html: bool = False, **more: Any) -> None:
        """A page of `project` in JSON, and with `html` one in HTML as well."""
        page = {
            "meta": {"api-version": "1.4"},
            "name": project,
            "versions": [],
            "files": list(entries),
            **more,
        }
        self.pages[project, JSON] = json.dumps(page).encode()
        if html:
            anchors = (
                f'<a href="{item["url"]}#sha256={item["hashes"]["sha256"]}">{item["filename"]}</a>'
                for item in entries
            )
            self.pages[project, HTML] = ("<!DOCTYPE html>" + "\n".join(anchors)).encode()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    index: Index

    def do_HEAD(self) -> None:
        self.respond(with_body=False)

    def do_GET(self) -> None:
        self.respond(with_body=True)

    def respond(self, *, with_body: bool) -> None:
        index = self.index
        index.asked[self.path] += 1
        status, kind, body = self.found()
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if index.broken:
            status, body = index.broken, b""
        elif status == 200 and self.headers.get("If-None-Match") == etag:
            status, body = 304, b""
            index.unchanged += 1
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("ETag", etag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def found(self) -> tuple[int, str, bytes]:
        match self.path.partition("?")[0].strip("/").split("/"):
            case ["simple", project]:
                accept = self.headers.get("Accept", "")
                self.index.accepts.append(accept)
                self.index.gate.wait(10)
                for kind in (JSON, HTML) if accept.startswith(JSON) else (HTML, JSON):
                    if (project, kind) in self.index.pages:
                        return 200, kind, self.index.pages[project, kind]
            case ["files", name] if name in self.index.files:
                return 200, "application/octet-stream", self.index.files[name]
        return 404, "text/plain", b""

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Index]:
    index = Index()
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Of", (Handler,), {"index": index})) as server:
        server.daemon_threads = True
        index.url = f"http://127.0.0.1:{server.server_port}/"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield index
        finally:
            index.gate.set()
            server.shutdown()
            thread.join()
