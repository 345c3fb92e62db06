"""From the facts of a wheel and its sdist to the plan: ordered rules, each with its reason.

Each rule takes the evidence and a candidate, and returns the candidate changed, with one more reason; or unchanged,
where the evidence says nothing. Rules do not know of each other.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from rebuilders.facts.sdist import SdistFacts
from rebuilders.facts.wheel import WheelFacts, as_utc
from rebuilders.plan.backends import BACKENDS, UNKNOWN, Backend, backend_of
from rebuilders.plan.definition import Definition
from rebuilders.plan.eras import setuptools_eras
from rebuilders.plan.interpreters import RELEASED, rank
from rebuilders.plan.recipe import Candidate, Plan, Reason
from rebuilders.plan.requirement import parse_requirement
from witness.errors import Malformed

PEP_517_DEFAULT: Final = ("setuptools>=40.8.0",)
PEP_517_SINCE: Final = datetime(2019, 2, 5, tzinfo=UTC)  # setuptools 40.8.0, the first with a legacy backend
BACKEND_OFF_PATH: Final = datetime(2024, 4, 29, tzinfo=UTC)  # pyproject-hooks 1.1.0
BEFORE_PEP_517: Final = ("setuptools", "wheel")
_SETUP_REQUIRES: Final = re.compile(r"setup_requires\s*=\s*\[([^\]]*)\]")
_LITERAL: Final = re.compile(r"""["']([^"']+)["']""")
ASKED: Final = "the further requirements that the backend asks for"
_TAG: Final = re.compile(r"[a-z]{2}\d{1,4}", re.ASCII)  # it becomes an argument
_ROOTS: Final = ("", "src/", "lib/")  # where packages lie in an sdist
_ZIP_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_ZIP_STEP: Final = 2  # seconds
_QUARTER: Final = 900  # seconds: time zones are multiples of it
_LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)  # an index may say anything
_SLACKS: Final = (timedelta(days=1), timedelta(days=7), None)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known before anything runs.

    Attributes:
        project: the normalised name.
        uploaded: the wheel's upload time.
        pythons: minor versions that can be had.
        lacking: why a nearer one cannot, in words.
        definition: what people have found out about this release, if they have.
    """

    project: str
    wheel: WheelFacts
    sdist: SdistFacts
    uploaded: datetime | None
    pythons: tuple[str, ...]
    lacking: str = "is not on this machine"
    definition: Definition | None = None

    @property
    def backend(self) -> Backend:
        return backend_of(self.wheel.generator)

    @property
    def pairs(self) -> Iterator[tuple[str, str]]:
        """Members of the wheel's payload with the sdist's member of the same place."""
        for path in self.wheel.payload_moments:
            for root in _ROOTS:
                if root + path in self.sdist.members:
                    yield path, root + path
                    break


Rule = Callable[[Evidence, Candidate], Candidate]


def infer(evidence: Evidence) -> Plan:
    """The plan. Raises Malformed if the sdist's build requirements are not requirements."""
    if not evidence.pythons:
        raise ValueError("no interpreter to choose from")
    candidate = Candidate("", (), (), evidence.uploaded, ask_backend=False)
    for rule in RULES:
        candidate = rule(evidence, candidate)
    ranked = rank(evidence.pythons, evidence.wheel.requires_python, candidate.as_of, evidence.lacking)
    python, reason = ranked[0]
    first = candidate if candidate.python else because(replace(candidate, python=python), reason)
    others = [other for other in ranked if other[0] != first.python]
    name = evidence.backend.generator or evidence.wheel.generator or evidence.sdist.build_backend
    told = evidence.definition.told if evidence.definition else None
    return Plan(name, (first, *_fallbacks(evidence, first, others)), told)


def _everywhere(evidence: Evidence) -> tuple[str, ...]:
    named = (evidence.wheel.named_python, evidence.definition.python if evidence.definition else "")
    return tuple(dict.fromkeys((*evidence.pythons, *RELEASED, *filter(None, named))))


def nearest_python(evidence: Evidence) -> str:
    """The minor version that the first candidate would have if every one that is known of were here."""
    return infer(replace(evidence, pythons=_everywhere(evidence))).candidates[0].python


