"""Runs the consumer's program, or a piece of code, as if on another system: `python -m tests.everywhere.elsewhere`.

    elsewhere.py SYSTEM program ARGUMENTS…
    elsewhere.py SYSTEM code CODE ARGUMENTS…
    elsewhere.py SYSTEM several JSON

`several` takes a list of [arguments, encoding of the terminal] and writes a list of [exit code, output, errors], these
in hex: to start the program for each takes longer. The system `here` is the one that there is.

Python's own library and the libraries that we use have made up their minds when they were loaded, and are loaded
before. After that, whatever the system has not is gone, and our modules are loaded. On Windows, a directory cannot be
opened, and a file that is open cannot be replaced: the first two attempts fail.
"""
# ruff: noqa: SIM905

import importlib
import io
import json
import os
import signal
import sys
import types
from pathlib import Path

import __main__
from tests.everywhere.systems import SYSTEMS, System

LOADED = """
    asyncio concurrent.futures ctypes email getpass http.client importlib.metadata locale logging platform queue random
    select selectors shutil socket ssl subprocess sysconfig tempfile threading time tomllib unicodedata urllib.request
    uuid zipfile zoneinfo anyio certifi click cryptography.hazmat.primitives.asymmetric.ec
    cryptography.hazmat.primitives.serialization httpx packaging.metadata packaging.specifiers packaging.utils
    pip_requirements_parser pydantic rfc8785 rich.progress tenacity typer typer.main
""".split()


class Absent:
    """An import hook: these modules do not exist."""

    def __init__(self, names: frozenset[str]) -> None:
        self.names = names

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def become(system: System) -> None:
    """From here on, this process is on `system`."""
    for module in LOADED:
        importlib.import_module(module)
    import fcntl

    assert not [name for name in sys.modules if name.split(".")[0] in ("witness", "rebuilders")]
    for module, names in system.names.items():
        for name in names:
            if hasattr(sys.modules[module], name):
                delattr(sys.modules[module], name)
    for name in system.modules:
        sys.modules.pop(name, None)
    sys.meta_path.insert(0, Absent(system.modules))
    __main__.__package__ = None  # so that the program goes by its own name
    sys.platform = system.platform
    if system.platform == "win32":
        _become_windows(fcntl)


def _become_windows(fcntl: types.ModuleType) -> None:
    signal.SIGBREAK = signal.SIGINT  # type: ignore[attr-defined]
    sys.modules["msvcrt"] = _msvcrt(fcntl)
    opened, replaced = os.open, os.replace
    refused: dict[str, int] = {}

    def open_file(path, flags, mode=0o777, *, dir_fd=None):
        if not isinstance(path, int) and Path(path).is_dir():
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return opened(path, flags, mode, dir_fd=dir_fd)

    def replace(source, target, **directories):
        if refused.setdefault(os.fspath(target), 2):
            refused[os.fspath(target)] -= 1
            raise PermissionError(13, "Access is denied", os.fspath(target))
        return replaced(source, target, **directories)

    os.open, os.replace = open_file, replace


def _msvcrt(fcntl: types.ModuleType) -> types.ModuleType:
    """As much of it as is used: locks of single bytes."""
    module = types.ModuleType("msvcrt")
    module.LK_NBLCK = 2  # type: ignore[attr-defined]

    def locking(descriptor: int, mode: int, count: int) -> None:
        assert (mode, count, os.lseek(descriptor, 0, 1)) == (2, 1, 0)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PermissionError(13, "Permission denied") from None

    module.locking = locking  # type: ignore[attr-defined]
    return module


def run(arguments: list[str], encoding: str) -> tuple[int, str, str]:
    """Runs the program at a terminal of that encoding."""
    kept = sys.stdout, sys.stderr, sys.argv
    terminals = [io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2)]
    sys.stdout, sys.stderr = terminals
    sys.argv = ["wheelwitness", *arguments]
    code = 0
    try:
        importlib.import_module("witness.cli.main").main()
    except SystemExit as done:
        code = int(done.code or 0)
    finally:
        sys.stdout, sys.stderr, sys.argv = kept
    return code, *(bytes(_written(terminal)).hex() for terminal in terminals)


def _written(terminal: io.TextIOWrapper) -> memoryview:
    terminal.flush()
    return terminal.buffer.getbuffer()


if __name__ == "__main__":
    _, system, what, *rest = sys.argv
    if system != "here":
        become(SYSTEMS[system])
    if what == "code":
        sys.argv = rest
        exec(compile(rest[0], "<code>", "exec"), {"__name__": "__main__", "Path": Path})
    elif what == "several":
        __main__.__package__ = None
        json.dump([run(*one) for one in json.loads(rest[0])], sys.stdout)
    else:
        sys.argv = ["wheelwitness", *rest]
        importlib.import_module("witness.cli.main").main()
