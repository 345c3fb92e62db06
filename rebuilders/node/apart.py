"""Runs a part of the node that reads a key in a process of its own, so that the caller never holds one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from witness.errors import Incomplete, InputError

_KEPT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")  # of the environment, for the process with the key


def run_apart(module: str, root: Path) -> dict[str, Any]:
    """The JSON object that `python -m module root` writes.

    Raises:
        InputError: it says, by status 2, that something of the node cannot be used.
        Incomplete: it failed.
    """
    # -P: nothing is imported from the directory that the operator happens to be in.
    argv = [sys.executable, "-P", "-m", module, str(root)]
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    done = subprocess.run(argv, capture_output=True, text=True, env=environment, check=False)
    if done.returncode == 0:
        value: dict[str, Any] = json.loads(done.stdout)
        return value
    message = done.stderr.strip() or f"{module} ended with status {done.returncode}"
    raise (InputError if done.returncode == 2 else Incomplete)(message)
