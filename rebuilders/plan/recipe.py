"""How to build, as data: a candidate before its requirements are locked, a recipe after."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from witness.canonical import dumps
from witness.digest import sha256_hex

# How files are unpacked: with the modes that the sdist has, those that the umask leaves, or those of Windows.
Modes = Literal["archive", "umask", "windows"]
# The PEP 517 hook; the same, with the directories of an in-tree backend on sys.path as pyproject-hooks had them before
# 1.1; or what publishers ran before there were hooks: `setup.py bdist_wheel`.
Frontend = Literal["pep517", "pep517-sys-path", "setup.py"]
# What a line written in text mode ends with: on Windows, crlf.
LineEnds = Literal["lf", "crlf"]
# When a candidate is worth trying: first, or after the one before it could not be resolved or built, or differed.
After = Literal["start", "unresolved", "failed", "mismatch"]

# What makes builds repeatable and is invisible in a wheel that was built without it.
STEADY: Final = {
    "LC_ALL": "C.UTF-8",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "TZ": "UTC",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One decision in words, and the evidence for it."""

    decision: str
    because: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """One guess at how the wheel was built.

    `python` is a minor version, such as 3.11. `by_itself`: built by the wheel that the best recipe so far made, for a
    project that is its own build backend.
    """

    python: str
    requirements: tuple[str, ...]
    constraints: tuple[str, ...]
    as_of: datetime | None
    ask_backend: bool
    variables: dict[str, str] = field(default_factory=lambda: dict(STEADY))
    umask: int = 0o022
    modes: Modes = "archive"
    frontend: Frontend = "pep517"
    options: tuple[str, ...] = ()
    line_ends: LineEnds = "lf"
    by_itself: bool = False
    after: After = "start"
    reasons: tuple[Reason, ...] = ()

    @property
    def question(self) -> tuple[object, ...]:
        """What it comes to, whatever the reasons: two candidates with one question get one answer."""
        variables = tuple(sorted(self.variables.items()))
        return (
            self.python, self.requirements, self.constraints, self.as_of, self.ask_backend, variables, self.umask,
            self.modes, self.frontend, self.options, self.line_ends, self.by_itself,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """What is tried, in this order. `definition` is there if one has changed the candidates."""

    backend: str
    candidates: tuple[Candidate, ...]
    definition: Reason | None = None


@dataclass(frozen=True, slots=True)
class Locked:
    """One distribution of a build environment, as a wheel.

    `source` and `recipe` are there where the index has no wheel of it: the SHA-256 of the sdist that the wheel was
    built from here, and the digest of the recipe that it was built with.
    """

    name: str
    version: str
    filename: str
    url: str
    sha256: str
    size: int | None = None
    source: str = ""
    recipe: str = ""

    @property
    def identity(self) -> str:
        """What a recipe says of it.

        Of what was built here, what it was built from: its own bytes may hold the time of the build.
        """
        if self.source:
            return f"{self.name}=={self.version} sdist-sha256:{self.source} recipe-sha256:{self.recipe}"
        return f"{self.name}=={self.version} sha256:{self.sha256}"


@dataclass(frozen=True, slots=True)
class Recipe:
    """An exact build environment and command. Two nodes with the same recipe should build the same bytes."""

    interpreter: str  # such as "CPython 3.11.7"
    platform: str
    requirements: tuple[Locked, ...]
    variables: dict[str, str]
    umask: int
    modes: Modes
    backend: str
    frontend: Frontend = "pep517"
    options: tuple[str, ...] = ()
    line_ends: LineEnds = "lf"

    @property
    def digest(self) -> str:
        """The SHA-256 of the recipe's RFC 8785 form."""
        return sha256_hex(
            dumps(
                {
                    "schema": "recipe/1",
                    "interpreter": self.interpreter,
                    "platform": self.platform,
                    "requirements": [requirement.identity for requirement in self.requirements],
                    "variables": self.variables,
                    "umask": f"{self.umask:03o}",
                    "modes": self.modes,
                    "backend": self.backend,
                    "frontend": self.frontend,
                    "options": list(self.options),
                    "lineEnds": self.line_ends,
                }
            )
        )
