"""What a wheel shows of the setuptools that built it, where its `Generator` names only the version of wheel.

Measured by building one project with each release of setuptools around every boundary.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from rebuilders.facts.wheel import WheelFacts

_LICENSE_FILES: Final = ("LICEN", "COPYING", "NOTICE", "AUTHORS")


@dataclass(frozen=True, slots=True)
class Era:
    """A row: where `seen` holds, setuptools was within `constraint`; `observed` says it in words."""

    observed: str
    constraint: str
    seen: Callable[[WheelFacts], bool]


def _carries_licenses(wheel: WheelFacts) -> bool:
    names = (path.rsplit("/", 1)[-1] for path in wheel.moments if path.startswith(f"{wheel.dist_info}/"))
    return any(name.upper().startswith(_LICENSE_FILES) for name in names)


def _unlisted_licenses(wheel: WheelFacts) -> bool:
    return _carries_licenses(wheel) and not wheel.header("License-File")


SETUPTOOLS: Final = (
    Era(
        "METADATA names the license files",
        "setuptools>=57.0.0",
        lambda wheel: bool(wheel.header("License-File")),
    ),
    Era("license files that METADATA does not name", "setuptools<57.0.0", _unlisted_licenses),
    Era(
        "METADATA says Platform: UNKNOWN",
        "setuptools<62.2.0",
        lambda wheel: "UNKNOWN" in wheel.header("Platform"),
    ),
    Era("METADATA ends with two empty lines", "setuptools<62.2.0", lambda wheel: wheel.blank_tail >= 2),
    Era("METADATA has no Platform", "setuptools>=62.2.0", lambda wheel: not wheel.header("Platform")),
    Era(
        "entry_points.txt ends with an empty line",
        "setuptools<60.9.3",
        lambda wheel: wheel.entry_points.replace("\r\n", "\n").endswith("\n\n"),
    ),
)


def setuptools_eras(wheel: WheelFacts) -> Iterator[Era]:
    """The rows that hold for `wheel`, without repeating a constraint."""
    told = set()
    for era in SETUPTOOLS:
        if era.seen(wheel) and era.constraint not in told:
            told.add(era.constraint)
            yield era
