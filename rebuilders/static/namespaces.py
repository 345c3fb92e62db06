"""The `-nspkg.pth` files that setuptools makes for the namespace packages that a project declares.

Each of its lines is code that Python runs at every start, so it must be the line of setuptools to the last byte. It
is compared by the digest of what is left of it once the names are taken out.
"""

import re
from collections.abc import Iterator
from typing import Final

from rebuilders.static.sources import Sources
from witness.digest import sha256_hex

_FILE: Final = re.compile(r"-py[23]\.\d{1,2}-nspkg\.pth")
_MAX_TEXT: Final = 4096
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_LINES: Final = frozenset(
    {
        "d3c5e4093c5e7f96c5484c773947a56e872fe1489fa71057bf60c7e04c730161",  # of a package at the top
        "f0bd6daa16c8049e5de122f8d2199bc5615982857c928f993486d1986f44198e",  # of one below another
    }
)


def is_namespace_file(path: str, content: bytes, dist_info: str, sources: Sources) -> bool:
    """Whether `path` is what setuptools makes of the namespace packages that the sdist declares."""
    stem = dist_info.removesuffix(".dist-info")
    listed = sources.egg_text("namespace_packages.txt")
    if listed is None or not path.startswith(stem) or not _FILE.fullmatch(path[len(stem) :]):
        return False
    declared = listed.decode("utf-8", "replace").split()
    if not declared or len(listed) > _MAX_TEXT or not all(_NAME.fullmatch(name) for name in declared):
        return False
    names = sorted({package for name in declared for package in _with_parents(name)})
    lines = content.decode("utf-8", "replace").split("\n")
    if lines.pop() or len(lines) != len(names):
        return False
    return all(_skeleton(line, name) in _LINES for line, name in zip(lines, names, strict=True))


def _with_parents(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.rpartition(".")[0]


def _skeleton(line: str, package: str) -> str:
    """The digest of `line` without the names of `package`, which stand in it as Python writes them."""
    if "%" in line:
        return ""
    parent, _, child = package.rpartition(".")
    for mark, text in (("%t", repr(tuple(package.split(".")))), ("%p", repr(package))):
        line = line.replace(text, mark)
    if parent:
        line = line.replace(repr(parent), "%u").replace(repr(child), "%c")
    return sha256_hex(line.encode())
