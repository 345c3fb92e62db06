"""What a user is about to install, as values: files that can be looked up, and entries that cannot, each with why."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an entry stands: a file, and its line if it has one."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Pin:
    """One entry with the SHA-256 of every file that it allows: at least one. A bare digest has no project.

    `filename` is known where the file itself is at hand, or the input names it. `path` says where it is at hand, and
    `digests` then what it holds, if it is a wheel that can be read (see witness.evidence.Artifact). `sources` are the
    addresses from which the input lets it come, as it writes them; none stands for PyPI (see witness.pins.public).
    `record` is the record digest of what is installed, where that is what is checked.
    """

    project: str
    version: str
    sha256: frozenset[str]
    origin: Origin
    filename: str | None = None
    path: Path | None = None
    digests: tuple[str, str] | None = None
    sources: tuple[str, ...] = ()
    record: str | None = None

    def __str__(self) -> str:
        return self.filename or (f"{self.project}=={self.version}" if self.project else self.origin.file)


@dataclass(frozen=True, slots=True)
class Unpinned:
    """An entry that no digest stands for.

    `not-applicable`: witnesses could not know it (a local path, a checkout, an sdist).
    `error`: they might, if it were pinned by digest; it must never pass in silence.
    """

    text: str
    kind: Literal["not-applicable", "error"]
    reason: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Recognised:
    """What an input was taken for: its format, and the version of the format's schema, empty if it has none."""

    file: str
    format: str
    version: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.format}" + (f", version {self.version}" if self.version else "")


@dataclass(frozen=True, slots=True)
class Pins:
    """Everything that one or more inputs name. `notes` says what was left out, one line each.

    `unchanged` counts what was left out because another input has it too (witness.pins.change).
    """

    pins: tuple[Pin, ...] = ()
    unpinned: tuple[Unpinned, ...] = ()
    notes: tuple[str, ...] = ()
    inputs: tuple[Recognised, ...] = ()
    unchanged: int = 0

    def __add__(self, other: "Pins") -> "Pins":
        return Pins(
            self.pins + other.pins,
            self.unpinned + other.unpinned,
            tuple(dict.fromkeys(self.notes + other.notes)),
            tuple(dict.fromkeys(self.inputs + other.inputs)),
            self.unchanged + other.unchanged,
        )