def _fallbacks(evidence: Evidence, first: Candidate, others: list[tuple[str, Reason]]) -> Iterator[Candidate]:
    if first.constraints:
        pin = first.constraints[0]
        kept = without(first.requirements, pin.partition("==")[0])
        if len(kept) < len(first.requirements):
            why = "the wheel names that release, which the project's own requirement excludes"
            reason = Reason(f"{pin}, whatever the project asks for", why)
            yield because(replace(first, requirements=(*kept, pin), after="unresolved"), reason)
    if first.as_of is not None:
        for slack in _SLACKS:
            as_of = None if slack is None else min(first.as_of, _LATEST) + slack
            words = "of any age" if slack is None else f"as of {slack.days} d after the upload"
            reason = Reason(f"build requirements {words}", "those as of the upload could not be resolved")
            yield replace(first, as_of=as_of, after="unresolved", reasons=(*first.reasons, reason))
    if first.constraints:
        reason = Reason("no backend version pinned", "none of that version could be resolved")
        pins = {text: text.partition("==")[0] for text in first.constraints}
        asked = tuple(pins.get(text, text) for text in first.requirements)
        yield because(replace(first, requirements=asked, constraints=(), after="unresolved"), reason)
    if not first.ask_backend and first.frontend == "pep517":
        reason = Reason(ASKED, "the build failed without")
        yield because(replace(first, ask_backend=True, after="failed"), reason)
    if _has_backend_path(first, evidence):
        why = "hooks were called so before pyproject-hooks 1.1, and the build failed otherwise"
        reason = Reason("the in-tree backend's directory on sys.path", why)
        yield because(replace(first, frontend="pep517-sys-path", after="failed"), reason)
    for python, reason in others[:2]:
        yield because(replace(first, python=python, after="failed"), reason)


def _has_backend_path(first: Candidate, evidence: Evidence) -> bool:
    told = (evidence.sdist.build_system or {}).get("backend-path")
    early = first.as_of is not None and first.as_of < BACKEND_OFF_PATH
    return bool(told) and early and first.frontend == "pep517"


def because(candidate: Candidate, reason: Reason) -> Candidate:
    return replace(candidate, reasons=(*candidate.reasons, reason))


def without(requirements: tuple[str, ...], name: str) -> tuple[str, ...]:
    """`requirements` but for those of the distribution `name`."""
    wanted = canonicalize_name(name)
    return tuple(text for text in requirements if canonicalize_name(parse_requirement(text).name) != wanted)


def _requirements(evidence: Evidence, candidate: Candidate) -> Candidate:
    declared = evidence.sdist.build_requires
    if _ran_setup_py(evidence):
        why = (
            f"the wheel's Generator is {evidence.wheel.generator}, not the backend that pyproject.toml names"
        )
        reason = Reason("setup.py bdist_wheel with setuptools and wheel", why)
        return because(replace(candidate, requirements=BEFORE_PEP_517, frontend="setup.py"), reason)
    if declared is None and evidence.uploaded is not None and evidence.uploaded < PEP_517_SINCE:
        reason = Reason(
            "setup.py bdist_wheel with setuptools and wheel", "uploaded before setuptools had PEP 517"
        )
        return because(replace(candidate, requirements=BEFORE_PEP_517, frontend="setup.py"), reason)
    requirements = PEP_517_DEFAULT if declared is None else declared
    for requirement in requirements:
        try:
            parse_requirement(requirement)
        except Malformed as error:
            raise Malformed(f"pyproject.toml: {error}") from None
    source = (
        "PEP 517's default: no build-system table"
        if declared is None
        else "pyproject.toml's build-system table"
    )
    return because(
        replace(candidate, requirements=requirements),
        Reason(f"build requires {', '.join(requirements) or 'nothing'}", source),
    )


def _ran_setup_py(evidence: Evidence) -> bool:
    """Whether the sdist is for two backends, and the wheel comes from the one that pyproject.toml does not name."""
    asked = [text.lower() for text in evidence.sdist.build_requires or ()]
    others = [pin for row in BACKENDS if not row.keeps_modes for pin in row.pins]
    return (
        evidence.backend.keeps_modes
        and "setup.py" in evidence.sdist.texts
        and not any("setuptools" in text for text in asked)
        and any(text.startswith(tuple(others)) for text in asked)
    )


