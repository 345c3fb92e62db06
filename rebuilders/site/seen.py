"""What pages and lists need of an observation, as a value; and of which project a file is. Pure."""

from dataclasses import dataclass
from typing import Final

from packaging.version import InvalidVersion, Version

from rebuilders.site.paths import UNNAMED
from witness.errors import Malformed
from witness.names import SdistName, WheelName
from witness.statement import Statement

_OLDEST: Final = Version("0.dev0")


@dataclass(frozen=True, slots=True)
class Seen:
    """An observation: entry `index` of the log of `source`, a number. `finished` is in seconds since 1970."""

    source: int
    index: int
    project: str
    version: str
    filename: str
    sha256: str
    method: str
    result: str
    level: str
    exact: bool
    finished: int
    differences: int
    cause: str

    @property
    def order(self) -> tuple[Version, str]:
        """Sorts files of a project, oldest version first."""
        return version_of(self.version), self.filename


def seen(source: int, index: int, said: Statement) -> Seen:
    """`said`, which is entry `index` of the log of `source`."""
    observed, held = said.observation, said.observation.comparison
    project, version = project_of(said.filename)
    return Seen(
        source=source,
        index=index,
        project=project,
        version=version,
        filename=said.filename,
        sha256=said.sha256,
        method=observed.method,
        result=observed.result,
        level=observed.level or "",
        exact=bool(held and held.archive_exact),
        finished=int(observed.attempt.finished_at.timestamp()),
        differences=held.differences_total if held else 0,
        cause=observed.failure.cause if observed.failure else "",
    )


def project_of(filename: str) -> tuple[str, str]:
    """The normalised project and the version in a file's name; `UNNAMED` and nothing if it tells none."""
    for parse in (WheelName.parse, SdistName.parse):
        try:
            name = parse(filename)
        except Malformed:
            continue
        return name.project, str(name.version)
    return UNNAMED, ""


def version_of(text: str) -> Version:
    """The version in `text`, or the oldest that there is."""
    try:
        return Version(text)
    except InvalidVersion:
        return _OLDEST
