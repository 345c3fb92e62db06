"""Where a gateway to other machines runs: it sees the programs that it needs, its certificate, and the network.

What a worker sends is unpickled there, which may run code; that code finds no key, no database and no node.
"""

import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from witness.errors import SandboxUnavailable

_SYSTEM: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
_NETWORK: Final = (
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/localtime",
    "/etc/ssl",
    "/etc/ld.so.cache",
    "/etc/alternatives",
)


def caged(argv: list[str], files: Iterable[Path], environment: dict[str, str]) -> list[str]:
    """`argv` in a cage in which only `files` are, besides programs. Raises SandboxUnavailable."""
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        raise SandboxUnavailable(
            "bubblewrap is not installed, and what a farm sends is read nowhere else",
            hint="Install it: apt install bubblewrap, or your system's package.",
        )
    isolation = ["--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try"]
    isolation += ["--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"]
    if os.geteuid() != 0:
        isolation += ["--unshare-user"]
    variables = [part for name, value in environment.items() for part in ("--setenv", name, value)]
    return [bwrap, *isolation, *variables, *_mounts(files), "--chdir", "/", "--", *argv]


def _mounts(files: Iterable[Path]) -> Iterator[str]:
    for place in _SYSTEM:
        path = Path(place)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), place)
        elif path.exists():
            yield from ("--ro-bind", place, place)
    for place in _NETWORK:
        yield from ("--ro-bind-try", place, place)
    yield from ("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp")  # noqa: S108 - inside
    for directory in _of_python():
        yield from ("--ro-bind", directory, directory)
    for file in files:
        yield from ("--ro-bind", str(file), str(file))


def _of_python() -> list[str]:
    """The directories that this Python and its modules are in, outermost alone."""
    told = {sys.prefix, sys.base_prefix, *(entry for entry in sys.path if entry and Path(entry).is_dir())}
    outermost: list[str] = []
    for directory in sorted(told):
        inside = any(Path(directory).is_relative_to(other) for other in (*outermost, *_SYSTEM))
        if not inside:
            outermost.append(directory)
    return outermost
