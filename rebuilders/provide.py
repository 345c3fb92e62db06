"""The environment that a candidate is built in: its requirements locked and installed, and those that the index has
only as sdists built before, in the sandbox like everything else.

uv resolves with wheels alone and runs nothing. Where that has no solution, the index is asked which requirement lacks
a wheel; that one is built by a plan of its own, as of the same date and by the same interpreter, and uv resolves again
with the wheel at hand. What is built is bounded in depth and number, and all of it by the rebuild's deadline.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from rebuilders import definitions
from rebuilders.build import Built, Order, ask_requirements, build_wheel
from rebuilders.deadline import Deadline
from rebuilders.environment.built import BuiltWheels
from rebuilders.environment.gaps import Gap, Walk
from rebuilders.environment.install import Environments
from rebuilders.environment.interpreters import Interpreter
from rebuilders.environment.resolve import Resolver
from rebuilders.errors import NotBuilt
from rebuilders.facts.sdist import SdistFacts, sdist_facts
from rebuilders.facts.wheel import wheel_facts
from rebuilders.index.interface import IndexSource
from rebuilders.plan.definition import Definition
from rebuilders.plan.recipe import Candidate, Locked, Recipe
from rebuilders.plan.requirement import parse_requirement
from rebuilders.plan.sources import source_candidate
from rebuilders.sandbox.interface import Limits, Sandbox
from witness.digest import sha256_hex
from witness.errors import Malformed
from witness.names import WheelName
from witness.wheel.reader import read_wheel

_MAX_DEPTH: Final = 4  # requirements of requirements that are built
_MAX_BUILDS: Final = 12  # in one rebuild
_MAX_ROUNDS: Final = 8  # of one resolution: each finds requirements of what the one before it built
# Failures that say nothing of an sdist by itself.
_OF_THE_CHAIN: Final = frozenset({"time-limit", "requirement-cycle", "requirement-limit"})
_UNRESOLVED: Final = frozenset({"unsatisfiable", "no-wheel"})

Definitions = Callable[[str, Version], Definition | None]
"""The definition for a release of a project, if there is one."""


class Installing(Protocol):
    """Brings interpreters that are not here."""

    def install(self, minor: str, *, seconds: float) -> Interpreter | None:
        """The newest Python `minor`, within `seconds`; None where none is ever brought. Raises Incomplete."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What a rebuild works with. `platform` is as a recipe names it.

    Without `index`, no requirement is built, and without `installer`, no interpreter is installed.
    """

    resolver: Resolver
    environments: Environments
    sandbox: Sandbox
    interpreters: tuple[Interpreter, ...]
    platform: str
    limits: Limits
    index: IndexSource | None = None
    installer: Installing | None = None
    definitions: Definitions = definitions.none


@dataclass(frozen=True, slots=True)
class Subject:
    """The sdist that is built."""

    data: bytes = field(repr=False)
    facts: SdistFacts


@dataclass(slots=True)
class Provider:
    """Provides for one rebuild, counting what it builds for that."""

    ports: Ports
    deadline: Deadline
    builds: int = 0
    failures: dict[tuple[str, str, str], NotBuilt] = field(default_factory=dict)

    def provide(
        self,
        candidate: Candidate,
        interpreter: Interpreter,
        subject: Subject,
        above: tuple[str, ...] = (),
        built: tuple[Locked, ...] = (),
    ) -> tuple[tuple[Locked, ...], Order]:
        """The candidate's requirements, locked, and the order to build `subject` with them.

        `above` are the requirements for whose sake `subject` is built, outermost first; `built` are wheels made here
        that may be among the requirements.

        Raises:
            NotBuilt: the requirements cannot be resolved, built or installed, or time is up.
            FetchFailed: the index could not be asked.
        """
        locked = self._lock(candidate, interpreter, above, built)
        left = self.deadline.remaining("resolve")
        environment = self.ports.environments.prepare(interpreter, locked, seconds=left)
        return locked, Order(
            sdist=subject.data,
            facts=subject.facts,
            variables={**interpreter.variables, **candidate.variables},
            umask=candidate.umask,
            modes=candidate.modes,
            frontend=candidate.frontend,
            options=candidate.options,
            line_ends=candidate.line_ends,
            environment=environment,
            limits=self.limits(),
        )

    def limits(self) -> Limits:
        """Those of a job that begins now. Raises NotBuilt when time is up."""
        limits = self.ports.limits
        return replace(limits, seconds=min(limits.seconds, self.deadline.remaining("build")))

    def keep(self, built: Built, source: str, recipe: Recipe) -> Locked:
        """Keeps `built`, made of the sdist with the SHA-256 `source`, so that it may be a build requirement."""
        name = WheelName.parse(built.filename)
        made = Locked(
            name.project, str(name.version), built.filename, "", sha256_hex(built.data), len(built.data),
            source=source, recipe=recipe.digest,
        )  # fmt: skip
        BuiltWheels(self.ports.resolver.cache).keep(made, built.data)
        return made

    def _lock(
        self,
        candidate: Candidate,
        interpreter: Interpreter,
        above: tuple[str, ...],
        built: tuple[Locked, ...],
    ) -> tuple[Locked, ...]:
        for _ in range(_MAX_ROUNDS):
            left = self.deadline.remaining("resolve")
            try:
                return self.ports.resolver.resolve(candidate, interpreter, timeout=left, built=built)
            except NotBuilt as failure:
                if failure.cause not in _UNRESOLVED:
                    raise
                more = tuple(self._filled(candidate, interpreter, built, above))
                if not more:
                    raise
                built += more
        raise _unfit("too many build requirements have no wheel", "requirement-limit")

    def _filled(
        self,
        candidate: Candidate,
        interpreter: Interpreter,
        built: tuple[Locked, ...],
        above: tuple[str, ...],
    ) -> Iterator[Locked]:
        """Wheels for the requirements that have none, besides `built`."""
        if self.ports.index is None:
            return
        wheels = BuiltWheels(self.ports.resolver.cache)
        walk = Walk(self.ports.index, interpreter, candidate.as_of, built, wheels.read)
        for gap in walk.run(candidate):
            yield self._build(gap, candidate, interpreter, above)

    def _build(
        self, gap: Gap, candidate: Candidate, interpreter: Interpreter, above: tuple[str, ...]
    ) -> Locked:
        """The wheel of `gap`'s sdist, from the cache or built now."""
        chain = (*above, gap.project)
        shown = " for ".join(reversed(chain))
        if gap.project in above:
            raise _unfit(f"{shown}: a build requirement that is built of itself", "requirement-cycle")
        if len(chain) > _MAX_DEPTH:
            raise _unfit(f"{shown}: build requirements nested too deep", "requirement-limit")
        known = self.failures.get(key := (gap.sdist.sha256, str(candidate.as_of), interpreter.name))
        if known is not None:
            raise known
        try:
            return self._made(gap, candidate, interpreter, chain)
        except NotBuilt as failure:
            if failure.cause in _OF_THE_CHAIN:
                raise
            if not failure.cause.startswith("requirement-"):
                failure = _unfit(f"{shown}: {failure}", "requirement-not-built", failure.log)
            self.failures[key] = failure
            raise failure from None

    def _made(
        self, gap: Gap, candidate: Candidate, interpreter: Interpreter, chain: tuple[str, ...]
    ) -> Locked:
        assert self.ports.index is not None  # noqa: S101 - gaps come of it
        data = self.ports.index.fetch(gap.sdist)
        try:
            facts = sdist_facts(data, gap.sdist.filename, gap.sdist.sha256)
            own = source_candidate(facts, interpreter.minor, candidate.as_of)
        except Malformed as error:
            raise _unfit(str(error), "requirement-not-built") from None
        subject = Subject(data, facts)
        locked, order = self.provide(own, interpreter, subject, chain)
        if own.ask_backend and (missing := missing_requirements(order, locked, self.ports.sandbox)):
            own = replace(own, requirements=(*own.requirements, *missing))
            locked, order = self.provide(own, interpreter, subject, chain)
        recipe = recipe_of(own, locked, interpreter, self.ports.platform, facts)
        wheels = BuiltWheels(self.ports.resolver.cache)
        kept = wheels.find(gap.sdist.sha256, recipe.digest)
        if kept is not None:
            return kept
        self.builds += 1
        if self.builds > _MAX_BUILDS:
            raise _unfit(f"more than {_MAX_BUILDS} build requirements have no wheel", "requirement-limit")
        built = build_wheel(replace(order, limits=self.limits()), self.ports.sandbox)
        _check(gap, built)
        return self.keep(built, gap.sdist.sha256, recipe)


