"""The process that holds the node's keys: signs, logs and publishes what waits in the outbox, or a change of
keys. Runs no build.

Started by itself as `python -m rebuilders.node.signer DIR [rotate EXPIRES KIND | revoke KEY INDEX REASON]`; writes one
JSON line: {"count", "first", "size", "refused": [{"name", "reason"}]}, or for keys {"index", "key"}.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rebuilders.node import keys, rotation
from rebuilders.node.config import NodeDirectory
from witness.errors import Incomplete, InputError, WheelwitnessError
from witness.publish import Published, publish_outbox
from witness.store.directory import DirectoryStore

_PATIENCE: Final = 60.0  # seconds for `rebuilder cosign`, which takes the log's lock for moments
_KEPT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ")  # of the environment, for the process with the keys


def publish(directory: NodeDirectory) -> Published:
    """Publishes the outbox of the node in `directory`, in this process."""
    config = directory.load()
    now = datetime.now(UTC)
    with keys.alone(directory):
        return publish_outbox(
            directory.outbox,
            DirectoryStore(directory.site),
            directory.state,
            rotation.ready(directory, config, now),
            now=now,
            patience=_PATIENCE,
        )


def publish_apart(directory: NodeDirectory) -> dict[str, Any]:
    """The same in a process of its own, so that this one never reads a key.

    Raises:
        InputError: the signer says that something of the node cannot be used.
        Incomplete: the signer failed.
    """
    return _apart(directory)


def rotate_apart(directory: NodeDirectory, expires: datetime | None, *, configured: bool) -> dict[str, Any]:
    """`rotation.rotate` in a process of its own. Raises as `publish_apart`."""
    return _apart(
        directory, "rotate", expires.isoformat() if expires else "", "next" if configured else "file"
    )


def revoke_apart(directory: NodeDirectory, key: str, start: int | None, reason: str) -> dict[str, Any]:
    """`rotation.revoke` in a process of its own. Raises as `publish_apart`."""
    return _apart(directory, "revoke", key, "" if start is None else str(start), reason)


def _apart(directory: NodeDirectory, *arguments: str) -> dict[str, Any]:
    # -P: nothing is imported from the directory that the operator happens to be in.
    argv = [sys.executable, "-P", "-m", "rebuilders.node.signer", str(directory.root), *arguments]
    wanted = (*_KEPT, *directory.load().signer.environment)
    environment = {name: os.environ[name] for name in wanted if name in os.environ}
    done = subprocess.run(argv, capture_output=True, text=True, env=environment, check=False)
    if done.returncode == 0:
        value: dict[str, Any] = json.loads(done.stdout)
        return value
    message, _, hint = done.stderr.strip().partition("\n")
    message = message or f"the signer process ended with status {done.returncode}"
    raise (InputError if done.returncode == 2 else Incomplete)(message, hint=hint)


def _do(directory: NodeDirectory, arguments: list[str]) -> Published | rotation.Logged:
    match arguments:
        case []:
            return publish(directory)
        case ["rotate", expires, kind]:
            until = datetime.fromisoformat(expires) if expires else None
            return rotation.rotate(directory, datetime.now(UTC), until, configured=kind == "next")
        case ["revoke", key, start, reason]:
            return rotation.revoke(directory, key, int(start) if start else None, reason, datetime.now(UTC))
    raise InputError(f"nothing that the signer does: {arguments[0]}")


def main() -> None:
    """The entry point of the process."""
    try:
        done = _do(NodeDirectory(Path(sys.argv[1])), sys.argv[2:])
    except WheelwitnessError as error:
        sys.stderr.write(f"{error}\n{error.hint}".strip() + "\n")
        sys.exit(2 if isinstance(error, InputError) else 5)
    sys.stdout.write(json.dumps(asdict(done)) + "\n")


if __name__ == "__main__":
    main()
