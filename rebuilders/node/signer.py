"""The process that holds the node's keys: signs, logs and publishes what waits in the outbox. Runs no build.

Started by itself as `python -m rebuilders.node.signer DIR`; writes one JSON line, {"count", "first", "size",
"refused": [{"name", "reason"}]}.
"""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rebuilders.node import keys
from rebuilders.node.apart import run_apart
from rebuilders.node.config import NodeDirectory
from witness.errors import InputError, WheelwitnessError
from witness.publish import Published, publish_outbox
from witness.store.directory import DirectoryStore

_PATIENCE: Final = 60.0  # seconds for `rebuilder cosign`, which takes the log's lock for moments


def publish(directory: NodeDirectory) -> Published:
    """Publishes the outbox of the node in `directory`, in this process."""
    config = directory.load()
    signers = keys.load(directory, config)
    return publish_outbox(
        directory.outbox,
        DirectoryStore(directory.site),
        directory.state,
        signers,
        now=datetime.now(UTC),
        patience=_PATIENCE,
    )


def publish_apart(directory: NodeDirectory) -> dict[str, Any]:
    """The same in a process of its own, so that this one never reads a key.

    Raises:
        InputError: the signer says that something of the node cannot be used.
        Incomplete: the signer failed.
    """
    return run_apart("rebuilders.node.signer", directory.root)


def main() -> None:
    """The entry point of the process."""
    try:
        published = publish(NodeDirectory(Path(sys.argv[1])))
    except WheelwitnessError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2 if isinstance(error, InputError) else 5)
    sys.stdout.write(json.dumps(asdict(published)) + "\n")


if __name__ == "__main__":
    main()
