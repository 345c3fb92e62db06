"""The process that holds the node's keys: signs, logs and publishes what waits in the outbox. Runs no build.

Started by itself as `python -m rebuilders.node.signer DIR`; writes one JSON line, {"count", "first", "size",
"refused": [{"name", "reason"}], "committed"}.
"""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

from rebuilders.node import keys, rotation
from rebuilders.node.apart import WAY_OUT, run_apart, tell_error
from rebuilders.node.config import NodeConfig, NodeDirectory
from witness.errors import InputError, WheelwitnessError
from witness.publish import Committing, Published, publish_outbox
from witness.store.directory import DirectoryStore

_PATIENCE: Final = 60.0  # seconds for `rebuilder cosign`, which takes the log's lock for moments
# Of the environment, where the process signs without a key: what identity tokens are asked for with.
_AMBIENT: Final = (
    *("GITHUB_ACTIONS", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"),
    *("GITLAB_CI", "SIGSTORE_ID_TOKEN"),
    *("BUILDKITE", "BUILDKITE_AGENT_ACCESS_TOKEN", "BUILDKITE_AGENT_ENDPOINT", "BUILDKITE_JOB_ID"),
    "GOOGLE_SERVICE_ACCOUNT_NAME",
)


_Done: TypeAlias = Published | rotation.Logged | rotation.LogKey | rotation.Cosigning


def publish(directory: NodeDirectory) -> Published:
    """Publishes the outbox of the node in `directory`, in this process."""
    config = directory.load()
    now = datetime.now(UTC)
    with keys.alone(directory):
        keys.use_next_log(directory, config)
        signers = keys.load(directory, config) if config.sigstore else rotation.ready(directory, config, now)
        rotation.tell_cosigner(directory, signers.cosigners)
        return publish_outbox(
            directory.outbox,
            DirectoryStore(directory.site),
            directory.state,
            signers,
            now=now,
            patience=_PATIENCE,
            committing=Committing(config.commit_hours, config.canaries) if config.commit else None,
            cosigner_keys=[key for peer in config.peer for key in peer.cosigner_keys],
        )


def needed(config: NodeConfig) -> tuple[str, ...]:
    """The variables of the environment that signing takes. Of tokens, only the one that is used."""
    named = sorted(config.signer.environment)
    if config.sigstore is None:
        return tuple(named)
    return (*named, *WAY_OUT, *((config.sigstore.token,) if config.sigstore.token else _AMBIENT))


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


def rotate_log_apart(directory: NodeDirectory) -> dict[str, Any]:
    """`rotation.rotate_log` in a process of its own. Raises as `publish_apart`."""
    return _apart(directory, "log")


def add_cosigner_key_apart(directory: NodeDirectory, algorithm: str) -> dict[str, Any]:
    """`rotation.add_cosigner_key` in a process of its own. Raises as `publish_apart`."""
    return _apart(directory, "cosigner", algorithm)


def retire_cosigner_key_apart(directory: NodeDirectory) -> dict[str, Any]:
    """`rotation.retire_cosigner_key` in a process of its own. Raises as `publish_apart`."""
    return _apart(directory, "retire")


def _apart(directory: NodeDirectory, *arguments: str) -> dict[str, Any]:
    more = needed(directory.load())
    return run_apart("rebuilders.node.signer", directory.root, more, arguments)


def _do(directory: NodeDirectory, arguments: list[str]) -> _Done:
    match arguments:
        case []:
            return publish(directory)
        case ["rotate", expires, kind]:
            until = datetime.fromisoformat(expires) if expires else None
            return rotation.rotate(directory, datetime.now(UTC), until, configured=kind == "next")
        case ["revoke", key, start, reason]:
            return rotation.revoke(directory, key, int(start) if start else None, reason, datetime.now(UTC))
        case ["cosigner", algorithm]:
            return rotation.add_cosigner_key(directory, algorithm)
        case ["log"]:
            return rotation.rotate_log(directory)
        case ["retire"]:
            return rotation.retire_cosigner_key(directory)
    raise InputError(f"nothing that the signer does: {arguments[0]}")


def main() -> None:
    """The entry point of the process."""
    try:
        done = _do(NodeDirectory(Path(sys.argv[1])), sys.argv[2:])
    except WheelwitnessError as error:
        tell_error(error)
    sys.stdout.write(json.dumps(asdict(done)) + "\n")


if __name__ == "__main__":
    main()
