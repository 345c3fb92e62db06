"""An installed environment as pins, without a wheel at hand: what each distribution holds, as its wheel held it.

An installer keeps no digest of a wheel, but RECORD, and the files. From both follows the digest that observations sign
as `recordDigest` (witness.wheel.manifest), if what the installer did is undone: RECORD itself, bytecode without a hash,
scripts of entry points and the installer's own files are left out; scripts and data that were moved get the place that
they had in the wheel. Every file is read, so one that was changed after it was installed is found.

Which files a wheel may have been is what the user's index says of the release; it is asked by a function passed in.
"""

import base64
import csv
import io
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Final

from packaging.tags import Tag, parse_tag
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from witness.canonical import loads
from witness.errors import InputError, Malformed
from witness.escape import printable
from witness.limits import ARCHIVE, MIB
from witness.pins.pin import Origin, Pin, Pins, Recognised, Unpinned
from witness.wheel.manifest import SIGNATURES, Member, record_digest

MAX_TEXT: Final = 32 * MIB
_CHUNK: Final = MIB
# Written by installers (PEP 376, 610, 627; uv's own), whatever the wheel has.
_INSTALLERS: Final = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")
_SCRIPTS: Final = ("console_scripts", "gui_scripts")


@dataclass(frozen=True, slots=True)
class Installed:
    """A distribution in an environment, with the record digest that its wheel must have had, and the wheel's tags."""

    project: str
    version: str
    tags: frozenset[Tag]
    record: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Environment:
    """A prefix, and the directories in it where packages are."""

    prefix: Path
    packages: tuple[Path, ...]


Finder = Callable[[Sequence[Installed]], Sequence[Pin | Unpinned]]


def environment_at(path: Path) -> Environment:
    """The virtual environment, or the directory of packages, at `path`. Raises InputError if it is neither."""
    shown = printable(str(path))
    found = tuple(sorted(path.glob("lib/python3*/site-packages"))) or tuple(path.glob("Lib/site-packages"))
    if found:
        return Environment(path, found)
    if not path.is_dir() or not any(path.glob("*.dist-info")):
        hint = "Give a virtual environment, or a directory such as lib/python3.12/site-packages."
        raise InputError(f"{shown}: no environment: nothing is installed there", hint=hint)
    return Environment(path.parents[2] if path.parent.parent.name == "lib" else path, (path,))


def read_environment(path: Path, find: Finder) -> Pins:
    """The pins of what is installed at `path`. `find` says which published file each may have been.

    Raises:
        InputError: there is no environment.
        FetchFailed: of `find`.
    """
    environment = environment_at(path.absolute())
    listed: set[Path] = set()
    entries: list[Installed | Unpinned] = []
    for packages in environment.packages:
        for info in sorted(packages.iterdir()):
            if info.name.endswith(".dist-info") and info.is_dir():
                entries.append(_Distribution(info, environment.prefix, listed).read())
            elif info.name.endswith((".egg-info", ".egg-link", ".egg")):
                origin = Origin(str(info))
                entries.append(Unpinned(info.name, "not-applicable", "installed without a wheel", origin))
    found = find([entry for entry in entries if isinstance(entry, Installed)])
    unpinned = [entry for entry in entries if isinstance(entry, Unpinned)]
    return Pins(
        pins=tuple(entry for entry in found if isinstance(entry, Pin)),
        unpinned=(
            *unpinned,
            *(entry for entry in found if isinstance(entry, Unpinned)),
            *_unlisted(environment, listed),
        ),
        inputs=(Recognised(str(path), "environment"),),
    )


class _Changed(Exception):
    """What is on disk is not what RECORD says, or cannot be told."""


