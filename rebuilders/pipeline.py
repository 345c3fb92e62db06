"""target → facts → plan → build → comparison: one rebuild, from the published files to what came of it.

Every way in which a rebuild can end is a `Report`. What is raised is only what says nothing of the target: the index
could not be reached, the sandbox does not work.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from rebuilders.build import Built, Order, build_wheel
from rebuilders.causes import Case, cause_of, no_recipe_helps
from rebuilders.compressor import Guess, compressor_of
from rebuilders.deadline import Deadline
from rebuilders.environment.interpreters import Interpreter
from rebuilders.errors import NotBuilt
from rebuilders.facts.sdist import read_sdist
from rebuilders.facts.wheel import wheel_facts
from rebuilders.inputs import Source, Target
from rebuilders.plan.infer import Evidence, infer, nearest_python
from rebuilders.plan.recipe import After, Candidate, Locked, Plan, Reason, Recipe
from rebuilders.plan.variations import Miss, variations
from rebuilders.provide import Definitions, Ports, Provider, Subject, missing_requirements, recipe_of
from rebuilders.static.check import Checked, check
from witness.compare.ladder import Outcome, compare
from witness.differences.classes import Classified, classified
from witness.digest import sha256_hex
from witness.errors import Incomplete, Malformed
from witness.names import WheelName
from witness.observation import LEVELS, Difference
from witness.wheel.reader import Wheel, read_wheel

PHASES: Final = ("fetch", "resolve", "build", "compare")
MAX_ATTEMPTS: Final = 16
MAX_ATTEMPTS_MATCHED: Final = 6  # when it is equal but for what other recipes hardly ever change
_BEST: Final = ("bitwise", "archive")
_HARDLY_CHANGED: Final = (
    "generator",
    "metadata-order",
    "record-complete",
    "top-level",
)  # rules, without versions


@dataclass(frozen=True, slots=True)
class Attempt:
    """One recipe that was run to a wheel, and how that wheel compares."""

    candidate: Candidate
    recipe: Recipe
    built: Built
    sha256: str
    wheel: Wheel
    outcome: Outcome


@dataclass(slots=True)
class Timer:
    """Seconds by phase."""

    started: float = field(default_factory=time.monotonic)
    phases: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PHASES, 0.0))

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self.phases[name] += time.monotonic() - begun

    def seconds(self) -> dict[str, float]:
        return {"total": time.monotonic() - self.started, **self.phases}


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a rebuild: the best attempt, or the failure that was there instead of one.

    `cause` classes a mismatch, and `differences` has the class of each that is listed. `static` is what was seen before
    anything ran. `compressor` made the published file, where its members are equal and zlib does not give its bytes.
    `target` is None where not even the published wheel could be had; `tries` counts recipes whose build began.
    """

    target: Target | None
    plan: Plan | None
    best: Attempt | None
    failure: NotBuilt | None
    tries: int
    outputs: tuple[str, ...]
    seconds: dict[str, float]
    cause: str = ""
    static: Checked | None = None
    published: Wheel | None = None
    differences: tuple[Classified, ...] = ()
    compressor: Guess | None = None

    @property
    def explanation(self) -> tuple[Reason, ...]:
        """What people knew, and what had to be changed of the first candidate to get the best attempt."""
        if self.plan is None or self.best is None:
            return ()
        first = self.plan.candidates[0].reasons
        found = (reason for reason in self.best.candidate.reasons if reason not in first)
        return (*([self.plan.definition] if self.plan.definition else []), *found)


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that is read and inferred before anything runs."""

    wheel: Wheel
    evidence: Evidence
    plan: Plan
    static: Checked
    interpreters: tuple[Interpreter, ...]


Bring = Callable[[str], Interpreter | None]
"""Installs a minor version, or does not; raises Incomplete."""


def rebuild(fetch: Callable[[], Target], ports: Ports, deadline: Deadline) -> Report:
    """Rebuilds what `fetch` gives. Raises FetchFailed and SandboxUnavailable only."""
    timer = Timer()
    target: Target | None = None
    run = _Run(ports, Provider(ports, deadline), timer)
    try:
        with timer.phase("fetch"):
            target = fetch()
        run.search(target)
    except NotBuilt as failure:
        run.failure = failure
    with timer.phase("compare"):
        differences = run.differences()
    return _report(run, target, differences)


def _report(run: "_Run", target: Target | None, differences: tuple[Classified, ...]) -> Report:
    best = run.standing()
    return Report(
        target=target,
        plan=run.prepared.plan if run.prepared else None,
        best=best,
        failure=None if best else run.failure,
        tries=run.tries,
        outputs=tuple(run.outputs),
        seconds=run.timer.seconds(),
        cause=run.cause(),
        static=run.prepared.static if run.prepared else None,
        published=run.prepared.wheel if run.prepared else None,
        differences=differences if best else (),
        compressor=_compressor(run.prepared, best),
    )


def _compressor(prepared: Prepared | None, best: Attempt | None) -> Guess | None:
    """Of a published wheel that has the rebuilt members, but not as zlib compresses them."""
    if prepared is None or best is None or best.outcome.level != "archive":
        return None
    return None if best.outcome.comparison.archive_exact else compressor_of(prepared.wheel)


def prepare(
    target: Target,
    interpreters: tuple[Interpreter, ...],
    definitions: Definitions,
    bring: Bring | None = None,
) -> Prepared:
    """Reads `target` and plans, with `bring` for the nearest interpreter if it is none of `interpreters`.

    Raises NotBuilt where that is not possible.
    """
    if target.sdist is None:
        raise _not_attempted(
            f"the release has no sdist to rebuild {target.name.filename} from", "locate", "no-sdist"
        )
    if not target.name.is_pure:
        raise _not_attempted(
            f"{target.name.filename}: only pure wheels are rebuilt so far", "plan", "native-wheel"
        )
    if not interpreters and bring is None:
        raise _not_attempted("this machine has no Python to build with", "plan", "no-interpreter")
    try:
        wheel = read_wheel(target.data)
        facts = wheel_facts(wheel)
    except Malformed as error:
        raise _not_attempted(f"{target.name.filename}: {error}", "read", "malformed-wheel") from None
    try:
        sdist = read_sdist(target.sdist.data, target.sdist.filename, target.sdist.sha256)
        minors = tuple(interpreter.minor for interpreter in interpreters)
        known = definitions(target.name.project, target.name.version)
        evidence = Evidence(
            target.name.project, facts, sdist.facts, target.uploaded, minors, definition=known
        )
        evidence, interpreters = _brought(evidence, interpreters, bring)
        if not interpreters:
            raise _not_attempted(f"no Python to build with: {evidence.lacking}", "plan", "no-interpreter")
        return Prepared(wheel, evidence, infer(evidence), check(wheel, target.name, sdist), interpreters)
    except Malformed as error:
        raise _not_attempted(str(error), "read", "malformed-sdist") from None


def _brought(
    evidence: Evidence, interpreters: tuple[Interpreter, ...], bring: Bring | None
) -> tuple[Evidence, tuple[Interpreter, ...]]:
    """The evidence and interpreters with the nearest one among them, if it can be installed."""
    wanted = nearest_python(evidence) if bring else ""
    if bring is None or wanted in evidence.pythons:
        return evidence, interpreters
    try:
        new = bring(wanted)
    except Incomplete as error:
        return replace(evidence, lacking=f"could not be installed: {error}"), interpreters
    if new is None:
        return evidence, interpreters
    return replace(evidence, pythons=(*evidence.pythons, wanted)), (*interpreters, new)


class _Repeated(Exception):
    """The candidate comes to a recipe that was tried before."""


@dataclass(slots=True)
class _Run:
    """The search through a plan's candidates, and the best that it has found so far."""

    ports: Ports
    provider: Provider
    timer: Timer
    prepared: Prepared | None = None
    best: Attempt | None = None
    failure: NotBuilt | None = None
    limited: NotBuilt | None = None  # the first that broke a limit other than that on time
    tries: int = 0
    outputs: dict[str, None] = field(default_factory=dict)
    tried: set[object] = field(default_factory=set)

    def search(self, target: Target) -> None:
        """Follows the plan until a wheel comes out; then varies its recipe as long as that brings it nearer."""
        with self.timer.phase("resolve"):
            self.prepared = prepared = prepare(
                target, self.ports.interpreters, self.ports.definitions, self._bring()
            )
        state: After = "start"
        for candidate in prepared.plan.candidates:
            if candidate.after != state:
                continue
            ended = self._try(candidate, target, prepared)
            if ended == "unresolved" and candidate.after == "failed":
                continue  # what it was tried after still stands, and others may be tried after it too
            state = ended or state
        while (
            self.best is not None and self.best.outcome.level not in _BEST and self._improve(target, prepared)
        ):
            pass

    def _bring(self) -> Bring | None:
        installer, deadline = self.ports.installer, self.provider.deadline
        if installer is None:
            return None
        return lambda minor: installer.install(minor, seconds=deadline.remaining("resolve"))

    def standing(self) -> Attempt | None:
        """The best attempt, unless it differs and another broke a limit: on a larger machine, that one might match."""
        if self.best is not None and not self.best.outcome.matches and self.limited is not None:
            self.failure = self.limited
            return None
        return self.best

    def cause(self) -> str:
        """The class of the mismatch that it came to; nothing, if it came to none."""
        if self.best is None or self.standing() is None or self.best.outcome.matches or self.prepared is None:
            return ""
        return cause_of(_case(self.prepared, self.best))

    def differences(self) -> tuple[Classified, ...]:
        """The differences of the best attempt, with their classes."""
        if self.best is None or self.prepared is None:
            return ()
        listed = self.best.outcome.comparison.differences
        return tuple(classified(self.prepared.wheel, self.best.wheel, listed))

    def _improve(self, target: Target, prepared: Prepared) -> bool:
        """Tries variations of the best attempt; whether one of them is better."""
        best = self.best
        assert best is not None  # noqa: S101 - the caller has looked
        if no_recipe_helps(_case(prepared, best)):
            return False
        miss = Miss(wheel_facts(best.wheel), _differing(best.outcome), best.recipe.requirements)
        for candidate in variations(prepared.evidence, best.candidate, miss):
            if self.tries >= _most_attempts(best.outcome):
                return False
            self._try(candidate, target, prepared)
            if self.best is not best:
                return True
        return False

    def _try(self, candidate: Candidate, target: Target, prepared: Prepared) -> After | None:
        """How trying `candidate` ended; None if that was known."""
        if candidate.question in self.tried:
            return None
        self.tried.add(candidate.question)
        try:
            attempt = self._attempt(candidate, target, prepared)
        except _Repeated:
            return None
        except NotBuilt as failure:
            if failure.cause == "time-limit":
                raise
            if failure.cause.endswith("-limit"):
                self.limited = self.limited or failure
            if self.failure is None or self.failure.phase == "resolve":
                self.failure = failure  # the first of its kind: what came after were other guesses
            return "unresolved" if failure.phase == "resolve" else "failed"
        self.outputs[attempt.sha256] = None
        if self.best is None or _rank(attempt.outcome) < _rank(self.best.outcome):
            self.best = attempt
        return "mismatch"

    def _attempt(self, candidate: Candidate, target: Target, prepared: Prepared) -> Attempt:
        wheel, sdist = prepared.wheel, prepared.evidence.sdist
        assert target.sdist is not None  # noqa: S101 - prepare has refused the others
        interpreter = next(i for i in prepared.interpreters if i.minor == candidate.python)
        subject = Subject(target.sdist.data, sdist)
        own = self._own(candidate, target.sdist)
        with self.timer.phase("resolve"):
            locked, order = self.provider.provide(candidate, interpreter, subject, built=own)
        if candidate.ask_backend and (missing := self._missing(order, locked)):
            more = replace(candidate, requirements=(*candidate.requirements, *missing))
            with self.timer.phase("resolve"):
                locked, order = self.provider.provide(more, interpreter, subject, built=own)
        _check_not_itself(target, locked)
        recipe = recipe_of(candidate, locked, interpreter, self.ports.platform, sdist)
        if recipe.digest in self.tried:
            raise _Repeated
        self.tried.add(recipe.digest)
        self.tries += 1
        with self.timer.phase("build"):
            built = build_wheel(replace(order, limits=self.provider.limits()), self.ports.sandbox)
        with self.timer.phase("compare"):
            rebuilt = _read_built(built)
            names = (target.name, WheelName.parse(built.filename))
            outcome = compare(wheel, rebuilt, names)
            return Attempt(candidate, recipe, built, sha256_hex(built.data), rebuilt, outcome)

    def _own(self, candidate: Candidate, sdist: Source) -> tuple[Locked, ...]:
        """The best wheel so far, for a candidate that is built by itself."""
        if not candidate.by_itself or self.best is None:
            return ()
        return (self.provider.keep(self.best.built, sdist.sha256, self.best.recipe),)

    def _missing(self, order: Order, locked: tuple[Locked, ...]) -> tuple[str, ...]:
        """What the backend asks for besides `locked`."""
        try:
            with self.timer.phase("build"):
                return missing_requirements(order, locked, self.ports.sandbox)
        except NotBuilt:
            self.tries += 1  # it ended in its first hook, but it was begun
            raise


