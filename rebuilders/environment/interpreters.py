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
                  "prefix": sys.base_prefix,
                  "libraries": [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")]}))
"""
_ELF: Final = b"\x7fELF"
_SYSTEM: Final = Path("/usr")
_INSIDE: Final = PurePosixPath("/opt/python")
_BROUGHT: Final = (
    "python", "ssl", "crypto", "ffi", "z", "bz2", "lzma", "sqlite3", "expat", "readline", "ncurses", "tinfo", "uuid",
    "gcc_s", "stdc++", "mpdec",
)  # fmt: skip
_NAME: Final = re.compile(r"python3(\.\d+)?")


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python below `prefix`, with its standard library in the directories `libraries`."""

    executable: Path
    version: str
    implementation: str
    prefix: Path
    libraries: tuple[Path, ...]

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
        return self._inside(self.executable)

    @property
    def variables(self) -> dict[str, str]:
        """What it needs to start at its place inside: shared libraries are looked for where they were installed."""
        return {"LD_LIBRARY_PATH": self._inside(self.prefix / "lib")} if self._shared else {}

    @property
    def mounts(self) -> tuple[Mount, ...]:
        """The interpreter and its standard library, and nothing else of the prefix, which may be anybody's home."""
        directories = (
            Mount(
                path,
                self._inside(path),
                mask=tuple(self._inside(path / name) for name in _installed_into(path)),
            )
            for path in self.libraries
        )
        files = (Mount(path.resolve(), self._inside(path)) for path in (self.executable, *self._shared))
        return (*directories, *files)

    @property
    def _shared(self) -> tuple[Path, ...]:
        """The shared libraries that it may have brought along; the system's own are there anyway."""
        if self.prefix == _SYSTEM:
            return ()
        found = (path for name in _BROUGHT for path in (self.prefix / "lib").glob(f"lib{name}*.so*"))
        return tuple(sorted(path for path in found if path.is_file()))

    def _inside(self, path: Path) -> str:
        return str((_SYSTEM if self.prefix == _SYSTEM else _INSIDE) / path.relative_to(self.prefix))


def _installed_into(library: Path) -> tuple[str, ...]:
    """Where a standard library holds what its operator installed."""
    return tuple(name for name in ("site-packages", "dist-packages") if (library / name).is_dir())


@functools.cache
def installed(ours: Path | None = None) -> tuple[Interpreter, ...]:
    """One interpreter per minor version, newest first: those of version managers before the system's.

    `ours` is a directory that holds more of them, one below the other as uv installs them.
    """
    return _found((*_executables(), *(_programs(_bins(ours)) if ours else ())))


def in_directory(ours: Path) -> tuple[Interpreter, ...]:
    """Those in a directory in which uv installs, as `installed` gives them."""
    return _found(tuple(_programs(_bins(ours))))


def _found(paths: Iterable[Path]) -> tuple[Interpreter, ...]:
    executables = list(dict.fromkeys(paths))
    with ThreadPoolExecutor(max_workers=4) as pool:
        found = [interpreter for interpreter in pool.map(_ask, executables) if interpreter]
    best: dict[str, Interpreter] = {}
    for interpreter in sorted(found, key=_preference):
        best[interpreter.minor] = interpreter
    return tuple(sorted(best.values(), key=lambda interpreter: Version(interpreter.version), reverse=True))


def interpreter_at(executable: Path) -> Interpreter | None:
    """The interpreter of that program, be it one of a virtual environment; None if it cannot be mounted."""
    return _ask(executable.resolve())


def _preference(interpreter: Interpreter) -> tuple[bool, Version]:
    # Distributions patch the Python below /usr; what they patch shows in wheels.
    return interpreter.prefix != _SYSTEM, Version(interpreter.version)


def _executables() -> Iterator[Path]:
    """Real programs named like a Python, wherever they usually are. Shims, being scripts, are passed over."""
    uv = os.environ.get("UV_PYTHON_INSTALL_DIR", "")
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    places: list[Path] = [Path(part) for part in os.environ.get("PATH", "").split(os.pathsep) if part]
    places += [Path("/usr/local/bin"), Path("/usr/bin"), Path(sys.base_prefix) / "bin"]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    places += _bins(pyenv / "versions")
    places += _bins(Path(uv) if uv else data / "uv/python")
    yield from _programs(places)


def _programs(places: Iterable[Path]) -> Iterator[Path]:
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
        libraries = tuple(dict.fromkeys(Path(path).resolve() for path in told["libraries"]))
        interpreter = Interpreter(executable, told["version"], told["implementation"], prefix, libraries)
        Version(interpreter.version)
        return interpreter if _can_be_mounted(interpreter) else None
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return None


def _can_be_mounted(interpreter: Interpreter) -> bool:
    """Whether its prefix holds all that builds are shown of it."""
    shown = (interpreter.executable, *interpreter.libraries)
    return bool(interpreter.libraries) and all(path.is_relative_to(interpreter.prefix) for path in shown)