@dataclass(frozen=True, slots=True)
class _Distribution:
    """One `.dist-info` directory. What its RECORD lists is added to `listed`."""

    info: Path
    prefix: Path
    listed: set[Path]

    def read(self) -> Installed | Unpinned:
        origin = Origin(str(self.info / "RECORD"))
        name, _, version = self.info.name.removesuffix(".dist-info").rpartition("-")
        text = printable(f"{canonicalize_name(name)}=={version}", limit=120)
        try:
            Version(version)
            members = list(self._members(self._rows(), self._generated()))
            if reason := self._elsewhere():
                return Unpinned(text, "not-applicable", reason, origin)
            tags = self._tags()
        except _Changed as error:
            return Unpinned(text, "error", printable(str(error), limit=300), origin)
        except InvalidVersion:
            return Unpinned(text, "error", "its directory's name has no version", origin)
        record = record_digest(members, self.info.name)
        return Installed(canonicalize_name(name), str(Version(version)), tags, record, origin)

    def _rows(self) -> list[tuple[str, str]]:
        """Paths and hashes as RECORD has them."""
        text = self._text("RECORD")
        if text is None:
            raise _Changed("it has no RECORD")
        rows: list[tuple[str, str]] = []
        try:
            for row in csv.reader(io.StringIO(text, newline=""), strict=True):
                if len(row) != 3 or len(rows) == ARCHIVE.members:
                    raise _Changed("its RECORD is not rows of three, or has too many")
                rows.append((row[0], row[1]))
        except csv.Error as error:
            raise _Changed(f"its RECORD cannot be read: {error}") from None
        return rows

    def _members(self, rows: list[tuple[str, str]], generated: frozenset[str]) -> Iterator[Member]:
        own = {f"{self.info.name}/{name}" for name in (*_INSTALLERS, "RECORD", *SIGNATURES)}
        left = ARCHIVE.total
        for path, told in rows:
            place = self._place(path)
            self.listed.add(place)
            made = path.endswith(".pyc") and not told
            inside = _relative(place, self.info.parent)
            if path in own or made or (inside is None and place.name in generated):
                continue
            size, digest, head = _digest(place, path, left)
            left -= size
            if told and told != _as_recorded(digest):
                raise _Changed(f"{path} is not what RECORD says: it was changed after it was installed")
            if inside is not None:
                yield Member(path, executable=False, size=size, sha256=digest)
            else:
                yield self._moved(place, size, digest, head)

    def _moved(self, place: Path, size: int, digest: str, head: bytes) -> Member:
        """A script, or data, as it was in the wheel's `.data` directory."""
        data = f"{self.info.name.removesuffix('.dist-info')}.data"
        inside = _relative(place, self.prefix)
        parts = PurePosixPath(inside or place.name)
        if parts.parts[0] not in ("bin", "Scripts"):
            return Member(f"{data}/data/{parts}", executable=False, size=size, sha256=digest)
        name = f"{data}/scripts/{PurePosixPath(*parts.parts[1:])}"
        first, line_feed, rest = head.partition(b"\n")
        if not (line_feed and first.startswith(b"#!" + os.fsencode(self.prefix))):
            return Member(name, executable=False, size=size, sha256=digest)
        restored = b"#!python\n" + rest  # PEP 427: what the installer rewrote
        return Member(name, executable=False, size=len(restored), sha256=sha256(restored).hexdigest())

    def _place(self, path: str) -> Path:
        place = Path(os.path.normpath(self.info.parent / path))
        if _relative(place, self.prefix) is None or "\0" in path:
            raise _Changed(f"its RECORD lists {path}, which is outside of the environment")
        return place

    def _generated(self) -> frozenset[str]:
        """Names of the scripts that an installer makes of entry points."""
        parser = ConfigParser(delimiters=("=",), interpolation=None, strict=False)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        try:
            parser.read_string(self._text("entry_points.txt") or "")
        except ConfigError:
            return frozenset()
        names = [name for group in _SCRIPTS if parser.has_section(group) for name in parser.options(group)]
        return frozenset(f"{name}{suffix}" for name in names for suffix in ("", ".exe", "-script.py"))

    def _elsewhere(self) -> str:
        """Why it is of no published file, by PEP 610; empty if it came from an index."""
        text = self._text("direct_url.json")
        if text is None:
            return ""
        try:
            value = loads(text.encode(), what="direct_url.json", limit=MAX_TEXT)
        except Malformed:
            raise _Changed("its direct_url.json cannot be read") from None
        if isinstance(value, dict) and "vcs_info" in value:
            return "installed from a version control system"
        if isinstance(value, dict) and "dir_info" in value:
            return "installed from a directory, not from a published file"
        return "installed from a path or URL"

    def _tags(self) -> frozenset[Tag]:
        text = self._text("WHEEL") or ""
        told = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("Tag:")]
        try:
            return frozenset(tag for text in told for tag in parse_tag(text))
        except ValueError:
            raise _Changed("its WHEEL has a tag that is none") from None

    def _text(self, name: str) -> str | None:
        path = self.info / name
        try:
            if not stat.S_ISREG(path.stat().st_mode) or path.stat().st_size > MAX_TEXT:
                raise _Changed(f"its {name} is no regular file, or too large")
            return path.read_bytes().decode("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError):
            raise _Changed(f"its {name} cannot be read") from None


def _as_recorded(digest: str) -> str:
    """A digest as RECORD writes it: Base64 for URLs, without padding (PEP 427)."""
    return "sha256=" + base64.urlsafe_b64encode(bytes.fromhex(digest)).rstrip(b"=").decode()


def _digest(place: Path, path: str, left: int) -> tuple[int, str, bytes]:
    """Size, digest, and the content itself, unless it is too long for a script."""
    state, size, head = sha256(), 0, b""
    try:
        if not stat.S_ISREG(place.stat().st_mode):
            raise _Changed(f"{path} is no regular file")
        with place.open("rb") as file:
            while chunk := file.read(_CHUNK):
                head = head or chunk
                state.update(chunk)
                size += len(chunk)
                if size > left:
                    raise _Changed("it has more bytes than a wheel may unpack to")
    except (FileNotFoundError, NotADirectoryError):
        raise _Changed(f"{path} is listed in RECORD, and not there") from None
    except (OSError, ValueError) as error:
        raise _Changed(f"{path} cannot be read: {error}") from None
    return size, state.hexdigest(), head if size == len(head) else b""


def _relative(place: Path, folder: Path) -> str | None:
    return place.relative_to(folder).as_posix() if place.is_relative_to(folder) else None


def _unlisted(environment: Environment, listed: set[Path]) -> Iterator[Unpinned]:
    """One entry for the files that no distribution lists. Bytecode is not counted: installers and Python write it."""
    found = [
        Path(folder) / name
        for packages in environment.packages
        for folder, _, names in os.walk(packages)
        for name in names
        if not name.endswith(".pyc") and ".dist-info" not in folder and Path(folder) / name not in listed
    ]
    if found:
        files = "file" if len(found) == 1 else "files"
        names = ", ".join(printable(path.name, limit=60) for path in sorted(found)[:3])
        reason = f"of no distribution, such as {names}: no witness can speak of them"
        text = f"{len(found)} {files} more"
        yield Unpinned(text, "not-applicable", reason, Origin(str(environment.packages[0])))
