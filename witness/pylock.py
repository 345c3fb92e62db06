"""A `pylock.toml` (PEP 751) narrowed to the files that pass; whatever else it says stays. Comments are lost."""

import tomllib
from collections.abc import Mapping
from typing import Any

from witness.errors import InputError


def filtered(text: str, passing: frozenset[str], *, name: str) -> str:
    """The lock in `text` with those files alone whose SHA-256 is among `passing`, and no package without any.

    Each file keeps one hash, its SHA-256. Raises InputError if it is no such lock.
    """
    import tomli_w

    try:
        value = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{name}: not valid TOML: {error}", hint="Mend the line it names.") from None
    packages = value.get("packages")
    if not isinstance(packages, list) or not all(isinstance(item, dict) for item in packages):
        raise InputError(f"{name}: no list of packages", hint="Give a pylock.toml (PEP 751).")
    value["packages"] = [kept for item in packages if (kept := _package(item, passing))]
    return tomli_w.dumps(value)


def _package(package: Mapping[str, Any], passing: frozenset[str]) -> dict[str, Any]:
    """`package` with what passes; empty if nothing does."""
    kept = {key: item for key, item in package.items() if key not in _SOURCES}
    found: dict[str, Any] = {}
    for key in ("sdist", "archive"):
        if one := _files([package.get(key)], passing):
            found[key] = one[0]
    wheels = package.get("wheels")
    if several := _files(wheels if isinstance(wheels, list) else [], passing):
        found["wheels"] = several
    return {**kept, **found} if found else {}


_SOURCES = frozenset({"vcs", "directory", "archive", "sdist", "wheels"})


def _files(entries: list[Any], passing: frozenset[str]) -> list[dict[str, Any]]:
    return [
        {**entry, "hashes": {"sha256": digest}}
        for entry in entries
        if isinstance(entry, dict) and (digest := _sha256(entry)) in passing
    ]


def _sha256(entry: Mapping[str, Any]) -> str:
    hashes = entry.get("hashes")
    digest = hashes.get("sha256") if isinstance(hashes, dict) else None
    return digest if isinstance(digest, str) else ""
