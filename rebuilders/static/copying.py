"""Builds that only copy: a backend that runs no code of the project, and a project that asks for none.

Such a build can put nothing into a payload but bytes that the sdist has. A row says how a backend is recognised, what
else it may require, and which tables or files would have code run.
"""

from dataclasses import dataclass
from typing import Any, Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from rebuilders.facts.sdist import SdistFacts


@dataclass(frozen=True, slots=True)
class Copying:
    """Args: backends: values of `build-backend`. requires: all that a build may require. running: keys of
    pyproject.toml under which code would be named; files: of the sdist's top that would be run or read for that.
    """

    backends: tuple[str, ...]
    requires: tuple[str, ...]
    running: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


COPYING: Final = (
    Copying(("flit_core.buildapi", "flit.buildapi"), ("flit-core", "flit")),
    Copying(
        ("hatchling.build",),
        ("hatchling",),
        running=(
            "tool.hatch.build.hooks",
            "tool.hatch.build.targets.wheel.hooks",
            "tool.hatch.version.source",
        ),
        files=("hatch.toml", "hatch_build.py"),
    ),
    Copying(
        ("poetry.core.masonry.api",),
        ("poetry-core",),
        running=("tool.poetry.build",),
        files=("build.py",),
    ),
    Copying(("uv_build",), ("uv-build",)),
    Copying(
        ("pdm.backend",),
        ("pdm-backend",),
        running=("tool.pdm.build.custom-hook", "tool.pdm.build.run-setuptools", "tool.pdm.version"),
        files=("pdm_build.py",),
    ),
    Copying(
        ("setuptools.build_meta",),
        ("setuptools", "wheel"),
        running=("tool.setuptools.cmdclass",),
        files=("setup.py", "setup.cfg"),
    ),
)


def only_copies(facts: SdistFacts) -> bool:
    """Whether the build of this sdist runs no code of its own, as far as its files can tell."""
    system = facts.build_system or {}
    row = next((row for row in COPYING if system.get("build-backend") in row.backends), None)
    if row is None or "backend-path" in system or any(name in facts.members for name in row.files):
        return False
    if not all(_is_one_of(text, row.requires) for text in facts.build_requires or ()):
        return False
    return not any(_told(facts.pyproject, key) for key in row.running)


def _is_one_of(text: str, names: tuple[str, ...]) -> bool:
    try:
        return canonicalize_name(Requirement(text).name) in names
    except (InvalidRequirement, RecursionError):
        return False


def _told(value: Any, keys: str) -> bool:
    for key in keys.split("."):
        if not isinstance(value, dict) or key not in value:
            return False
        value = value[key]
    return True
