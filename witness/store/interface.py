"""The seam under a log and a node's site: named files that appear whole or not at all."""

import re
from typing import Final, Protocol

from witness.errors import InputError
from witness.escape import printable

# No component begins with a dot: such names are free for a store's own unfinished files. Nor is one what Windows keeps
# for devices, or ends in a dot, which it would drop.
_COMPONENT: Final = re.compile(
    r"(?!(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|\Z))[A-Za-z0-9_+-](?:[A-Za-z0-9._+-]{0,198}[A-Za-z0-9_+-])?"
)
_MAX_PATH: Final = 1024


class Store(Protocol):
    """Files by relative path, with `/` between components.

    Every method raises `InputError` for a path that is not one of ours (see `check_path`), and `Incomplete` when the
    disk, or what stands for it, fails. What a writing method did before it returned survives a power cut; when it is
    interrupted, its file is as it was before or as it was to be.
    """

    def get(self, path: str, *, limit: int) -> bytes:
        """The file's bytes.

        Raises:
            NotFound: there is none.
            FetchFailed: it has more than `limit` bytes.
        """

    def exists(self, path: str) -> bool:
        """Whether there is a file at `path`."""

    def put(self, path: str, data: bytes) -> None:
        """Makes `data` the file's bytes, in place of any before; a reader sees the one or the other."""

    def add(self, path: str, data: bytes) -> None:
        """Like `put`, for a file that never changes: adding the same bytes again does nothing.

        Raises:
            Unverified: the file is there with other bytes, and is left alone.
        """

    def remove(self, path: str) -> None:
        """Removes the file, or the directory with all that is below it. Does nothing if there is none."""


def check_path(path: str) -> None:
    """Raises `InputError` unless `path` is relative, short, and of plain components that every system can have."""
    if len(path) > _MAX_PATH or not all(_COMPONENT.fullmatch(part) for part in path.split("/")):
        raise InputError(f"not a path in a store: {printable(path, limit=80)!r}")
