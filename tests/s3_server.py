"""A server that speaks S3, on loopback: moto's, in an interpreter of its own, with faults on demand.

`TEST_S3_PYTHON` names a Python that has moto; else the one of `make objects` is used. Run by such a Python, this file
is the server: it imports nothing of ours.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

BUCKET = "site"
VARIABLES = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}


def python_with_moto() -> Path | None:
    """The interpreter, if there is one."""
    named = os.environ.get("TEST_S3_PYTHON")
    path = Path(named) if named else Path(sys.prefix) / "s3" / "bin" / "python"
    return path if path.exists() else None


class S3Server:
    """A running server, by its address. `faults` sets which share of requests fails from here on, and how."""

    def __init__(self, endpoint: str, control: Path) -> None:
        self.endpoint = endpoint
        self._control = control

    def ask(self, method: str, path: str) -> Mapping[str, str]:
        """The headers of the answer."""
        # moto asks for no signature, but reads from it which service is meant.
        credential = "Credential=key/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
        headers = {"Authorization": f"AWS4-HMAC-SHA256 {credential}"}
        with urlopen(Request(f"{self.endpoint}/{path}", method=method, headers=headers)) as answer:
            return answer.headers

    def faults(self, rate: float = 0.0, kind: str = "503") -> None:
        made = self._control.with_suffix(".new")
        made.write_text(json.dumps({"rate": rate, "kind": kind}))
        made.replace(self._control)


@contextmanager
def s3_server(directory: Path) -> Iterator[S3Server]:
    """A server with an empty bucket, as long as the block lasts."""
    control, port = directory / "faults.json", directory / "port"
    python = python_with_moto()
    assert python is not None
    server = S3Server("", control)
    server.faults()
    environment = {**os.environ, "AWS_EC2_METADATA_DISABLED": "true"}
    with (directory / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [python, "-P", __file__, control, port], stdout=log, stderr=log, env=environment
        )
    try:
        ends = time.monotonic() + 60
        while not port.exists() or not port.read_text():
            assert process.poll() is None, (directory / "server.log").read_text()
            assert time.monotonic() < ends
            time.sleep(0.05)
        server.endpoint = f"http://127.0.0.1:{port.read_text()}"
        server.ask("PUT", BUCKET)
        yield server
    finally:
        process.terminate()
        process.wait()


def _serve(control: Path, port: Path) -> None:
    import logging
    import random
    import socket

    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    inner = DomainDispatcherApplication(create_backend_app)

    def app(environ, start_response):
        faults = json.loads(control.read_text())
        if random.random() >= faults["rate"]:
            return inner(environ, start_response)
        if faults["kind"] == "drop":
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        elif faults["kind"] == "done":  # it was done, and the answer is lost
            list(inner(environ, lambda *_: None))
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        start_response("503 Slow Down", [("Content-Length", "0")])
        return []

    server = make_server("127.0.0.1", 0, app, threaded=True)
    made = port.with_suffix(".new")
    made.write_text(str(server.port))
    made.replace(port)
    server.serve_forever()


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), Path(sys.argv[2]))
