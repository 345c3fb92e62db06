"""What of the host's own system a build may see: the C library's directory and a few tools. No compiler.

The shell and the small tools are what setup scripts call without saying so. Compilers stay outside: a pure wheel is
built the same with or without one, unless an optional extension notices it.
"""

import functools
import sysconfig
from pathlib import Path
from typing import Final

from rebuilders.sandbox.interface import Mount

_TOOLS: Final = (
    "basename", "bash", "cat", "chmod", "cp", "cut", "date", "dirname", "echo", "env", "expr", "false", "find",
    "grep", "gzip", "head", "hostname", "id", "install", "ln", "ls", "mkdir", "mktemp", "mv", "prlimit", "pwd",
    "readlink", "realpath", "rm", "rmdir", "sed", "setpriv", "sh", "sleep", "sort", "tail", "tar", "test", "touch",
    "tr", "true", "uname", "uniq", "wc", "which", "xargs",
)  # fmt: skip


@functools.cache
def system_mounts() -> tuple[Mount, ...]:
    """The mounts, all read-only, that every job has."""
    return (*_libraries(), *_tools())


def _libraries() -> tuple[Mount, ...]:
    multiarch = sysconfig.get_config_var("MULTIARCH") or ""
    found = [Path("/usr/lib64"), Path("/usr/lib") / multiarch] if multiarch else [Path("/usr/lib64")]
    # Python 3.6 takes file names and texts for ASCII where C.UTF-8, which recipes name, is not there.
    found += [Path("/usr/lib/locale") / name for name in ("C.utf8", "C.UTF-8")]
    return tuple(Mount(path, str(path)) for path in found if path.is_dir())


def _tools() -> tuple[Mount, ...]:
    found = ((name, Path("/usr/bin") / name) for name in _TOOLS)
    return tuple(Mount(path.resolve(), f"/usr/bin/{name}") for name, path in found if path.exists())
