"""The Pythons of this machine, and how each is mounted into a sandbox."""

import functools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from packaging.version import Version

from rebuilders.sandbox.interface import Mount

_ASK: Final = """
import json, platform, sys, sysconfig
print(json.dumps({"version": platform.python_version(), "implementation": platform.python_implementation(),
                  "prefix": sys.base_prefix, "purelib": sysconfig.get_path("purelib")}))
"""
_ELF: Final = b"\x7fELF"
_SHARED: Final = (Path("/usr"), Path("/usr/local"))  # prefixes that hold more than a Python
_INSIDE: Final = PurePosixPath("/opt/python")
_NAME: Final = re.compile(r"python3(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python with its standard library below `prefix`; `purelib` is its site-packages, which stay outside."""

    executable: Path
    version: str
    implementation: str
    prefix: Path
    purelib: Path

    @property
    def minor(self) -> str:
        return ".".join(self.version.split(".")[:2])

    @property
    def name(self) -> str:
        """As a recipe names it."""
        return f"{self.implementation} {self.version}"

    @property
    def inside(self) -> str:
        """The executable's path in a sandbox with `mounts`."""
        if self.prefix in _SHARED:
            return str(self.executable)
        return str(_INSIDE / self.executable.relative_to(self.prefix))

    @property
    def variables(self) -> dict[str, str]:
        """What it needs to start at its place inside: a shared libpython is looked for where it was installed."""
        shared = self.prefix not in _SHARED and any((self.prefix / "lib").glob("libpython*.so*"))
        return {"LD_LIBRARY_PATH": str(_INSIDE / "lib")} if shared else {}

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """The interpreter and its standard library, without anything that the operator installed into it."""
        if self.prefix not in _SHARED:
            inside = (
                self.purelib.relative_to(self.prefix) if self.purelib.is_relative_to(self.prefix) else None
            )
            masked = (str(_INSIDE / inside),) if inside and self.purelib.is_dir() else ()
            return (Mount(self.prefix, str(_INSIDE), mask=masked),)
        library = self.prefix / "lib" / f"python{self.minor}"
        mask = tuple(
            str(library / name) for name in ("site-packages", "dist-packages") if (library / name).is_dir()
        )
        shared = [
            path for path in (self.prefix / "lib").glob(f"libpython{self.minor}*.so*") if path.is_file()
        ]
        cache = [Path("/etc/ld.so.cache")] if shared else []  # by which the loader finds those
        return (
            Mount(library, str(library), mask=mask),
            *(Mount(path.resolve(), str(path)) for path in (self.executable, *shared, *cache)),
        )


@functools.cache
def installed() -> tuple[Interpreter, ...]:
    """One interpreter per minor version, newest first: those of version managers before the system's."""
    executables = list(dict.fromkeys(_executables()))
    with ThreadPoolExecutor(max_workers=4) as pool:
        found = [interpreter for interpreter in pool.map(_ask, executables) if interpreter]
    best: dict[str, Interpreter] = {}
    for interpreter in sorted(found, key=_preference):
        best[interpreter.minor] = interpreter
    return tuple(sorted(best.values(), key=lambda interpreter: Version(interpreter.version), reverse=True))


def _preference(interpreter: Interpreter) -> tuple[bool, Version]:
    # Distributions patch the Python below /usr; what they patch shows in wheels.
    return interpreter.prefix != Path("/usr"), Version(interpreter.version)


def _executables() -> Iterator[Path]:
    """Real programs named like a Python, wherever they usually are. Shims, being scripts, are passed over."""
    uv = os.environ.get("UV_PYTHON_INSTALL_DIR", "")
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    places: list[Path] = [Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if part]
    places += [Path("/usr/local/bin"), Path("/usr/bin"), Path(sys.base_prefix) / "bin"]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    places += _bins(pyenv / "versions")
    places += _bins(Path(uv) if uv else data / "uv/python")
    for place in places:
        if place.is_dir():
            for path in sorted(place.iterdir()):
                if _NAME.fullmatch(path.name) and _is_program(path):
                    yield path.resolve()


def _bins(root: Path) -> Iterable[Path]:
    return sorted(root.glob("*/bin")) if root.is_dir() else []


def _is_program(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_ELF)) == _ELF and os.access(path, os.X_OK)
    except OSError:
        return False


def _ask(executable: Path) -> Interpreter | None:
    try:
        answer = subprocess.run(
            [executable, "-I", "-S", "-c", _ASK], check=True, capture_output=True, env={}, timeout=20
        )
        told = json.loads(answer.stdout)
        prefix = Path(told["prefix"]).resolve()
        interpreter = Interpreter(
            executable, told["version"], told["implementation"], prefix, Path(told["purelib"]).resolve()
        )
        Version(interpreter.version)
        return interpreter if _can_be_mounted(interpreter) else None
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None


def _can_be_mounted(interpreter: Interpreter) -> bool:
    """Whether its prefix holds it, and, as all of that is shown to builds, not the operator's home besides."""
    prefix = interpreter.prefix
    private = prefix in _SHARED or not Path.home().resolve().is_relative_to(prefix)
    return private and interpreter.executable.is_relative_to(prefix)
