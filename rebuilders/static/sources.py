"""The files of an sdist that declare something of the wheel, each parsed at most once."""

from collections.abc import Iterator
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from rebuilders.facts.sdist import Sdist
from rebuilders.static.setup_py import setup_arguments
from witness.errors import Malformed

_MAX_TEXT: Final = 1024 * 1024


@dataclass(frozen=True)
class Sources:
    """The files of an sdist that declare something, parsed at most once."""

    sdist: Sdist
    project: str

    @cached_property
    def setup_py(self) -> dict[str, Any]:
        return setup_arguments(self.sdist.facts.texts.get("setup.py", ""))

    @cached_property
    def setup_cfg(self) -> ConfigParser:
        return _config(self.sdist.facts.texts.get("setup.cfg", ""))

    @cached_property
    def egg_info(self) -> str:
        """The directory that setuptools left in the sdist; nothing if there is none, or several."""
        found = [path for path in self.sdist.facts.members if path.endswith(".egg-info/PKG-INFO")]
        return found[0].removesuffix("/PKG-INFO") if len(found) == 1 else ""

    def egg_text(self, name: str) -> bytes | None:
        """A file in the directory `egg_info`."""
        path = f"{self.egg_info}/{name}"
        held = self.sdist.facts.members.get(path) if self.egg_info else None
        if held is None or held.size > _MAX_TEXT:
            return None
        try:
            return bytes(self.sdist.content(path))
        except Malformed:
            return None

    def table(self, *keys: str) -> dict[str, Any]:
        """A table in pyproject.toml; empty if there is none."""
        value: Any = self.sdist.facts.pyproject
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        return value if isinstance(value, dict) else {}


def directory(text: object) -> str | None:
    """A directory below the sdist's top as a beginning of paths; None if it is none."""
    if not isinstance(text, str) or text.startswith("/") or "\\" in text or len(text) > 1000:
        return None
    parts = [part for part in text.split("/") if part not in ("", ".")]
    return None if ".." in parts else "".join(f"{part}/" for part in parts)


def _config(text: str) -> ConfigParser:
    parser = ConfigParser(interpolation=None, delimiters=("=", ":"))
    parser.optionxform = str  # type: ignore[assignment, method-assign] # names of entry points have case
    try:
        parser.read_string(text)
    except ConfigError:
        return ConfigParser()
    return parser


def option(sources: Sources, section: str, name: str) -> str:
    for spelling in (name, name.replace("_", "-")):
        if sources.setup_cfg.has_option(section, spelling):
            return sources.setup_cfg.get(section, spelling)
    return ""


def pairs(text: str) -> Iterator[tuple[str, str]]:
    for line in text.replace(",", "\n").splitlines() if "\n" not in text.strip() else text.splitlines():
        name, separator, value = line.partition("=")
        if separator:
            yield name.strip(), value.strip()


def strings(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list | tuple) else ()


def plain_path(path: str) -> str:
    return (directory(path.strip()) or "").rstrip("/")
