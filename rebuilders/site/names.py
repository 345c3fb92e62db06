"""The lists of projects, as a tree of prefixes: no list is longer than a page bears. Pure.

A node of the tree is a prefix. If few names begin with it, it lists them, and is a leaf; else it has a node for each
next character. So a new name changes the lists on its own way down, and no others.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

MOST: Final = 250  # names in one list
DEEPEST: Final = 12  # characters; longer common beginnings share a list, however long


class Counted(Protocol):
    """Names that can be counted."""

    def count(self, prefix: str, most: int) -> int:
        """How many begin with `prefix`, or `most` if they are more."""


@dataclass(frozen=True, slots=True)
class Ends:
    """The prefixes on the way to a name, from the root, the last of which is a leaf."""

    inner: tuple[str, ...]
    leaf: str

    def __iter__(self) -> Iterator[str]:
        yield from self.inner
        yield self.leaf


def way_to(name: str, names: Counted) -> Ends:
    """The lists that `name` is in or below."""
    inner: list[str] = []
    for length in range(min(len(name), DEEPEST) + 1):
        prefix = name[:length]
        if length == min(len(name), DEEPEST) or is_leaf(prefix, names):
            return Ends(tuple(inner), prefix)
        inner.append(prefix)
    raise AssertionError("the last prefix is a leaf")


def is_leaf(prefix: str, names: Counted) -> bool:
    """Whether the node lists names."""
    return len(prefix) >= DEEPEST or names.count(prefix, MOST + 1) <= MOST


def words_of(name: str) -> list[str]:
    """What a name is found by: itself, and what follows each of its hyphens."""
    parts = name.split("-")
    return list(dict.fromkeys("-".join(parts[start:]) for start in range(len(parts)) if parts[start]))