def _as_of(evidence: Evidence, candidate: Candidate) -> Candidate:
    if candidate.as_of is None:
        written = [moment for time in evidence.wheel.moments.values() if (moment := as_utc(time))]
        newest = max(written, default=None)
        if newest is None or newest.year <= 2016:  # constants of backends, not times
            return candidate
        reason = Reason(
            f"build requirements as of {newest:%Y-%m-%d %H:%M} UTC", "the newest time in the wheel"
        )
        return because(replace(candidate, as_of=newest + timedelta(days=1)), reason)
    reason = Reason(f"build requirements as of {candidate.as_of:%Y-%m-%d %H:%M} UTC", "the upload time")
    return because(candidate, reason)


def _generator(evidence: Evidence, candidate: Candidate) -> Candidate:
    backend, version = evidence.backend, evidence.wheel.generator_version
    told = f"WHEEL's Generator is {evidence.wheel.generator or 'not told'} {version}".rstrip()
    if backend is UNKNOWN or not _is_version(version):
        return because(candidate, Reason("no backend version pinned", told))
    required = {canonicalize_name(Requirement(text).name) for text in candidate.requirements}
    named = [name for name in backend.pins if canonicalize_name(name) in required]
    name = (named or backend.pins)[0]
    if canonicalize_name(name) == evidence.project:
        return because(candidate, Reason("no backend version pinned", "the project builds itself"))
    constraints = (f"{name}=={version}", *backend.limits)
    requirements = candidate.requirements
    if not named and required & set(backend.implied_by):
        requirements = (*requirements, constraints[0])
    reason = Reason(" and ".join(constraints), told)
    return because(replace(candidate, requirements=requirements, constraints=constraints), reason)


def _era(evidence: Evidence, candidate: Candidate) -> Candidate:
    """Bounds for setuptools, where only the version of wheel is told."""
    if evidence.wheel.generator != "bdist_wheel":
        return candidate
    for era in setuptools_eras(evidence.wheel):
        candidate = replace(candidate, constraints=(*candidate.constraints, era.constraint))
        candidate = because(candidate, Reason(era.constraint, era.observed))
    return candidate


def _named_python(evidence: Evidence, candidate: Candidate) -> Candidate:
    named = evidence.wheel.named_python
    if not named:
        return candidate
    if named not in evidence.pythons:
        return because(
            candidate, Reason(f"not Python {named}", f"the wheel names it, but it {evidence.lacking}")
        )
    return because(replace(candidate, python=named), Reason(f"Python {named}", "the wheel names it"))


def _python_tag(evidence: Evidence, candidate: Candidate) -> Candidate:
    option = python_tag_option(evidence)
    if not option or evidence.sdist.mentions(("universal", "python_tag", "python-tag")):
        return candidate  # the project may say so by itself
    tags = " and ".join(sorted(evidence.wheel.python_tags))
    reason = Reason(f"setup.py bdist_wheel {option}", f"the wheel is tagged {tags}")
    return because(replace(candidate, frontend="setup.py", options=(option,)), reason)


def python_tag_option(evidence: Evidence) -> str:
    """What tells `setup.py bdist_wheel` for which Pythons the published wheel is; nothing, if it need not be told."""
    tags = evidence.wheel.python_tags
    if tags == {"py3"} or not evidence.backend.keeps_modes or "setup.py" not in evidence.sdist.texts:
        return ""
    if tags == {"py2", "py3"}:
        return "--universal"
    tag = next(iter(tags)) if len(tags) == 1 else ""
    return f"--python-tag={tag}" if _TAG.fullmatch(tag) else ""


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _setup_requires(evidence: Evidence, candidate: Candidate) -> Candidate:
    """What setup.py would have fetched by itself; hooks tell it, the command before them did not."""
    names = setup_requires(evidence.sdist)
    if candidate.frontend != "setup.py" or not names:
        return candidate
    reason = Reason(f"build requires {', '.join(names)} besides", "setup_requires in setup.py")
    return because(replace(candidate, requirements=(*candidate.requirements, *names)), reason)


def setup_requires(sdist: SdistFacts) -> tuple[str, ...]:
    """The requirements that are written out in `setup_requires` of the sdist's setup.py."""
    found = _SETUP_REQUIRES.search(sdist.texts.get("setup.py", ""))
    return tuple(name for name in _LITERAL.findall(found[1]) if _is_requirement(name)) if found else ()


def _is_requirement(text: str) -> bool:
    try:
        parse_requirement(text)
    except Malformed:
        return False
    return True


