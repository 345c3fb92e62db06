"""One environment that is installed into: its markers (PEP 508) and the tags of wheels that it takes (PEP 425)."""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, cast

from packaging.markers import Marker, default_environment
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms, platform_tags, sys_tags

from witness.errors import InputError
from witness.escape import printable
from witness.names import WheelName

CURRENT: Final = "current"
_VERSION: Final = re.compile(r"3\.([0-9]{1,2})", re.ASCII)
_MANYLINUX: Final = re.compile(r"(manylinux|musllinux)_([0-9]{1,2})_([0-9]{1,3})_([a-z0-9_]+)", re.ASCII)
_LEGACY: Final = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
_MAC: Final = re.compile(r"macosx_([0-9]{1,2})_([0-9]{1,2})_(arm64|x86_64)", re.ASCII)
_PLAIN: Final = re.compile(r"(linux_[a-z0-9_]+|win32|win_amd64|win_arm64)", re.ASCII)
_MACHINES: Final = {"win32": "x86", "win_amd64": "AMD64", "win_arm64": "ARM64"}
_EVERYTHING: Final = re.compile(r"\b(extras?|dependency_groups)\b")
_EXAMPLES: Final = "manylinux_2_28_x86_64, musllinux_1_2_aarch64, macosx_14_0_arm64, win_amd64"


@dataclass(frozen=True)
class Target:
    """An environment. `text` is what messages call it."""

    text: str
    markers: Mapping[str, str]
    tags: frozenset[Tag]

    def __str__(self) -> str:
        return self.text

    def takes(self, wheel: WheelName) -> bool:
        """Whether an installer would consider the wheel."""
        return not self.tags.isdisjoint(wheel.tags)

    def meets(self, marker: Marker) -> bool:
        """Whether `marker` holds; True if it asks for extras or groups, which nobody named: rather too much."""
        if _EVERYTHING.search(str(marker)):
            return True
        return marker.evaluate(dict(self.markers))


def target_of(python: str | None, platform: str | None) -> Target | None:
    """The environment of `--python` and `--platform`: None if neither is given.

    Args:
        python: `3.X`, or `current`. Without it, the running one's version.
        platform: a platform tag. Without it, the running one's.

    Raises:
        InputError: not such a version or tag.
    """
    if python is None and platform is None:
        return None
    version = None if python is None or python == CURRENT else _minor(python)
    if version is None and platform is None:
        running = default_environment()
        text = f"this Python {running['python_version']}"
        return Target(text, cast("Mapping[str, str]", running), frozenset(sys_tags()))
    minor = sys.version_info[1] if version is None else version
    platforms = list(platform_tags()) if platform is None else list(_platforms(platform))
    tags = {
        *cpython_tags((3, minor), platforms=platforms),
        *compatible_tags((3, minor), interpreter=f"cp3{minor}", platforms=platforms),
    }
    shown = "this platform" if platform is None else platform
    markers = _markers(minor, None if platform is None else platforms[-1])
    return Target(f"Python 3.{minor} on {shown}", markers, frozenset(tags))


def _minor(text: str) -> int:
    found = _VERSION.fullmatch(text)
    if not found:
        raise InputError(f"--python: not a version such as 3.12: {printable(text, limit=40)}")
    return int(found[1])


def _platforms(text: str) -> Iterator[str]:
    """Every platform tag that one which takes `text` takes, and at last its plain name."""
    for old, (major, minor) in _LEGACY.items():
        if text.startswith(f"{old}_"):
            text = f"manylinux_{major}_{minor}_{text.removeprefix(f'{old}_')}"
    if found := _MANYLINUX.fullmatch(text):
        family, major, most, machine = found[1], int(found[2]), int(found[3]), found[4]
        for minor in range(most, -1, -1):
            yield f"{family}_{major}_{minor}_{machine}"
            old_names = (old for old, told in _LEGACY.items() if told == (major, minor))
            yield from (f"{old}_{machine}" for old in old_names if family == "manylinux")
        yield f"linux_{machine}"
    elif found := _MAC.fullmatch(text):
        yield from mac_platforms((int(found[1]), int(found[2])), found[3])
        yield text
    elif _PLAIN.fullmatch(text):
        yield text
    else:
        shown = printable(text, limit=60)
        raise InputError(f"--platform: not a platform tag: {shown}", hint=f"For example {_EXAMPLES}.")


def _markers(minor: int, platform: str | None) -> dict[str, str]:
    """The variables of PEP 508 for CPython 3.`minor`, as far as `platform` tells them; without it, as they are here."""
    told = cast("dict[str, str]", dict(default_environment()))
    told |= {"python_version": f"3.{minor}", "python_full_version": f"3.{minor}.0"}
    told |= {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
    told |= {"implementation_version": f"3.{minor}.0"}
    if platform is None:
        return told
    if platform.startswith("win"):
        system = ("nt", "win32", "Windows", _MACHINES[platform])
    elif platform.startswith("macosx"):
        system = ("posix", "darwin", "Darwin", platform.split("_", 3)[3])
    else:
        system = ("posix", "linux", "Linux", platform.removeprefix("linux_"))
    names = ("os_name", "sys_platform", "platform_system", "platform_machine")
    return told | dict(zip(names, system, strict=True)) | {"platform_release": "", "platform_version": ""}
