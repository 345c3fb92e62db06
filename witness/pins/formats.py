"""The formats of files that name packages, as data: how each is told by name and by content, and what reads it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from witness.errors import InputError
from witness.pins import pdm_lock, pipfile_lock, poetry_lock, pylock, sbom, uv_lock
from witness.pins.document import Document
from witness.pins.release import Locked


@dataclass(frozen=True, slots=True)
class Format:
    """A format.

    Args:
        name: what `--input-format` and reports call it.
        filename: what files of it are called, if there is a rule.
        syntax: what it is written in.
        resembles: whether a document's top level is that of this format. Never raises.
        parse: what makes releases of a document. Raises InputError.
    """

    name: str
    filename: re.Pattern[str] | None
    syntax: Literal["toml", "json"]
    resembles: Callable[[dict[str, Any]], bool]
    parse: Callable[[Document], Locked]


def _is_pylock(top: dict[str, Any]) -> bool:
    return "lock-version" in top and "packages" in top


def _is_uv(top: dict[str, Any]) -> bool:
    return "version" in top and "metadata" not in top and ("package" in top or "requires-python" in top)


def _metadata_has(key: str) -> Callable[[dict[str, Any]], bool]:
    def resembles(top: dict[str, Any]) -> bool:
        metadata = top.get("metadata")
        return isinstance(metadata, dict) and key in metadata

    return resembles


def _has(key: str) -> Callable[[dict[str, Any]], bool]:
    return lambda top: key in top


FORMATS: Final = (
    Format("pylock.toml", re.compile(r"pylock(?:\.[^.]+)?\.toml"), "toml", _is_pylock, pylock.parse),
    Format("uv.lock", re.compile(r"uv\.lock"), "toml", _is_uv, uv_lock.parse),
    Format("poetry.lock", re.compile(r"poetry\.lock"), "toml", _metadata_has("lock-version"), poetry_lock.parse),
    Format("pdm.lock", re.compile(r"pdm(?:\.[^.]+)?\.lock"), "toml", _metadata_has("lock_version"), pdm_lock.parse),
    Format("Pipfile.lock", re.compile(r"Pipfile\.lock"), "json", _has("_meta"), pipfile_lock.parse),
    Format("CycloneDX", re.compile(r".+\.cdx\.json|bom\.json"), "json", _has("bomFormat"), sbom.parse_cyclonedx),
    Format("SPDX", re.compile(r".+\.spdx\.json"), "json", _has("spdxVersion"), sbom.parse_spdx),
)  # fmt: skip
REQUIREMENTS: Final = "requirements"
NAMES: Final = (REQUIREMENTS, *(item.name for item in FORMATS))


def by_name(name: str) -> Format | None:
    """The format that a file's name promises."""
    return next((item for item in FORMATS if item.filename and item.filename.fullmatch(name)), None)


def by_content(document: Document) -> Format | None:
    """The format whose top level the document has; None if it is of no known one, or neither TOML nor JSON."""
    syntax = "json" if document.text.lstrip()[:1] == "{" else "toml"
    try:
        top = document.json if syntax == "json" else document.toml
    except InputError:
        return None
    return next((item for item in FORMATS if item.syntax == syntax and item.resembles(top)), None)


def parse_format(name: str) -> Format | None:
    """The format called `name`, in any case; None for requirements files. Raises InputError."""
    if name.casefold() == REQUIREMENTS:
        return None
    for item in FORMATS:
        if item.name.casefold() == name.casefold():
            return item
    raise InputError(f"--input-format: no such format: {name!r}", hint=f"Choose from {', '.join(NAMES)}.")
