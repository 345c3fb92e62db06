"""pip requirements files as pins: `name==version` with `--hash=sha256:…`, nested `-r` and `-c` files, markers.

Read by pip's own grammar (pip-requirements-parser). What it cannot parse is an `InputError`: a line that pip may
install and we skipped would be a hole. Markers are evaluated for the running interpreter, as pip would, or for the
environment that the user names.

A hash stands for a file, but the line does not say for which: wheels of several platforms and the sdist look
alike. All of them become one pin; `witness.pinned` says what its verdict is. A line without a SHA-256, or without
one exact version, cannot be looked up by digest and becomes an entry of kind `error`, never a silent pass.

Constraints (`-c`) name no package of their own; they lend version and hashes to requirements, as in pip.
`--index-url`, `--extra-index-url` and `--find-links` hold for all lines of all files, so each pin may come from any
of these places.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pip_requirements_parser import InstallRequirement

from witness.digest import SHA256_HEX
from witness.errors import InputError, Malformed
from witness.escape import printable
from witness.limits import MIB
from witness.names import WheelName
from witness.pins import encoded
from witness.pins.addresses import last_part
from witness.pins.pin import Origin, Pin, Pins, Recognised, Unpinned
from witness.pins.public import is_address
from witness.pins.target import Target

MAX_FILE: Final = 16 * MIB
MAX_INCLUDED: Final = 200  # files, each as often as it is included
FORMAT: Final = "requirements"
_SHA256: Final = "sha256:"
_REGENERATE: Final = "pin it with --hash (uv pip compile --generate-hashes, pip-compile --generate-hashes)"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A requirement line, taken apart. `version` is None unless it is exact; `url` is that of a wheel, if any."""

    origin: Origin
    text: str
    project: str
    version: Version | None
    sha256: frozenset[str]
    local: str = ""
    url: str = ""
    filename: str | None = None


@dataclass(frozen=True, slots=True)
class _File:
    """A requirements file: where it is, what it is called, and where what it includes is looked for."""

    path: Path
    shown: str
    folder: Path

    def origin(self, line: int) -> Origin:
        return Origin(self.shown, line)


@dataclass(slots=True)
class _Reading:
    """What has been gathered so far, over all nested files."""

    target: Target | None
    files: int = 0
    index: str = ""
    no_index: bool = False
    more_indexes: list[str] = field(default_factory=list)
    find_links: list[str] = field(default_factory=list)
    entries: list[_Entry] = field(default_factory=list)
    constraints: list[_Entry] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def sources(self) -> tuple[str, ...]:
        """Where pip would look: the indexes, and places of links. None stands for its default index alone."""
        indexes = [] if self.no_index else [self.index, *self.more_indexes]
        return tuple(dict.fromkeys(place for place in (*indexes, *self.find_links) if place))

    def take(self, options: dict[str, Any]) -> None:
        """Remembers where pip is told to look."""
        self.index = str(options.get("index_url") or self.index)
        self.no_index = bool(options.get("no_index") or self.no_index)
        self.more_indexes += map(str, options.get("extra_index_urls") or ())
        self.find_links += map(str, options.get("find_links") or ())


def read_requirements(
    path: Path, target: Target | None = None, *, shown: str | None = None, folder: Path | None = None
) -> Pins:
    """The pins of the requirements file at `path` and of those that it includes.

    Args:
        path: the file.
        target: the environment for which markers are evaluated; None for the running one.
        shown: what the file is called, if that is not its path.
        folder: to what included files are relative, if not to the file's own directory.

    Raises:
        InputError: a file cannot be read, a line cannot be parsed, files include each other in a circle, or two
            lines contradict each other. Names the file and the line.
    """
    reading = _Reading(target)
    top = _File(path, shown or str(path), folder or path.parent)
    _read(top, reading, is_constraint=False, including=())
    constraints: dict[str, _Entry] = {}
    for entry in reading.constraints:
        known = constraints.get(entry.project)
        constraints[entry.project] = entry if known is None else _merge(known, entry)
    pins: dict[tuple[str, str, frozenset[str]], Pin] = {}
    unpinned: list[Unpinned] = []
    for entry in reading.entries:
        constraint = constraints.get(entry.project)
        merged = entry if constraint is None or entry.local else _merge(entry, constraint)
        resolved = _resolve(merged, reading.sources)
        if isinstance(resolved, Unpinned):
            unpinned.append(resolved)
        else:
            pins.setdefault((resolved.project, resolved.version, resolved.sha256), resolved)
    recognised = Recognised(top.shown, FORMAT)
    return Pins(tuple(pins.values()), tuple(unpinned), tuple(reading.notes), (recognised,))


