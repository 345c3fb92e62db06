"""Other people's programs in `make bench`: installed from PyPI, each into an environment of its own, and run."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

BIN = Path(sys.executable).parent


def installed(root: Path, project: str, program: str) -> Path | None:
    """`program` of the newest `project`, in an environment below `root`; None, and that is said, where that fails."""
    place = root / f"{project}-environment"
    for command in (
        [BIN / "uv", "venv", "--quiet", place],
        [BIN / "uv", "pip", "install", "--quiet", "--python", place / "bin/python", project],
    ):
        try:
            subprocess.run(list(map(str, command)), check=True, capture_output=True, timeout=60)
        except (subprocess.SubprocessError, OSError):
            print(f"bench: {project} could not be installed; skipped", file=sys.stderr)
            return None
    return place / "bin" / program


@contextmanager
def running(command: list[object], url: str, **variables: str) -> Iterator[None]:
    """A server, as soon as it listens at `url`."""
    program = subprocess.Popen(
        list(map(str, command)),
        env={**os.environ, **variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        parts = urlsplit(url)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex((parts.hostname, parts.port)) == 0:
                    break
            time.sleep(0.05)
        yield
    finally:
        program.terminate()
        program.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
