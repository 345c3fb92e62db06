"""What a published wheel reveals of how it was built: its generator, tags, times and modes."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.parser import HeaderParser
from typing import Final

from witness.errors import Malformed
from witness.wheel.reader import Wheel

_GENERATOR: Final = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)\s*\(?(?P<version>[A-Za-z0-9_.+!-]+)?\)?")

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

    @property
    def single_moment(self) -> Moment | None:
        """The one time that all members have, if so."""
        return next(iter(self.moments.values())) if len(set(self.moments.values())) == 1 else None

    @property
    def payload_moments(self) -> dict[str, Moment]:
        """Times of the members outside `.dist-info` and `.data`."""
        apart = (self.dist_info, f"{self.dist_info.removesuffix('.dist-info')}.data")
        return {path: time for path, time in self.moments.items() if path.split("/")[0] not in apart}


def wheel_facts(wheel: Wheel) -> WheelFacts:
    """Raises Malformed if the wheel has no readable WHEEL or METADATA."""
    about = _headers(wheel, "WHEEL")
    metadata = _headers(wheel, "METADATA")
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
    )


def as_utc(moment: Moment) -> datetime | None:
    """The moment read as UTC; None if it is no date at all."""
    try:
        return datetime(*moment, tzinfo=UTC)
    except ValueError:
        return None


def _headers(wheel: Wheel, name: str) -> Message:
    path = f"{wheel.dist_info}/{name}"
    try:
        return HeaderParser().parsestr(wheel.read(path).decode("utf-8"))
    except UnicodeDecodeError:
        raise Malformed(f"{path} is not UTF-8") from None
