"""Projects, versions and distribution file names as parsed values (PEP 427, PEP 440, PEP 503, PEP 625)."""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from packaging.tags import Tag
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from witness.errors import InputError, Malformed

PROJECT: Final = re.compile(r"[A-Z0-9](?:[A-Z0-9._-]*[A-Z0-9])?", re.IGNORECASE | re.ASCII)
MAX_FILENAME: Final = 255


@dataclass(frozen=True, slots=True)
class WheelName:
    """A wheel's file name. `project` is normalised; `filename` is what PyPI serves, unchanged."""

    filename: str
    project: str
    version: Version
    build: str
    tags: frozenset[Tag]

    @classmethod
    def parse(cls, filename: str) -> "WheelName":
        """Raises Malformed unless `filename` is one of PEP 427."""
        _check_filename(filename)
        try:
            project, version, build, tags = parse_wheel_filename(filename)
        except (InvalidWheelFilename, InvalidVersion) as error:
            raise Malformed(f"{filename!r} is not a wheel's file name: {error}") from None
        return cls(filename, project, version, "".join(map(str, build)), tags)

    def agrees_with(self, other: "WheelName") -> bool:
        """Whether both name the same wheel, in whatever spelling: project, version, build tag and set of tags."""
        return (self.project, self.version, self.build, self.tags) == (
            other.project, other.version, other.build, other.tags)  # fmt: skip

    @property
    def is_pure(self) -> bool:
        """Whether the name promises to run everywhere (`none-any`)."""
        return all(tag.abi == "none" and tag.platform == "any" for tag in self.tags)


@dataclass(frozen=True, slots=True)
class SdistName:
    """An sdist's file name: `.tar.gz` (PEP 625) or one of the older `.zip` files."""

    filename: str
    project: str
    version: Version

    @classmethod
    def parse(cls, filename: str) -> "SdistName":
        """Raises Malformed unless `filename` is one of an sdist."""
        _check_filename(filename)
        try:
            project, version = parse_sdist_filename(filename)
        except (InvalidSdistFilename, InvalidVersion) as error:
            raise Malformed(f"{filename!r} is not an sdist's file name: {error}") from None
        return cls(filename, project, version)


@dataclass(frozen=True, slots=True)
class TargetName:
    """What a user names on a command line: a release, or one file of it."""

    project: str
    version: Version
    wheel: WheelName | None = None

    @classmethod
    def parse(cls, text: str) -> "TargetName":
        """From `name==version` or a wheel's file name. Raises InputError otherwise."""
        text = text.strip()
        if len(text) > MAX_FILENAME:
            raise InputError(f"not a target, with its {len(text)} characters: {text[:80]!r}…")
        if text.endswith(".whl"):
            try:
                wheel = WheelName.parse(text)
            except Malformed as error:
                raise InputError(str(error), hint="Name a wheel as PyPI does.") from None
            return cls(wheel.project, wheel.version, wheel)
        project, separator, version = text.partition("==")
        if not separator or not PROJECT.fullmatch(project.strip()):
            raise InputError(
                f"{text!r} is neither name==version nor a wheel's file name",
                hint="For example: six==1.17.0, or six-1.17.0-py2.py3-none-any.whl.",
            )
        try:
            return cls(canonicalize_name(project.strip()), Version(version.strip()))
        except InvalidVersion:
            raise InputError(f"{version.strip()!r} in {text!r} is not a version (PEP 440)") from None

    def __str__(self) -> str:
        return self.wheel.filename if self.wheel else f"{self.project}=={self.version}"


def purl(project: str, version: str, filename: str) -> str:
    """The package URL of one file of a release (purl-spec, type pypi)."""
    told, file_name = (quote(text, safe="") for text in (version, filename))
    return f"pkg:pypi/{project}@{told}?file_name={file_name}"


def _check_filename(filename: str) -> None:
    if len(filename) > MAX_FILENAME or not filename.isascii() or not filename.isprintable():
        raise Malformed(f"not a distribution's file name: {filename[:80]!r}")
    if "/" in filename or "\\" in filename:
        raise Malformed(f"a distribution's file name holds no path: {filename!r}")