def _read(file: _File, reading: _Reading, *, is_constraint: bool, including: tuple[Path, ...]) -> None:
    chain = (*including, file.path.resolve())
    reading.files += 1
    if reading.files > MAX_INCLUDED:
        raise InputError(f"{printable(file.shown)}: more than the {MAX_INCLUDED} included files allowed")
    for line in _parse(file):
        origin = file.origin(line.line_number)
        if not isinstance(line, InstallRequirement):
            reading.take(line.options)
            for nested, nested_is_constraint in _includes(line.options):
                target = _included(file, nested, origin, chain)
                _read(target, reading, is_constraint=is_constraint or nested_is_constraint, including=chain)
            continue
        if not _applies(line, origin, reading.target):
            excluded = reading.target or "this interpreter"
            reading.notes.append(f"{origin}: left out, its marker excludes {excluded}: {_shown(line)}")
            continue
        (reading.constraints if is_constraint else reading.entries).append(_entry(line, origin))


def _parse(file: _File) -> list[Any]:
    """Requirements and option lines in the order of the file."""
    shown = printable(file.shown)
    try:
        size = file.path.stat().st_size
    except OSError as error:
        raise InputError(f"{shown}: {error.strerror}") from None
    if size > MAX_FILE:
        raise InputError(f"{shown}: larger than any requirements file")
    try:
        parsed = encoded.parse(file.path)
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


def _included(file: _File, nested: str, origin: Origin, chain: tuple[Path, ...]) -> _File:
    includes = f"{_at(origin)}: includes {printable(nested)}"
    if "://" in nested:
        raise InputError(f"{includes}, which is not fetched", hint="Include a local copy.")
    target = file.folder / nested
    try:
        found = target.is_file()
    except (OSError, ValueError):  # a name that no file can have, a directory that is closed, NUL
        found = False
    if not found:
        raise InputError(f"{includes}: no such file", hint="Mend the path; it is relative.")
    if target.resolve() in chain:
        raise InputError(f"{includes}, which includes it in turn", hint="Break the circle.")
    return _File(target, str(target), target.parent)


def _applies(line: Any, origin: Origin, target: Target | None) -> bool:
    try:
        if target is not None and line.marker is not None:
            return bool(line.marker.evaluate({**target.markers, "extra": ""}))
        return bool(line.match_marker())
    except Exception as error:  # noqa: BLE001 - whatever a marker of a stranger's file sets off
        raise InputError(f"{_at(origin)}: its marker cannot be evaluated: {printable(str(error))}") from None


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
                f"{_at(origin)}: not a SHA-256 digest: {printable(digest, limit=80)}", hint=_REGENERATE
            )
    entry = _Entry(
        origin=origin,
        text=_shown(line),
        project=canonicalize_name(line.name or ""),
        version=None if local else _exact(line),
        sha256=frozenset(digests),
        local=local,
    )
    return _with_address(entry, line) if line.link is not None and not line.is_editable else entry


def _with_address(entry: _Entry, line: Any) -> _Entry:
    """`entry` as the wheel at its address, if it has one with a name and a SHA-256."""
    url = str(line.link.url_without_fragment)
    told = line.link.hash if line.link.hash_name == "sha256" else None
    digests = entry.sha256 | ({told} if told and SHA256_HEX.fullmatch(told) else set())
    if not is_address(url) or not digests:
        return entry
    try:
        name = WheelName.parse(last_part(url))
    except Malformed:
        return entry
    if entry.project not in ("", name.project):
        raise InputError(f"{_at(entry.origin)}: {name.filename} is not a wheel of {entry.project}")
    return replace(
        entry,
        project=name.project,
        version=name.version,
        filename=name.filename,
        sha256=digests,
        local="",
        url=url,
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
            f"{_at(entry.origin)}: {entry.project} is {entry.version} here and {constraint.version} "
            f"at {_at(constraint.origin)}",
            hint="Give it one version.",
        )
    digests = entry.sha256 & constraint.sha256
    if entry.sha256 and constraint.sha256 and not digests:
        raise InputError(
            f"{_at(entry.origin)}: {entry.project} has no hash in common with {_at(constraint.origin)}"
        )
    return replace(
        entry,
        version=entry.version or constraint.version,
        sha256=digests or entry.sha256 or constraint.sha256,
    )


def _resolve(entry: _Entry, sources: tuple[str, ...]) -> Pin | Unpinned:
    if entry.local:
        return Unpinned(entry.text, "not-applicable", entry.local, entry.origin)
    if entry.version is None:
        return Unpinned(entry.text, "error", f"not pinned to one version (==): {_REGENERATE}", entry.origin)
    if not entry.sha256:
        return Unpinned(entry.text, "error", f"no sha256: {_REGENERATE}", entry.origin)
    return Pin(
        project=entry.project,
        version=str(entry.version),
        sha256=entry.sha256,
        origin=entry.origin,
        filename=entry.filename,
        sources=(entry.url,) if entry.url else sources,
    )


def _at(origin: Origin) -> str:
    """`origin` for messages: an included file's name comes from whoever wrote the line."""
    return printable(str(origin))


def _shown(line: Any) -> str:
    return printable(" ".join(line.line.split(" --hash")[0].split()), limit=120)
