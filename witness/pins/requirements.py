"""pip requirements files as pins: `name==version` with `--hash=sha256:…`, nested `-r` and `-c` files, markers.

Read by pip's own grammar (pip-requirements-parser). What it cannot parse is an `InputError`: a line that pip may
install and we skipped would be a hole. Markers are evaluated for the running interpreter, as pip would.

A hash stands for a file, but the line does not say for which: wheels of several platforms and the sdist look
alike. All of them become one pin; `witness.pinned` says what its verdict is. A line without a SHA-256, or without
one exact version, cannot be looked up by digest and becomes an entry of kind `error`, never a silent pass.

Constraints (`-c`) name no package of their own; they lend version and hashes to requirements, as in pip.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pip_requirements_parser import InstallRequirement

from witness.digest import SHA256_HEX
from witness.errors import InputError
from witness.escape import printable
from witness.limits import MIB
from witness.pins import encoded
from witness.pins.pin import Origin, Pin, Pins, Unpinned

MAX_FILE: Final = 16 * MIB
_SHA256: Final = "sha256:"
_REGENERATE: Final = "pin it with --hash (uv pip compile --generate-hashes, pip-compile --generate-hashes)"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A requirement line, taken apart. `version` is None unless it is exact."""

    origin: Origin
    text: str
    project: str
    version: Version | None
    sha256: frozenset[str]
    local: str = ""


@dataclass(slots=True)
class _Reading:
    """What has been gathered so far, over all nested files."""

    entries: list[_Entry] = field(default_factory=list)
    constraints: list[_Entry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_requirements(path: Path) -> Pins:
    """The pins of the requirements file at `path` and of those that it includes.

    Raises:
        InputError: a file cannot be read, a line cannot be parsed, files include each other in a circle, or two
            lines contradict each other. Names the file and the line.
    """
    reading = _Reading()
    _read(path, reading, is_constraint=False, including=())
    constraints: dict[str, _Entry] = {}
    for entry in reading.constraints:
        known = constraints.get(entry.project)
        constraints[entry.project] = entry if known is None else _merge(known, entry)
    pins: dict[tuple[str, str, frozenset[str]], Pin] = {}
    unpinned: list[Unpinned] = []
    for entry in reading.entries:
        constraint = constraints.get(entry.project)
        resolved = _resolve(entry if constraint is None or entry.local else _merge(entry, constraint))
        if isinstance(resolved, Unpinned):
            unpinned.append(resolved)
        else:
            pins.setdefault((resolved.project, resolved.version, resolved.sha256), resolved)
    return Pins(tuple(pins.values()), tuple(unpinned), tuple(reading.notes))


def _read(path: Path, reading: _Reading, *, is_constraint: bool, including: tuple[Path, ...]) -> None:
    chain = (*including, path.resolve())
    for line in _parse(path):
        origin = Origin(str(path), line.line_number)
        if not isinstance(line, InstallRequirement):
            for nested, nested_is_constraint in _includes(line.options):
                target = _included(path, nested, origin, chain)
                _read(target, reading, is_constraint=is_constraint or nested_is_constraint, including=chain)
            continue
        if not _applies(line, origin):
            reading.notes.append(f"{origin}: left out, its marker excludes this interpreter: {_shown(line)}")
            continue
        (reading.constraints if is_constraint else reading.entries).append(_entry(line, origin))


def _parse(path: Path) -> list[Any]:
    """Requirements and option lines in the order of the file."""
    shown = printable(str(path))
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"{shown}: {error.strerror}") from None
    if size > MAX_FILE:
        raise InputError(f"{shown}: larger than any requirements file")
    try:
        parsed = encoded.parse(path)
    except Exception as error:  # noqa: BLE001 - the parser is pip's, and raises whatever it meets
        raise InputError(f"{shown}: not a requirements file: {printable(str(error))}") from None
    for invalid in sorted(parsed.invalid_lines, key=lambda item: item.line_number):
        problem = printable(" ".join(str(invalid.error_message).split()), limit=200)
        raise InputError(
            f"{shown}:{invalid.line_number}: not a requirement: {printable(invalid.line, limit=120)}: {problem}",
            hint="Mend or remove the line; nothing is skipped in silence.",
        )
    return sorted([*parsed.requirements, *parsed.options], key=lambda item: item.line_number)


