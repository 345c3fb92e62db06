"""`make demo`: two operators rebuild five wheels of PyPI, and a consumer asks both. Prints what it does.

Everything happens in a temporary directory and on loopback, but for the downloads from the package index.
"""

import base64
import contextlib
import hashlib
import http.server
import io
import json
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

from rebuilders.config import Settings
from rebuilders.inputs import from_index
from rebuilders.wiring import open_index
from witness.digest import sha256_hex
from witness.endpoint import default_endpoint
from witness.names import TargetName

BIN = Path(sys.executable).parent
JSON = "application/vnd.pypi.simple.v1+json"
PROJECTS = ("six==1.17.0", "requests==2.34.2", "attrs==26.1.0", "idna==3.20", "packaging==26.3")
TAMPERED = "idna-3.20-py3-none-any.whl"


def main() -> None:
    home = Path(tempfile.mkdtemp(prefix="wheelwitness-demo-"))
    try:
        demo(home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def demo(home: Path) -> None:
    ports = {"a": free_port(), "b": free_port()}
    policy = ["version = 1", "threshold = 2", 'accept = ["bitwise", "archive"]', ""]
    say("Two operators, each with a node and keys of its own")
    for letter, port in ports.items():
        printed = run(
            home,
            f"rebuilder init node-{letter} --name node-{letter}.example --operator 'Operator {letter.upper()}' "
            f"--url http://127.0.0.1:{port}/",
            show=1,
        )
        policy += [printed[printed.index("[[witness]]") :], ""]
    say("Each rebuilds five wheels from their sdists, in a sandbox, and signs what it saw")
    for letter in ports:
        run(home, f"rebuilder add node-{letter} {' '.join(PROJECTS)}")
        run(home, f"rebuilder run node-{letter} --once")
    with contextlib.ExitStack() as stack:
        print()
        sites = {letter: stack.enter_context(serving(home, letter, port)) for letter, port in ports.items()}
        consumer(home, policy)
        tampered_upload(home, ports)
        say("One operator's site goes down: one voice is not two")
        sites["b"].terminate()
        sites["b"].wait()
        run(home, "wheelwitness check requirements.txt --policy policy.toml", expect=3, show=7)
    say("That is all: reproduced (0), caught (1), not enough evidence (3).")


def consumer(home: Path, policy: list[str]) -> None:
    say("A consumer believes both, if they agree, and checks what he is about to install")
    (home / "policy.toml").write_text("\n".join(policy))
    (home / "requirements.in").write_text("\n".join(PROJECTS) + "\n")
    print("$ head -3 policy.toml\n" + "\n".join(policy[:3]) + "\n", flush=True)
    run(home, "uv pip compile requirements.in --no-deps --generate-hashes --quiet -o requirements.txt")
    run(home, "wheelwitness check requirements.txt --policy policy.toml", expect=0)


def tampered_upload(home: Path, ports: dict[str, int]) -> None:
    say("Somebody uploads a wheel in which one byte of code is changed; both operators look at it")
    target = from_index(TargetName.parse(TAMPERED), open_index(Settings())[0])
    assert target.sdist is not None
    tampered = change_a_byte(target.data, "idna/core.py")
    (home / "download").mkdir()
    (home / "download" / TAMPERED).write_bytes(tampered)
    with tampered_index({TAMPERED: tampered, target.sdist.filename: target.sdist.data}) as index:
        for letter in ports:
            run(home, f"rebuilder add node-{letter} {TAMPERED}", show=0)
            run(home, f"rebuilder run node-{letter} --once --index {index}")
    run(home, f"wheelwitness check download/{TAMPERED} --policy policy.toml", expect=1)


def say(text: str) -> None:
    print(f"\n# {text}", flush=True)


def run(home: Path, command: str, *, expect: int = 0, show: int | None = None) -> str:
    """Runs a command of ours as a user would; prints it and its output, or the first `show` lines of it."""
    argv = shlex.split(command)
    done = subprocess.run(
        [str(BIN / argv[0]), *argv[1:]],
        cwd=home,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    output = done.stdout.replace(str(home), "~")
    if show != 0:
        print(f"$ {command}")
        lines = output.splitlines(keepends=True)
        print("".join(lines[:show]), end="")
        if show and len(lines) > show and argv[0] == "wheelwitness":
            print("…")
        if argv[0] == "wheelwitness":
            print(f"(exit code {done.returncode})")
        sys.stdout.flush()
    if done.returncode != expect:
        if show == 0:
            print(output)
        sys.exit(f"demo: `{command}` ended with {done.returncode} instead of {expect}")
    return done.stdout


@contextlib.contextmanager
def serving(home: Path, letter: str, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    command = f"rebuilder serve node-{letter} --port {port}"
    print(f"$ {command} &", flush=True)
    argv = shlex.split(command)
    site = subprocess.Popen(
        [str(BIN / argv[0]), *argv[1:]], cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(port, site)
        yield site
    finally:
        site.terminate()
        site.wait()


def wait_for(port: int, site: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        if site.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    sys.exit(f"demo: nothing answers on port {port}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def change_a_byte(wheel: bytes, path: str) -> bytes:
    """The wheel with the first `==` in `path` made `!=`, and with a RECORD that fits: an attacker would see to that."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(wheel)) as source, zipfile.ZipFile(changed, "w") as target:
        code = source.read(path)
        other = code.replace(b"==", b"!=", 1)
        for entry in source.infolist():
            data = other if entry.filename == path else source.read(entry)
            if entry.filename.endswith(".dist-info/RECORD"):
                data = data.replace(record_hash(code), record_hash(other))
            target.writestr(entry, data)
    return changed.getvalue()


def record_hash(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")


@contextlib.contextmanager
def tampered_index(files: dict[str, bytes]) -> Iterator[str]:
    """The address of an index that lists `files` for their project, and passes every other project on."""
    page = {
        "meta": {"api-version": "1.1"},
        "name": "idna",
        "versions": ["3.20"],
        "files": [
            {
                "filename": name,
                "url": f"../../files/{name}",
                "hashes": {"sha256": sha256_hex(data)},
                "size": len(data),
                "upload-time": "2026-09-17T14:11:00Z",
            }
            for name, data in files.items()
        ],
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.rstrip("/").rsplit("/", 1)[-1]
            if name in files:
                self.answer("application/octet-stream", files[name])
            elif name == "idna":
                self.answer(JSON, json.dumps(page).encode())
            else:
                request = urllib.request.Request(f"{default_endpoint()}{name}/", headers={"Accept": JSON})
                with urllib.request.urlopen(request, timeout=60) as answer:
                    self.answer(JSON, answer.read())

        def answer(self, kind: str, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Silent: the demo's output is what matters."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/simple/"
        server.shutdown()


if __name__ == "__main__":
    main()
