"""The audit log: JSON lines, appended, of what was offered and hidden, and to whom.

Two kinds of lines: `page`, whenever a page was made anew, with every file and its verdict; and `request`, which names
the page that was shown by its ETag. Rotation is left to others (logrotate): once a file was moved away, a new one is
begun at the old place. Whatever a client says of itself is escaped.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any, Final

from witness.errors import Incomplete
from witness.escape import printable
from witness.proxy.choice import Choice
from witness.proxy.pages import Offer

_MODE: Final = 0o640


class AuditLog:
    """Appends to `path`; to nothing, if it is None."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: int | None = None
        self._lock = Lock()

    def page(self, offer: Offer) -> None:
        """A page was made. Raises Incomplete if that cannot be written down."""
        if self._path is not None:
            self._write(
                "page",
                {
                    "page": offer.etag.strip('"'),
                    "project": offer.project,
                    "policy": offer.policy,
                    "offered": list(map(_file, offer.offered)),
                    "hidden": list(map(_file, offer.hidden)),
                },
            )

    def request(self, client: str, agent: str, path: str, status: int, etag: str) -> None:
        """A client was answered. Raises Incomplete if that cannot be written down."""
        if self._path is not None:
            self._write(
                "request",
                {
                    "client": printable(client, limit=100),
                    "agent": printable(agent, limit=300),
                    "path": printable(path, limit=300),
                    "status": status,
                    "page": etag.strip('"'),
                },
            )

    def check(self) -> None:
        """Raises Incomplete if nothing could be written down."""
        if self._path is not None:
            with self._lock:
                self._opened(self._path)

    def close(self) -> None:
        """Ends writing."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _write(self, kind: str, fields: dict[str, Any]) -> None:
        time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = (json.dumps({"time": time, "kind": kind, **fields}, separators=(",", ":")) + "\n").encode()
        path = self._path
        if path is None:
            return
        with self._lock:
            file = self._opened(path)
            try:
                while line:
                    line = line[os.write(file, line) :]
            except OSError as error:
                raise _unwritable(path, error) from None

    def _opened(self, path: Path) -> int:
        """The file that stands at `path` now."""
        try:
            if self._file is not None:
                ours = os.fstat(self._file)
                try:
                    theirs = path.stat()
                except FileNotFoundError:
                    theirs = None
                if theirs and (theirs.st_ino, theirs.st_dev) == (ours.st_ino, ours.st_dev):
                    return self._file
                os.close(self._file)
                self._file = None
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _MODE)
        except OSError as error:
            raise _unwritable(path, error) from None
        return self._file


def _unwritable(path: Path, error: OSError) -> Incomplete:
    return Incomplete(
        f"{printable(str(path))}: the audit log cannot be written: {error.strerror}",
        hint="Make room, or choose another --audit; nothing is served without it.",
    )


def _file(choice: Choice) -> dict[str, str]:
    return {
        "filename": printable(choice.file.filename, limit=300),
        "sha256": choice.file.sha256,
        "outcome": choice.outcome,
        "reason": printable(choice.reason),
    }