def _check_not_itself(target: Target, locked: tuple[Locked, ...]) -> None:
    """The published wheel takes no part in its own rebuild: it could put into the new one what it holds itself."""
    if any(item.sha256 == target.sha256 and not item.source for item in locked):
        raise NotBuilt(
            f"{target.name.filename}: its build would require the published wheel itself",
            result="build-failed",
            phase="resolve",
            cause="requires-itself",
        )


def _case(prepared: Prepared, attempt: Attempt) -> Case:
    differences = attempt.outcome.comparison.differences
    return Case(prepared.wheel, attempt.wheel, prepared.evidence.sdist, differences, prepared.static.foreign)


def _rank(outcome: Outcome) -> tuple[int, bool, int, int]:
    """Smaller is nearer to the published wheel."""
    level = LEVELS.index(outcome.level) if outcome.level else len(LEVELS)
    comparison = outcome.comparison
    return level, not comparison.archive_exact, comparison.differences_total, len(comparison.rules)


def _differing(outcome: Outcome) -> tuple[Difference, ...]:
    """What differs, equated by a rule or not."""
    equated = {use.path: Difference(path=use.path, kind="content") for use in outcome.comparison.rules}
    return (*outcome.comparison.differences, *equated.values())


def _most_attempts(outcome: Outcome) -> int:
    """A match by rules is looked beyond like a mismatch, where another recipe may well do without the rule."""
    names = {use.id.partition("@")[0] for use in outcome.comparison.rules}
    return MAX_ATTEMPTS_MATCHED if outcome.matches and names <= {*_HARDLY_CHANGED} else MAX_ATTEMPTS


def _read_built(built: Built) -> Wheel:
    try:
        wheel = read_wheel(built.data)
        wheel_facts(wheel)
    except Malformed as error:
        raise NotBuilt(
            f"the build's output is not a wheel: {error}",
            result="build-failed",
            phase="output",
            cause="malformed-output",
            log=built.log,
        ) from None
    return wheel


def _not_attempted(message: str, phase: str, cause: str) -> NotBuilt:
    return NotBuilt(message, result="not-attempted", phase=phase, cause=cause)
