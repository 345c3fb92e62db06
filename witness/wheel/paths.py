"""Members' names that some file system, installer or terminal takes for others than they are.

Memory stays in proportion to the names, however deep and many: sorted neighbours are compared, no sets of parents kept.
"""

import unicodedata
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from itertools import pairwise
from typing import Final

from witness.wheel.entry import Entry, Finding

_SEPARATOR: Final = "\0"  # sorts in front of every character, so that a directory's members follow it at once
# What Windows opens as a device, whatever the directory and the suffix ("Naming Files, Paths, and Namespaces").
_DEVICES: Final = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{port}{digit}" for port in ("com", "lpt") for digit in "0123456789¹²³"}
)


def name_findings(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Names that are no plain relative paths, that collide, or that only some installers make a directory of."""
    for entry in entries:
        if not _is_plain(entry.name):
            yield Finding(entry.name, "unsafe-name")
    yield from collisions([entry.name for entry in entries])
    yield from _empty_directories(entries)


def collisions(names: Sequence[str]) -> Iterator[Finding]:
    """Names of which some file system keeps one: there, the order of the members decides which.

    Some fold case, some normalise, and ZFS does either in each of Unicode's forms; so NFKC and case folding, which
    brings together whatever any of them does.
    """
    keyed = sorted((_key(name), name) for name in names)
    for (key, name), (other_key, other) in pairwise(keyed):
        if key == other_key:
            yield Finding(other, "duplicate-name" if name == other else "colliding-name")
        elif other_key.startswith(key + _SEPARATOR) and not name.endswith("/"):
            yield Finding(name, "colliding-name")
        elif _spells_a_directory_differently(name, other):
            yield Finding(other, "colliding-name")


def install_findings(paths: Collection[str], dist_info: str) -> Iterator[Finding]:
    """Members at the top and below `.data` that land on one path: which of them stays is the installer's choice."""
    data = f"{dist_info.removesuffix('.dist-info')}.data/"
    schemes = tuple(f"{data}{scheme}/" for scheme in ("purelib", "platlib"))
    moved = {path: path.split("/", 2)[2] for path in paths if path.startswith(schemes)}
    if moved:
        for finding in collisions([moved.get(path, path) for path in paths]):
            yield Finding(finding.path, "colliding-install-path")


def is_device(path: str) -> bool:
    """Whether Windows takes some part of `path` for a device."""
    return any(part.split(".", 1)[0].rstrip(" ").casefold() in _DEVICES for part in path.split("/"))


def _spells_a_directory_differently(name: str, other: str) -> bool:
    for ours, theirs in zip(name.split("/")[:-1], other.split("/")[:-1], strict=False):
        if ours != theirs:
            return fold(ours) == fold(theirs)
    return False


def _empty_directories(entries: Sequence[Entry]) -> Iterator[Finding]:
    """Pip makes no directory of its own accord, uv makes each: an empty one can be imported, and can shadow."""
    files = sorted(entry.name for entry in entries if not entry.is_dir)
    for entry in entries:
        if entry.is_dir:
            at = bisect_left(files, entry.name)
            if at == len(files) or not files[at].startswith(entry.name):
                yield Finding(entry.name, "empty-directory")


def _key(name: str) -> str:
    return _SEPARATOR.join(map(fold, name.removesuffix("/").split("/")))


def fold(part: str) -> str:
    """What of one part of a path is left where neither case nor composition counts."""
    if part.isascii():
        return part.casefold()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", part).casefold())


def _is_plain(name: str) -> bool:
    """Whether it is a relative path with nothing in it that any system or terminal treats specially."""
    return (
        all(
            part not in ("", ".", "..") and not part.endswith((" ", "."))
            for part in name.removesuffix("/").split("/")
        )
        and not any(char in '\\:*?"<>|' for char in name)
        and not any(unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Cs", "Cn") for char in name)
    )
