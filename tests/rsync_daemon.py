"""A daemon of rsync's on loopback, where there is an rsync."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAM = shutil.which("rsync")


@contextmanager
def rsync_daemon(directory: Path, root: Path) -> Iterator[str]:
    """The URL under which `root` can be written to, as long as the block lasts."""
    assert PROGRAM is not None
    root.mkdir(parents=True, exist_ok=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = directory / "rsyncd.conf"
    config.write_text(
        f"use chroot = no\naddress = 127.0.0.1\nport = {port}\nuid = {os.getuid()}\ngid = {os.getgid()}\n"
        f"[site]\npath = {root}\nread only = no\n"
    )
    process = subprocess.Popen([PROGRAM, "--daemon", "--no-detach", f"--config={config}"])
    try:
        ends = time.monotonic() + 20
        while time.monotonic() < ends:
            with socket.socket() as asked:
                if asked.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield f"rsync://127.0.0.1:{port}/site/node"
    finally:
        process.terminate()
        process.wait()
