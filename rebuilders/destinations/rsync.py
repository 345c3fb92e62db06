"""A destination that rsync reaches: over ssh, or a daemon of rsync's.

Files are laid out in a directory of their own first, so that what is sent is what was read, and rsync is started by an
argument list, with the paths on its standard input. It writes each file beside its place and renames it.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from rebuilders.destinations.interface import Held, Item
from rebuilders.destinations.walk import is_path
from witness.errors import FetchFailed, Incomplete, InputError, NotFound
from witness.escape import printable

# rsync://host[:port]/module/path, or [user@]host:path. Nothing that could be taken for an option or have a password.
_DAEMON: Final = re.compile(
    r"rsync://(?:[A-Za-z0-9_][\w.-]*@)?[A-Za-z0-9\[][\w.:\[\]-]*/[A-Za-z0-9_][^\0\n]*"
)
_SHELL: Final = re.compile(
    r"(?!(?:file|s3|gs|az|https?|rsync):)(?:[A-Za-z0-9_][\w.-]*@)?[A-Za-z0-9][\w.-]*:[^:\0\n-][^\0\n]*"
)
_MISSING: Final = frozenset({3, 23})  # no such file, or only a part of what was asked for
_LISTED: Final = re.compile(r"-[rwxsStT-]{9}\s+[0-9,.]+\s+\S+\s+\S+\s+(.+)")
_SECONDS: Final = 60  # without a byte


def is_rsync(url: str) -> bool:
    """Whether `url` is an address of rsync's."""
    return _DAEMON.fullmatch(url) is not None or ("://" not in url and _SHELL.fullmatch(url) is not None)


class RsyncDestination:
    """Files below `url`. `program` is an rsync of 3.2.4 or later, here and there."""

    at_once = 4096

    def __init__(self, url: str, program: str = "rsync") -> None:
        self._url = f"{url.rstrip('/')}/"
        self._program = program

    def get(self, path: str, *, limit: int) -> bytes:
        """See `Destination.get`."""
        with tempfile.TemporaryDirectory() as directory:
            done = self._run([f"--max-size={limit}", f"{self._url}{path}", f"{directory}/"])
            found = Path(directory) / path.rpartition("/")[2]
            if found.is_file():
                return found.read_bytes()
            if done.returncode == 0:
                raise FetchFailed(f"{self._url}{path}: more than the {limit} bytes allowed")
            if done.returncode in _MISSING and b"No such file or directory" in done.stderr:
                raise NotFound(f"{self._url}{path}: no such file")
            raise self._failed(done)

    def held(self) -> Iterator[Held]:
        """See `Destination.held`. It says no digests, so rsync compares the files when they are sent."""
        done = self._run(["--recursive", "--list-only", self._url])
        if done.returncode in _MISSING and b"No such file or directory" in done.stderr:
            return
        self._check(done)
        for line in done.stdout.decode(errors="replace").splitlines():
            listed = _LISTED.fullmatch(line)
            if listed and is_path(listed[1]):
                yield Held(listed[1], "")

    def fingerprint(self, item: Item) -> str:
        """See `Destination.fingerprint`."""
        del item
        return ""

    def send(self, items: Sequence[Item]) -> None:
        """See `Destination.send`."""
        with tempfile.TemporaryDirectory() as directory:
            for item in items:
                laid = Path(directory) / item.path
                laid.parent.mkdir(parents=True, exist_ok=True)
                laid.write_bytes(item.data)
            how = ["--checksum", "--chmod=D755,F644", "--mkpath", "--fsync"]
            self._check(self._run([*how, *_NAMED, f"{directory}/", self._url], [item.path for item in items]))

    def delete(self, paths: Sequence[str]) -> None:
        """See `Destination.delete`."""
        if not paths:
            return
        with tempfile.TemporaryDirectory() as directory:
            for path in paths:  # only the file itself may be missing
                (Path(directory) / path).parent.mkdir(parents=True, exist_ok=True)
            how = ["--recursive", "--delete-missing-args", *_NAMED]
            self._check(self._run([*how, f"{directory}/", self._url], paths))

    def tidy(self) -> None:
        """See `Destination.tidy`. rsync puts away what it began, unless it was killed over there."""

    def close(self) -> None:
        """See `Destination.close`."""

    def _run(self, arguments: Sequence[str], paths: Sequence[str] = ()) -> subprocess.CompletedProcess[bytes]:
        argv = [self._program, "--no-motd", f"--timeout={_SECONDS}", "-s", *arguments]
        try:
            return subprocess.run(
                argv,
                input="\0".join(paths).encode(),
                capture_output=True,
                env={**os.environ, "LC_ALL": "C"},
                check=False,
            )
        except FileNotFoundError:
            raise InputError(
                f"{self._url}: rsync is not installed", hint="Install it here and there: apt install rsync."
            ) from None
        except OSError as error:
            raise Incomplete(f"{self._program}: {error.strerror}") from None

    def _check(self, done: subprocess.CompletedProcess[bytes]) -> None:
        if done.returncode:
            raise self._failed(done)

    def _failed(self, done: subprocess.CompletedProcess[bytes]) -> Incomplete:
        said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        return Incomplete(
            f"{self._url}: rsync ended with status {done.returncode}: {printable(said, limit=300)}"
        )


_NAMED: Final = ("--files-from=-", "--from0")
