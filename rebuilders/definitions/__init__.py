"""The reviewed definitions that we ship: one TOML file for each project, read when that project is rebuilt."""

import functools
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from packaging.version import Version

from rebuilders.plan.definition import Definition, parse_definitions
from witness.errors import InputError

ROOT: Traversable = files(__name__)
_SUFFIX: Final = ".toml"
_PROJECT: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)  # normalised, and so no path


def find(project: str, version: Version) -> Definition | None:
    """The first definition for that release of the normalised `project`. Raises InputError if its file is broken."""
    return next((one for one in load(project) if one.covers(version)), None)


def none(_project: str, _version: Version) -> Definition | None:
    """In place of `find`: no release has a definition."""
    return None


@functools.cache
def load(project: str) -> tuple[Definition, ...]:
    """The definitions of `project`; none, for almost every one. Raises InputError if the file is broken."""
    if not _PROJECT.fullmatch(project):
        return ()
    file = ROOT / f"{project}{_SUFFIX}"
    if not file.is_file():
        return ()
    try:
        return parse_definitions(file.read_text("utf-8"), file.name, project)
    except UnicodeDecodeError:
        raise InputError(f"{file.name}: not UTF-8") from None


def projects() -> tuple[str, ...]:
    """Those that have definitions."""
    names = (file.name for file in ROOT.iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)))
