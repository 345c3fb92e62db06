"""How much of a machine a node may take: when it works, and with how much disk and network. Pure but for the gate."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field

from witness.limits import MIB

_HOURS: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


class LimitsConfig(BaseModel):
    """`[limits]` of `node.toml`. 0 and an empty string: no bound."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    memory_mb: Annotated[int, Field(alias="memory-mb", ge=0)] = 0
    cores: Annotated[float, Field(ge=0, le=1024)] = 0.0
    nice: Annotated[int, Field(ge=0, le=19)] = 10
    cache_mb: Annotated[int, Field(alias="cache-mb", ge=0)] = 20_000
    free_mb: Annotated[int, Field(alias="free-mb", ge=0)] = 1_000
    download_mb: Annotated[int, Field(alias="download-mb", ge=0)] = 0
    hours: Annotated[str, Field(pattern=f"^({_HOURS.pattern})?$")] = ""
    zone: Annotated[str, Field(max_length=60)] = ""


@dataclass(frozen=True, slots=True)
class Day:
    """What was downloaded on a day, in UTC, as the ledger keeps it."""

    date: str
    received: int

    @classmethod
    def parse(cls, text: str, now: datetime) -> "Day":
        """The day of `now`: as in `text`, or nothing so far."""
        date, _, received = text.partition(" ")
        today = now.date().isoformat()
        return cls(today, int(received) if date == today and received.isdecimal() else 0)

    def plus(self, received: int) -> str:
        """The text with `received` bytes more."""
        return f"{self.date} {self.received + received}"


@dataclass(frozen=True, slots=True)
class Caps:
    """The caps of a node with its cache at `cache`. Called, it says why nothing may be started, or nothing.

    Args:
        free: gives the free bytes of the file system that holds a path.
    """

    limits: LimitsConfig
    places: tuple[Path, ...]
    free: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free

    def why_not(self, now: datetime, received: Day) -> str:
        """Why nothing may be started `now`, in words; empty if nothing stands against it."""
        if not within(self.limits.hours, now.astimezone(zone_of(self.limits.zone)).time()):
            return f"outside of the hours {self.limits.hours}"
        if self.limits.download_mb and received.received >= self.limits.download_mb * MIB:
            return f"{self.limits.download_mb} MB have been downloaded today"
        for place in self.places:
            try:
                free = self.free(place)
            except OSError as error:  # it was removed, or its disk is gone
                return f"{place}: {error.strerror}"
            if free < self.limits.free_mb * MIB:
                return f"{place}: {free // MIB} MB are free, less than {self.limits.free_mb}"
        return ""


def within(hours: str, now: time) -> bool:
    """Whether `now` is in `hours`, such as 22:00-06:00. The same hour twice is all day."""
    match = _HOURS.fullmatch(hours)
    if match is None:
        return True
    first, last, second, final = map(int, match.groups())
    start, end = time(first, last), time(second, final)
    clock = now.replace(tzinfo=None)
    return start <= clock < end if start < end else clock >= start or clock < end


def zone_of(name: str) -> ZoneInfo | None:
    """The time zone of that name, or the machine's own, as None. Raises ValueError."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name}: no such time zone") from None
