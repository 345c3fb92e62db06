"""The tree that an sdist's members make: that each has one place, and that every way to unpack it gives the same tree.

What is read of an sdist without unpacking it must be what the build finds once it was unpacked. So a path through a
link, and a link in the place of a file, are refused; and as PEP 721 has it, links that lead out and special files.
"""

import posixpath
from dataclasses import dataclass, field
from typing import Final, Literal

from witness.errors import Malformed
from witness.escape import printable

Kind = Literal["file", "directory", "link", "hard link", "special file"]
_MAX_PATH: Final = 1024


@dataclass(slots=True)
class Layout:
    """Takes in one member after another. Args: plain: names below the top directory that must not be links."""

    plain: tuple[str, ...]
    _kinds: dict[str, Kind] = field(default_factory=dict)
    _twice: set[str] = field(default_factory=set)
    _linked: set[str] = field(default_factory=set)

    def add(self, path: str, kind: Kind, target: str = "") -> str:
        """Returns the path of a member as everyone would write it, empty for the archive's root itself.

        Args:
            path: the member's, as the archive has it.
            kind: what it is.
            target: what a link leads to: from where it is, or for a hard link, from the archive's root.

        Raises:
            Malformed: where unpackers would differ, or something would be made outside.
        """
        spelled = _spelled(path, directory=kind == "directory")
        known = self._kinds.get(spelled)
        if known is None:
            self._kinds[spelled] = kind
        elif known != kind or kind not in ("directory", "file"):
            raise Malformed(f"{printable(spelled)}: in the archive twice, as a {known} and as a {kind}")
        elif kind == "file":
            self._twice.add(spelled)  # the later replaces the earlier, for everyone
        if kind == "special file":
            raise Malformed(f"{printable(spelled)}: neither a file nor a directory nor a link")
        if kind in ("link", "hard link"):
            self._check_link(spelled, kind, target)
        return spelled

    def check(self) -> None:
        """To be called after the last member. Raises Malformed."""
        for path in self._kinds:
            parent = posixpath.dirname(path)
            while parent and self._kinds.get(parent, "directory") == "directory":
                parent = posixpath.dirname(parent)
            if parent:
                raise Malformed(
                    f"{printable(path)}: below {printable(parent)}, which is a {self._kinds[parent]}"
                )
        tops = {path.split("/", 1)[0] for path, kind in self._kinds.items() if kind != "directory"}
        if len(tops) != 1:
            raise Malformed(f"{len(tops)} top directories instead of one")
        for path in self._linked & self._twice:
            raise Malformed(f"{printable(path)}: in the archive twice, and a hard link leads to it")

    def _check_link(self, path: str, kind: Kind, target: str) -> None:
        if path.count("/") == 1 and path.split("/")[1] in self.plain:
            raise Malformed(f"{printable(path)}: a {kind}, where a file says how to build")
        if kind == "hard link":
            spelled = _spelled(target, directory=False)
            if self._kinds.get(spelled) != "file":
                raise Malformed(f"{printable(path)}: a hard link to what is no earlier file of the archive")
            self._linked.add(spelled)
        elif not _stays(posixpath.dirname(path), target):
            raise Malformed(f"{printable(path)}: a link that leads out of the archive (PEP 721)")


def _spelled(path: str, *, directory: bool) -> str:
    path = path.removeprefix("./")
    if directory:
        path = path.rstrip("/") if path not in (".", "") else ""
        if not path:
            return ""
    parts = path.split("/")
    if not {"", ".", ".."}.isdisjoint(parts) or "\0" in path or len(path) > _MAX_PATH:
        raise Malformed(f"a member with an unsafe path: {printable(path, limit=80)}")
    return path


def _stays(directory: str, target: str) -> bool:
    """Whether a link in `directory`, as it is written, leads nowhere above the archive's root."""
    if target.startswith("/") or not target or "\0" in target:
        return False
    depth = directory.count("/") + 1 if directory else 0
    for part in target.split("/"):
        depth += -1 if part == ".." else part not in ("", ".")
        if depth < 0:
            return False
    return True