def _includes(options: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    yield from ((str(name), False) for name in options.get("requirements", ()))
    yield from ((str(name), True) for name in options.get("constraints", ()))


def _included(path: Path, nested: str, origin: Origin, chain: tuple[Path, ...]) -> Path:
    shown = printable(nested)
    if "://" in nested:
        raise InputError(f"{origin}: includes {shown}, which is not fetched", hint="Include a local copy.")
    target = path.parent / nested
    if not target.is_file():
        raise InputError(f"{origin}: includes {shown}: no such file", hint="Mend the path; it is relative.")
    if target.resolve() in chain:
        raise InputError(f"{origin}: includes {shown}, which includes it in turn", hint="Break the circle.")
    return target


def _applies(line: Any, origin: Origin) -> bool:
    try:
        return bool(line.match_marker())
    except Exception as error:  # noqa: BLE001 - whatever a marker of a stranger's file sets off
        raise InputError(f"{origin}: its marker cannot be evaluated: {printable(str(error))}") from None


def _entry(line: Any, origin: Origin) -> _Entry:
    local = ""
    if line.is_editable:
        local = "installed from a checkout (editable), not from a published file"
    elif line.link is not None:
        local = (
            "installed from a version control system" if line.is_vcs_url else "installed from a path or URL"
        )
    hashes = (str(option).lower() for option in line.hash_options)
    digests = [text.removeprefix(_SHA256) for text in hashes if text.startswith(_SHA256)]
    for digest in digests:
        if not SHA256_HEX.fullmatch(digest):
            raise InputError(
                f"{origin}: not a SHA-256 digest: {printable(digest, limit=80)}", hint=_REGENERATE
            )
    return _Entry(
        origin=origin,
        text=_shown(line),
        project=canonicalize_name(line.name or ""),
        version=None if local else _exact(line),
        sha256=frozenset(digests),
        local=local,
    )


def _exact(line: Any) -> Version | None:
    specifiers = list(line.specifier or ())
    if len(specifiers) != 1 or specifiers[0].operator not in ("==", "==="):
        return None
    try:
        return Version(specifiers[0].version)
    except InvalidVersion:  # ==1.*, or an arbitrary string after ===
        return None


def _merge(entry: _Entry, constraint: _Entry) -> _Entry:
    """`entry` with what `constraint` lends it."""
    if entry.version is not None and constraint.version is not None and entry.version != constraint.version:
        raise InputError(
            f"{entry.origin}: {entry.project} is {entry.version} here and {constraint.version} at {constraint.origin}",
            hint="Give it one version.",
        )
    digests = entry.sha256 & constraint.sha256
    if entry.sha256 and constraint.sha256 and not digests:
        raise InputError(f"{entry.origin}: {entry.project} has no hash in common with {constraint.origin}")
    return _Entry(
        origin=entry.origin,
        text=entry.text,
        project=entry.project,
        version=entry.version or constraint.version,
        sha256=digests or entry.sha256 or constraint.sha256,
        local=entry.local,
    )


def _resolve(entry: _Entry) -> Pin | Unpinned:
    if entry.local:
        return Unpinned(entry.text, "not-applicable", entry.local, entry.origin)
    if entry.version is None:
        return Unpinned(entry.text, "error", f"not pinned to one version (==): {_REGENERATE}", entry.origin)
    if not entry.sha256:
        return Unpinned(entry.text, "error", f"no sha256: {_REGENERATE}", entry.origin)
    return Pin(entry.project, str(entry.version), entry.sha256, entry.origin)


def _shown(line: Any) -> str:
    return printable(" ".join(line.line.split(" --hash")[0].split()), limit=120)
