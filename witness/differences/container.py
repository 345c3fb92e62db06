"""What differs in the ZIP container alone, between wheels with the same members: for people. Pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from witness.wheel.entry import Entry
from witness.wheel.reader import Wheel


@dataclass(frozen=True, slots=True)
class ContainerChange:
    """A field of ZIP headers that differs in `count` members, of which `path` is the first, with both values."""

    field: str
    count: int
    path: str
    published: str
    rebuilt: str


def _moment(entry: Entry) -> str:
    return "{:04d}-{:02d}-{:02d} {:02d}:{:02d}:{:02d}".format(*entry.moment)


_FIELDS: Final[tuple[tuple[str, Callable[[Entry], str]], ...]] = (
    ("time", _moment),
    ("mode", lambda entry: f"{entry.mode:06o}"),
    ("compression", lambda entry: {0: "stored", 8: "deflated"}.get(entry.method, f"method {entry.method}")),
    ("compressed size", lambda entry: f"{entry.compressed_size} bytes"),
    ("made by", lambda entry: f"system {entry.made_by >> 8}, version {entry.made_by & 0xFF}"),
    ("version needed", lambda entry: str(entry.version)),
    ("flags", lambda entry: f"{entry.flags:#06x}"),
    ("extra fields", lambda entry: f"{len(entry.extra)} and {len(entry.local_extra)} bytes"),
    ("attributes", lambda entry: f"{entry.external & 0xFFFF:#06x}, internal {entry.internal:#06x}"),
)


def container_changes(published: Wheel, rebuilt: Wheel) -> tuple[ContainerChange, ...]:
    """The fields that differ in members that both wheels have, and their order. Each value is printable."""
    return tuple(_changes(published, rebuilt))


def _changes(published: Wheel, rebuilt: Wheel) -> Iterator[ContainerChange]:
    names = [entry.name for entry in published.archive.entries if entry.name in rebuilt.entries]
    others = [entry.name for entry in rebuilt.archive.entries if entry.name in published.entries]
    moved = [name for name, other in zip(names, others, strict=False) if name != other]
    if moved:
        places = (f"member {held.index(moved[0]) + 1}" for held in (names, others))
        yield ContainerChange("order", len(moved), moved[0], *places)
    for field, value in _FIELDS:
        pairs = ((name, value(published.entries[name]), value(rebuilt.entries[name])) for name in names)
        found = [pair for pair in pairs if pair[1] != pair[2]]
        if found:
            yield ContainerChange(field, len(found), *found[0])
