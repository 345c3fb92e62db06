"""Pythons that uv can install, where the operator allows it: into a directory of ours, once for all processes.

uv downloads what it lists and checks it against the hash that it lists; nothing of it is built. A mirror is set by
uv's own variables, UV_PYTHON_INSTALL_MIRROR and UV_PYTHON_DOWNLOADS_JSON_URL.
"""

import fcntl
import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from packaging.version import Version

from rebuilders.environment.interpreters import Interpreter, in_directory
from rebuilders.environment.resolve import UV_REACH
from witness.errors import Incomplete
from witness.escape import printable

_SECONDS: Final = 300.0  # for a download of some tens of MiB
_POLL: Final = 0.2
_MINOR: Final = re.compile(r"3\.\d{1,3}", re.ASCII)
_KEPT: Final = UV_REACH | {"UV_PYTHON_INSTALL_MIRROR", "UV_PYTHON_DOWNLOADS_JSON_URL"}


def directory_of(cache: Path) -> Path:
    """Where an `Installer` puts Pythons, given our cache directory."""
    return cache / "pythons"


@dataclass(frozen=True, slots=True)
class Installer:
    """Args: uv: the program; cache: a directory of ours. What came of each version is remembered while it lives."""

    uv: Path
    cache: Path
    known: dict[str, Interpreter | Incomplete] = field(default_factory=dict)

    def install(self, minor: str, *, seconds: float = _SECONDS) -> Interpreter:
        """The newest Python `minor`, such as 3.8, installed within `seconds` unless it is there already.

        Raises:
            Incomplete: uv offers none, or it could not be had; the same answer is given again at once.
        """
        found = self.known.get(minor)
        if found is None:
            found = self._install(minor, seconds)
            if (
                isinstance(found, Interpreter) or seconds >= _SECONDS
            ):  # else it may only have been too hurried
                self.known[minor] = found
        if isinstance(found, Incomplete):
            raise found
        return found

    def offered(self) -> tuple[str, ...]:
        """The minor versions of CPython that uv could install, oldest first. Raises Incomplete."""
        argv = ["python", "list", "--only-downloads", "--output-format", "json"]
        try:
            listed = json.loads(self._run(argv, 30.0))
            versions = [item["version"] for item in listed if item["implementation"] == "cpython"]
            minors = {".".join(text.split(".")[:2]) for text in versions if not Version(text).is_prerelease}
        except (ValueError, KeyError, TypeError) as error:
            raise Incomplete(f"{self.uv}: its list of Pythons cannot be read: {error}") from None
        return tuple(sorted(minors, key=Version))

    def _install(self, minor: str, seconds: float) -> Interpreter | Incomplete:
        end = time.monotonic() + min(seconds, _SECONDS)
        if not _MINOR.fullmatch(minor):
            return Incomplete(f"{printable(minor)!r} is no minor version")
        try:
            with self._alone(end):
                found = self._here(minor)
                if found is None:
                    argv = ["python", "install", minor, "--install-dir", str(directory_of(self.cache))]
                    self._run([*argv, "--no-bin", "--no-progress"], max(end - time.monotonic(), 0.1))
                    found = self._here(minor)
        except Incomplete as error:
            return error
        return found or Incomplete(f"what uv installed as Python {minor} does not start")

    def _here(self, minor: str) -> Interpreter | None:
        return next((one for one in in_directory(directory_of(self.cache)) if one.minor == minor), None)

    def _run(self, argv: list[str], seconds: float) -> str:
        command = [str(self.uv), *argv, "--no-config", "--cache-dir", str(self.cache / "uv")]
        variables = {k: v for k, v in os.environ.items() if k in _KEPT or not k.startswith("UV_")}
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=seconds,
                cwd="/",
                env=variables,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Incomplete(f"uv {argv[0]} {argv[1]} took more than {seconds:.0f} s") from None
        except OSError as error:
            raise Incomplete(f"{self.uv}: {error.strerror}") from None
        if done.returncode:
            words = printable(" ".join(done.stderr.split()), limit=300)
            raise Incomplete(f"uv {argv[0]} {argv[1]} failed: {words}")
        return done.stdout

    @contextmanager
    def _alone(self, end: float) -> Iterator[None]:
        """One process at a time: those that come later find what the first one installed."""
        root = directory_of(self.cache)
        try:
            root.mkdir(parents=True, exist_ok=True)
            with (root / ".wheelwitness-lock").open("a") as file:
                _lock(file, end)
                yield
        except OSError as error:
            raise Incomplete(f"{root}: {error.strerror}") from None


def _lock(file: IO[str], end: float) -> None:
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                raise Incomplete("another process is still installing a Python") from None
            time.sleep(_POLL)
        else:
            return
