"""Which build requirements have an sdist but no wheel: read from the index, as of the date, never from uv's words.

A walk over what the requirements name, and what the wheels chosen for them require in turn. It chooses simply, the
newest release that fits what has been asked so far, since it decides nothing: uv resolves afterwards.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag
from packaging.utils import canonicalize_name
from packaging.version import Version

from rebuilders.environment.interpreters import Interpreter
from rebuilders.environment.resolve import tags_of
from rebuilders.facts.wheel import wheel_facts
from rebuilders.index.interface import IndexFile, IndexSource
from rebuilders.plan.recipe import Candidate, Locked
from rebuilders.plan.requirement import parse_requirement
from witness.errors import Malformed, NotFound
from witness.limits import MIB
from witness.names import SdistName, WheelName
from witness.wheel.reader import read_wheel

_MAX_STEPS: Final = 256
_MAX_READ: Final = 64 * MIB  # of a wheel whose requirements are followed


@dataclass(frozen=True, slots=True)
class Gap:
    """A release that is needed and of which the index has only the sdist."""

    project: str
    version: Version
    sdist: IndexFile


@dataclass(slots=True)
class Walk:
    """What is asked of each project so far, and what it comes to.

    Args:
        built: wheels built here, which count like those of the index.
        read_built: the bytes of one of them.
    """

    index: IndexSource
    interpreter: Interpreter
    as_of: datetime | None
    built: tuple[Locked, ...]
    read_built: Callable[[Locked], bytes]
    asked: dict[str, SpecifierSet] = field(default_factory=dict)
    extras: dict[str, frozenset[str]] = field(default_factory=dict)
    gaps: dict[str, Gap] = field(default_factory=dict)

    def run(self, candidate: Candidate) -> tuple[Gap, ...]:
        """The gaps in `candidate`'s requirements. Raises FetchFailed where the index cannot be asked."""
        for text in candidate.constraints:
            constraint = parse_requirement(text)
            if self._applies(constraint, frozenset()):
                self._narrow(constraint)
        queue = deque((parse_requirement(text), frozenset[str]()) for text in candidate.requirements)
        done: set[tuple[str, SpecifierSet, frozenset[str]]] = set()
        for _ in range(_MAX_STEPS):
            if not queue:
                break
            requirement, extras = queue.popleft()
            if requirement.url is not None or not self._applies(requirement, extras):
                continue
            name = self._narrow(requirement)
            state = (name, self.asked[name], self.extras[name])
            if state not in done:
                done.add(state)
                queue.extend((item, self.extras[name]) for item in self._visit(name))
        return tuple(self.gaps.values())

    def _narrow(self, requirement: Requirement) -> str:
        name = canonicalize_name(requirement.name)
        self.asked[name] = self.asked.get(name, SpecifierSet()) & requirement.specifier
        self.extras[name] = self.extras.get(name, frozenset()) | requirement.extras
        return name

    def _applies(self, requirement: Requirement, extras: frozenset[str]) -> bool:
        marker = requirement.marker
        here = _python(self.interpreter)  # what it leaves out is as for our own Python
        try:
            return marker is None or any(marker.evaluate({**here, "extra": extra}) for extra in ("", *extras))
        except ValueError:
            return False  # it compares what cannot be compared

    def _visit(self, name: str) -> Iterator[Requirement]:
        """Notes whether the best release of `name` has a wheel, and gives what that requires."""
        self.gaps.pop(name, None)
        tags = frozenset(tags_of(self.interpreter))
        wheels, sdists = self._files(name, tags)
        if wheels:
            yield from self._requires(wheels[max(wheels)])
        elif sdists:
            newest = max(sdists)
            self.gaps[name] = Gap(name, newest, sdists[newest])

    def _files(
        self, name: str, tags: frozenset[Tag]
    ) -> tuple[dict[Version, IndexFile], dict[Version, IndexFile]]:
        """A wheel for the interpreter, and an sdist, of each release that is allowed."""
        try:
            listed = self.index.project(name).files
        except NotFound:
            listed = ()
        wheels: dict[Version, IndexFile] = {}
        sdists: dict[Version, IndexFile] = {}
        for file in filter(self._was_there, listed):
            parsed = _parse(file.filename)
            if parsed is None or parsed.project != name or not self._wanted(name, parsed.version, file):
                continue
            if isinstance(parsed, SdistName):
                sdists.setdefault(parsed.version, file)
            elif parsed.tags & tags:
                wheels.setdefault(parsed.version, file)
        for item in self.built:
            if canonicalize_name(item.name) == name and self.asked[name].contains(
                item.version, prereleases=True
            ):
                wheels[Version(item.version)] = IndexFile(item.filename, "", item.sha256, size=item.size)
        return _final_if_any(wheels, self.asked[name]), _final_if_any(sdists, self.asked[name])

    def _was_there(self, file: IndexFile) -> bool:
        return self.as_of is None or (file.upload_time is not None and file.upload_time < self.as_of)

    def _wanted(self, name: str, version: Version, file: IndexFile) -> bool:
        asked = self.asked[name]
        pinned = any(one.operator in ("==", "===") for one in asked)
        if file.yanked and not pinned:
            return False
        return asked.contains(version, prereleases=True) and _allows(
            file.requires_python, self.interpreter.version
        )

    def _requires(self, file: IndexFile) -> Iterator[Requirement]:
        if file.size is not None and file.size > _MAX_READ:
            return
        mine = next((item for item in self.built if item.sha256 == file.sha256), None)
        data = self.read_built(mine) if mine else self.index.fetch(file)
        try:
            told = wheel_facts(read_wheel(data)).header("Requires-Dist")
        except Malformed:
            return  # whoever installs it will say so
        for text in told:
            try:
                yield parse_requirement(text)
            except Malformed:
                continue


def _python(interpreter: Interpreter) -> dict[str, str]:
    """What markers say of an interpreter, where it differs from ours (PEP 508)."""
    return {
        "python_version": interpreter.minor,
        "python_full_version": interpreter.version,
        "implementation_version": interpreter.version,
        "platform_python_implementation": interpreter.implementation,
        "implementation_name": interpreter.implementation.lower(),
    }


def _parse(filename: str) -> WheelName | SdistName | None:
    try:
        return WheelName.parse(filename) if filename.endswith(".whl") else SdistName.parse(filename)
    except Malformed:
        return None


def _allows(requires_python: str, version: str) -> bool:
    try:
        return SpecifierSet(requires_python).contains(version, prereleases=True)
    except InvalidSpecifier:
        return True


def _final_if_any(files: dict[Version, IndexFile], asked: SpecifierSet) -> dict[Version, IndexFile]:
    """Without pre-releases, unless they are asked for or all that there is (PEP 440)."""
    if asked.prereleases:
        return files
    final = {version: file for version, file in files.items() if not version.is_prerelease}
    return final or files
