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
        "5d4e496575ae7f95b6e01f56f0d941564c5187615e08d4156cf6247ebd4f4a2d",  # of one below another
    }
)


def is_namespace_file(path: str, content: bytes, dist_info: str, sources: Sources) -> bool:
    """Whether `path` is what setuptools makes of the namespace packages that the sdist declares."""
    stem = dist_info.removesuffix(".dist-info")
    declared = declared_namespaces(sources)
    if not declared or not path.startswith(stem) or not _FILE.fullmatch(path[len(stem) :]):
        return False
    names = sorted(package for name in declared for package in _with_parents(name))
    lines = content.decode("utf-8", "replace").split("\n")
    if lines.pop():
        return False
    # A package that is the parent of two has two lines, or in later releases of setuptools one.
    return any(
        len(lines) == len(listed)
        and all(_skeleton(line, name) in _LINES for line, name in zip(lines, listed, strict=True))
        for listed in (names, sorted(set(names)))
    )


def declared_namespaces(sources: Sources) -> tuple[str, ...]:
    """The namespace packages in the list that setuptools left in the sdist; none if it is no such list."""
    listed = sources.egg_text("namespace_packages.txt") or b""
    names = tuple(listed.decode("utf-8", "replace").split())
    fits = len(listed) <= _MAX_TEXT and all(_NAME.fullmatch(name) for name in names)
    return names if fits else ()


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
