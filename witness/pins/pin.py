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
    """One entry with the SHA-256 of every file that it allows: at least one.

    `filename` is known where the file itself is at hand; `path` then says where, and `digests` what it holds, if it is
    a wheel that can be read (see witness.evidence.Artifact).
    """

    project: str
    version: str
    sha256: frozenset[str]
    origin: Origin
    filename: str | None = None
    path: Path | None = None
    digests: tuple[str, str] | None = None

    def __str__(self) -> str:
        return self.filename or f"{self.project}=={self.version}"


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
class Pins:
    """Everything that one or more inputs name. `notes` says what was left out, one line each."""

    pins: tuple[Pin, ...] = ()
    unpinned: tuple[Unpinned, ...] = ()
    notes: tuple[str, ...] = ()

    def __add__(self, other: "Pins") -> "Pins":
        return Pins(
            self.pins + other.pins,
            self.unpinned + other.unpinned,
            tuple(dict.fromkeys(self.notes + other.notes)),
        )
