"""What a published wheel reveals of how it was built: its generator, tags, times and modes."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.parser import HeaderParser
from typing import Final

from witness.errors import Malformed
from witness.limits import MIB
from witness.wheel.reader import Wheel

_MAX_TEXT: Final = 4 * MIB
_MAX_LINES: Final = 200_000  # of megabytes of tiny fields, `email` would make a gigabyte
_GENERATOR: Final = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)\s*\(?(?P<version>[A-Za-z0-9_.+!-]+)?\)?")

# pkg_resources' namespace packages, and scripts that are named for the Python they were built with.
_PYTHON_NAMED: Final = (
    re.compile(r"-py(3\.\d+)-nspkg\.pth$"),
    re.compile(r"^\w+-?(3\.\d+) ?=", re.MULTILINE),
)

Moment = tuple[int, int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class WheelFacts:
    """`moments` and `modes` are by path, as the archive has them: no zone, and 0 where no mode is told."""

    generator: str
    generator_version: str
    tags: tuple[str, ...]
    pure: bool
    metadata_version: str
    requires_python: str
    dist_info: str
    moments: dict[str, Moment]
    modes: dict[str, int]
    made_on_unix: bool
    headers: tuple[tuple[str, str], ...]
    metadata: str
    entry_points: str

    @property
    def single_moment(self) -> Moment | None:
        """The one time that all members have, if so."""
        return next(iter(self.moments.values())) if len(set(self.moments.values())) == 1 else None

    def header(self, name: str) -> tuple[str, ...]:
        """The values of METADATA's fields of that name, in order."""
        return tuple(value for field, value in self.headers if field == name)

    @property
    def python_tags(self) -> frozenset[str]:
        """The first parts of the wheel's tags, such as py2 and py3."""
        return frozenset(tag.split("-", 1)[0] for tag in self.tags)

    @property
    def crlf(self) -> bool:
        """Whether METADATA was written with Windows' line ends."""
        return "\r\n" in self.metadata

    @property
    def blank_tail(self) -> int:
        """How many empty lines METADATA ends with."""
        text = self.metadata.replace("\r\n", "\n")
        return len(text) - len(text.rstrip("\n")) - 1

    @property
    def named_python(self) -> str:
        """The minor version that the build wrote into the wheel by itself, or nothing."""
        for text in (*self.moments, self.entry_points):
            for pattern in _PYTHON_NAMED:
                if found := pattern.search(text):
                    return found[1]
        return ""

    @property
    def payload_moments(self) -> dict[str, Moment]:
        """Times of the members outside `.dist-info` and `.data`."""
        apart = (self.dist_info, f"{self.dist_info.removesuffix('.dist-info')}.data")
        return {path: time for path, time in self.moments.items() if path.split("/")[0] not in apart}


def wheel_facts(wheel: Wheel) -> WheelFacts:
    """Raises Malformed if the wheel has no readable WHEEL or METADATA."""
    about = HeaderParser().parsestr(_text(wheel, "WHEEL"))
    text = _text(wheel, "METADATA")
    metadata = HeaderParser().parsestr(text)
    generator = _GENERATOR.match(about.get("Generator", "").strip())
    files = [entry for entry in wheel.archive.entries if not entry.is_dir]
    return WheelFacts(
        generator=generator["name"] if generator else "",
        generator_version=(generator["version"] or "") if generator else "",
        tags=tuple(about.get_all("Tag", [])),
        pure=about.get("Root-Is-Purelib", "").strip().lower() == "true",
        metadata_version=metadata.get("Metadata-Version", ""),
        requires_python=metadata.get("Requires-Python", ""),
        dist_info=wheel.dist_info,
        moments={entry.name: entry.moment for entry in files},
        modes={entry.name: entry.mode for entry in files},
        made_on_unix=any(entry.made_by >> 8 == 3 for entry in files),
        headers=tuple((name, str(value)) for name, value in metadata.items()),
        metadata=text,
        entry_points=_text(wheel, "entry_points.txt")
        if f"{wheel.dist_info}/entry_points.txt" in wheel.members
        else "",
    )


def as_utc(moment: Moment) -> datetime | None:
    """The moment read as UTC; None if it is no date at all."""
    try:
        return datetime(*moment, tzinfo=UTC)
    except ValueError:
        return None


def _text(wheel: Wheel, name: str) -> str:
    path = f"{wheel.dist_info}/{name}"
    try:
        text = wheel.read(path, limit=_MAX_TEXT).decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed(f"{path} is not UTF-8") from None
    if text.count("\n") + text.count("\r") > _MAX_LINES:
        raise Malformed(f"{path} has more than the {_MAX_LINES} lines allowed")
    return text