def _asking(evidence: Evidence, candidate: Candidate) -> Candidate:
    asks = evidence.backend.asks
    if candidate.frontend == "setup.py" and not candidate.options:
        return candidate  # before there were hooks to ask
    if asks is not None and not evidence.sdist.mentions(asks):
        return candidate
    why = "an unknown backend may want more" if asks is None else f"the sdist mentions {' or '.join(asks)}"
    reason = Reason(ASKED, why)
    return because(replace(candidate, ask_backend=True), reason)


def _source_date_epoch(evidence: Evidence, candidate: Candidate) -> Candidate:
    single, constant = evidence.wheel.single_moment, evidence.backend.constant_time
    moment = as_utc(single) if single else None
    if moment is None or single in (constant, _ZIP_EPOCH):
        return candidate
    epoch = int(moment.timestamp())
    times = Counter(member.mtime for member in evidence.sdist.members.values())
    if times[epoch + 1] > times[epoch]:
        epoch += 1
    reason = Reason(f"SOURCE_DATE_EPOCH={epoch}", "all members of the wheel have this one time")
    variables = {**candidate.variables, "SOURCE_DATE_EPOCH": str(epoch)}
    return because(replace(candidate, variables=variables), reason)


def _time_zone(evidence: Evidence, candidate: Candidate) -> Candidate:
    if not evidence.backend.local_times or "SOURCE_DATE_EPOCH" in candidate.variables:
        return candidate
    offsets: Counter[int] = Counter()
    for ours, theirs in evidence.pairs:
        moment = as_utc(evidence.wheel.moments[ours])
        if moment is not None:
            seconds = int(moment.timestamp()) - evidence.sdist.members[theirs].mtime
            nearest = round(seconds / _QUARTER) * _QUARTER
            if abs(seconds - nearest) <= _ZIP_STEP and abs(nearest) <= 14 * 3600:
                offsets[nearest] += 1
    if not offsets:
        return candidate
    offset, count = offsets.most_common(1)[0]
    zone = posix_zone(offset)
    reason = Reason(f"TZ={zone}", f"{count} members are {offset / 3600:+g} h from their time in the sdist")
    return because(replace(candidate, variables={**candidate.variables, "TZ": zone}), reason)


def posix_zone(offset: int) -> str:
    """A POSIX TZ value for `offset` seconds east of UTC, which needs no zone files (POSIX.1 section 8.3)."""
    if offset == 0:
        return "UTC"
    hours, minutes = divmod(abs(offset) // 60, 60)
    digits = f"{hours:02d}{minutes:02d}" if minutes else f"{hours:02d}"
    clock = f"{hours}:{minutes:02d}" if minutes else str(hours)
    return f"<{'+' if offset > 0 else '-'}{digits}>{'-' if offset > 0 else ''}{clock}"


def _modes(evidence: Evidence, candidate: Candidate) -> Candidate:
    if not evidence.backend.keeps_modes:
        return candidate
    wheel = evidence.wheel
    generated = [mode for path, mode in wheel.modes.items() if path == f"{wheel.dist_info}/WHEEL" and mode]
    umask = _umask(generated[0]) if generated else candidate.umask
    pairs = [
        (wheel.modes[ours] & 0o777, evidence.sdist.members[theirs].mode & 0o777)
        for ours, theirs in evidence.pairs
    ]
    kept = all(ours == theirs for ours, theirs in pairs)
    by_umask = all(ours == (0o777 if theirs & 0o100 else 0o666) & ~umask for ours, theirs in pairs)
    modes = candidate.modes if kept or not by_umask else "umask"
    why = "as in the sdist" if modes == "archive" else "by the umask, unlike in the sdist"
    reason = Reason(f"umask {umask:03o}, files unpacked with modes {why}", "modes of the wheel's members")
    return because(replace(candidate, umask=umask, modes=modes), reason)


def _umask(mode: int) -> int:
    """The umask that leaves `mode` of 0666. Who may neither read nor write may not execute either: 077, not 066."""
    umask = 0o666 & ~mode
    return umask | sum(0o1 << shift for shift in (0, 3) if umask >> shift & 0o6 == 0o6)


def _definition(evidence: Evidence, candidate: Candidate) -> Candidate:
    """What a definition says, whatever the rules before it have found."""
    if evidence.definition is None:
        return candidate
    return evidence.definition.applied(candidate, evidence.pythons, evidence.lacking)


RULES: Final[tuple[Rule, ...]] = (
    _requirements, _as_of, _generator, _era, _named_python, _python_tag, _setup_requires, _asking,
    _source_date_epoch, _time_zone, _modes, _definition,
)  # fmt: skip