def recipe_of(
    candidate: Candidate,
    locked: tuple[Locked, ...],
    interpreter: Interpreter,
    platform: str,
    sdist: SdistFacts,
) -> Recipe:
    """The recipe that `candidate` comes to with its requirements locked."""
    return Recipe(
        interpreter=interpreter.name,
        platform=platform,
        requirements=locked,
        variables=candidate.variables,
        umask=candidate.umask,
        modes=candidate.modes,
        backend=sdist.build_backend,
        frontend=candidate.frontend,
        options=candidate.options,
        line_ends=candidate.line_ends,
    )


def missing_requirements(order: Order, locked: tuple[Locked, ...], sandbox: Sandbox) -> tuple[str, ...]:
    """What the backend asks for besides `locked`. Raises NotBuilt."""
    return tuple(text for text in ask_requirements(order, sandbox) if not _satisfied(text, locked))


def _satisfied(text: str, locked: tuple[Locked, ...]) -> bool:
    try:
        requirement = parse_requirement(text)
    except Malformed as error:
        raise NotBuilt(
            f"the backend asks for what cannot be had: {error}",
            result="build-failed",
            phase="hook",
            cause="invalid-requirement",
        ) from None
    return requirement.marker is None and any(
        canonicalize_name(requirement.name) == canonicalize_name(item.name)
        and requirement.specifier.contains(item.version, prereleases=True)
        for item in locked
    )


def _check(gap: Gap, built: Built) -> None:
    """Whoever asked for one release gets no other: neither by the file's name nor by its METADATA."""
    try:
        name = WheelName.parse(built.filename)
        facts = wheel_facts(read_wheel(built.data))
        names = {name.project, *map(canonicalize_name, facts.header("Name"))}
        versions = {name.version, *map(Version, facts.header("Version"))}
    except (Malformed, InvalidVersion) as error:
        raise _unfit(
            f"{gap.sdist.filename}: what was built of it is no wheel: {error}", "requirement-other"
        ) from None
    if names != {gap.project} or versions != {gap.version}:
        raise _unfit(f"{gap.sdist.filename}: what was built of it is another release", "requirement-other")


def _unfit(message: str, cause: str, log: bytes = b"") -> NotBuilt:
    return NotBuilt(message, result="build-failed", phase="resolve", cause=cause, log=log)
