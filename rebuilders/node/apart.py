"""Runs a part of the node that reads a key in a process of its own, so that the caller never holds one."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

from witness.errors import Incomplete, InputError, WheelwitnessError

# The way out of a network, for what asks others over it.
WAY_OUT: Final = (
    *("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy"),
    *("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)
_KEPT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")  # of the environment, for the process with the key


def kept(present: Mapping[str, str], more: Iterable[str] = ()) -> dict[str, str]:
    """What the process gets of the environment `present`: what every program needs, and the variables `more`."""
    return {name: present[name] for name in (*_KEPT, *more) if name in present}


def run_apart(
    module: str, root: Path, more: Iterable[str] = (), arguments: Iterable[str] = ()
) -> dict[str, Any]:
    """The JSON object that `python -m module root` writes, with `arguments`. `more` are variables that it needs.

    Raises:
        InputError: it says, by status 2, that something of the node cannot be used.
        Incomplete: it failed.
    """
    # -P: nothing is imported from the directory that the operator happens to be in.
    argv = [sys.executable, "-P", "-m", module, str(root), *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, env=kept(os.environ, more), check=False)
    if done.returncode == 0:
        value: dict[str, Any] = json.loads(done.stdout)
        return value
    message = done.stderr.strip() or f"{module} ended with status {done.returncode}"
    first, _, rest = message.partition("\n")
    message, hint = (first, rest) if rest and "\n" not in rest else (message, "")
    raise (InputError if done.returncode == 2 else Incomplete)(message, hint=hint)


def tell_error(error: WheelwitnessError) -> NoReturn:
    """Ends such a process by `error`: its message and its hint, a line each, and the status that `run_apart` knows."""
    sys.stderr.write(f"{error}\n{error.hint}\n")
    sys.exit(2 if isinstance(error, InputError) else 5)
