"""What to try next when a rebuilt wheel differs: changes to the recipe, ordered by what the difference suggests.

Each variation looks at what the published wheel shows and the rebuilt one does not, and proposes candidates that
change one thing each. The search keeps the one that brings it nearest, and asks again.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from packaging.utils import canonicalize_name
from packaging.version import Version

from rebuilders.facts.wheel import WheelFacts
from rebuilders.plan.infer import Evidence, because, python_tag_option, without
from rebuilders.plan.interpreters import rank
from rebuilders.plan.recipe import Candidate, Locked, Reason
from witness.observation import Difference

# The last releases before something of what they write changed.
_SETUPTOOLS: Final = (
    "69.0",
    "67.0",
    "62.2",
    "60.9",
    "58.0",
    "57.0",
    "56.1",
    "54.0",
    "51.0",
    "47.0",
    "42.0",
    "41.3",
    "40.0",
)
_FIRST_WITH_HOOKS: Final = Version("40.8")
_WHEELS: Final = {
    "parentheses": ("0.40.0", "0.37.1", "0.34.2"),
    "space": ("0.43.0", "0.41.3"),
    "plain": ("0.45.1",),
}
_SWITCH: Final = re.compile(
    r"""(?:environ(?:\.get)?|getenv)\s*[(\[]\s*["'](?P<name>[A-Z][A-Z0-9_]{2,60})["']"""
)
_SWITCH_WORDS: Final = (
    "EXT",
    "PURE",
    "SPEED",
    "CYTHON",
    "BINARY",
    "COMPIL",
    "NATIVE",
    "MYPYC",
    "USE_C",
    "SKIP",
    "NO_",
)
_MAX_SWITCHES: Final = 4


@dataclass(frozen=True, slots=True)
class Miss:
    """An attempt that differed: what its wheel shows, what differs, and what it was built with."""

    rebuilt: WheelFacts
    differences: tuple[Difference, ...]
    locked: tuple[Locked, ...]

    def touches(self, name: str) -> bool:
        """Whether a member of that name, in any directory, is among the differences."""
        return any(difference.path.rsplit("/", 1)[-1] == name for difference in self.differences)


Variation = Callable[[Evidence, Candidate, Miss], Iterator[Candidate]]


def variations(evidence: Evidence, candidate: Candidate, miss: Miss) -> Iterator[Candidate]:
    """Candidates that change one thing of `candidate`, most promising first."""
    for variation in VARIATIONS:
        yield from variation(evidence, candidate, miss)


def _changed(candidate: Candidate, decision: str, why: str, **changes: object) -> Candidate:
    return because(replace(candidate, **changes), Reason(decision, why))  # type: ignore[arg-type]


def _by_itself(evidence: Evidence, candidate: Candidate, miss: Miss) -> Iterator[Candidate]:
    """A backend that built itself: once built by an older release, its sdist is built again by what came of it."""
    version = evidence.wheel.generator_version
    own = [pin for pin in evidence.backend.pins if canonicalize_name(pin) == evidence.project]
    if own and not candidate.by_itself and miss.rebuilt.generator_version != version:
        pin = f"{own[0]}=={version}"
        yield _changed(
            candidate, f"{pin}, as it was built from this sdist", "WHEEL's Generator is the project itself",
            by_itself=True, requirements=(*without(candidate.requirements, own[0]), pin),
            constraints=(*without(candidate.constraints, own[0]), pin),
        )  # fmt: skip


def _switches(evidence: Evidence, candidate: Candidate, miss: Miss) -> Iterator[Candidate]:
    """Optional extensions, switched off by what the setup script asks the environment for."""
    if not evidence.wheel.pure or miss.rebuilt.pure:
        return
    names = [m["name"] for m in _SWITCH.finditer(evidence.sdist.texts.get("setup.py", ""))]
    names = [name for name in dict.fromkeys(names) if any(word in name for word in _SWITCH_WORDS)]
    for name in names[:_MAX_SWITCHES]:
        positive = any(word in name for word in ("NO_", "PURE", "SKIP", "DISABLE"))
        for value in ("1", "true") if positive else ("0", "false", "no"):
            yield _changed(
                candidate, f"{name}={value}", "the published wheel is pure, and setup.py reads this variable",
                variables={**candidate.variables, name: value},
            )  # fmt: skip


def _python_tag(evidence: Evidence, candidate: Candidate, miss: Miss) -> Iterator[Candidate]:
    option = python_tag_option(evidence)
    if option and miss.rebuilt.python_tags != evidence.wheel.python_tags and not candidate.options:
        tags = " and ".join(sorted(evidence.wheel.python_tags))
        yield _changed(
            candidate, f"setup.py bdist_wheel {option}", f"the wheel is tagged {tags}",
            frontend="setup.py", options=(option,), requirements=_with_wheel(candidate),
        )  # fmt: skip


def _with_wheel(candidate: Candidate) -> tuple[str, ...]:
    """The requirements with wheel among them, which alone brings the command bdist_wheel to older setuptools."""
    named = without(candidate.requirements, "wheel") != candidate.requirements
    return candidate.requirements if named else (*candidate.requirements, "wheel")


def _line_ends(evidence: Evidence, candidate: Candidate, _: Miss) -> Iterator[Candidate]:
    windows = evidence.wheel.crlf or not evidence.wheel.made_on_unix
    if windows and candidate.line_ends == "lf" and evidence.backend.keeps_modes:
        why = "METADATA has Windows' line ends" if evidence.wheel.crlf else "the archive was made on Windows"
        modes = candidate.modes if evidence.wheel.made_on_unix else "windows"
        yield _changed(candidate, "line ends of Windows", why, line_ends="crlf", modes=modes)


def _wheel_release(evidence: Evidence, candidate: Candidate, miss: Miss) -> Iterator[Candidate]:
    """Setuptools takes parts of an installed wheel, whose releases spell requirements differently."""
    ours, theirs = _spelling(evidence.wheel), _spelling(miss.rebuilt)
    if evidence.wheel.generator != "setuptools" or ours == theirs or not miss.touches("METADATA"):
        return
    for release in _WHEELS.get(ours, ()):
        pin = f"wheel=={release}"
        yield _changed(
            candidate, f"{pin} beside setuptools", f"Requires-Dist is written with {ours}",
            requirements=(*without(candidate.requirements, "wheel"), pin),
            constraints=(*without(candidate.constraints, "wheel"), pin),
            frontend="setup.py" if "setup.py" in evidence.sdist.texts else candidate.frontend,
        )  # fmt: skip


def _spelling(wheel: WheelFacts) -> str:
    for requirement in wheel.header("Requires-Dist"):
        if re.search(r"\([<>=!~]", requirement):
            return "parentheses"
        if re.search(r"\w [<>=!~]", requirement.split(";")[0]):
            return "space"
    return "plain"


def _setup_py(evidence: Evidence, candidate: Candidate, _: Miss) -> Iterator[Candidate]:
    if evidence.backend.keeps_modes and "setup.py" in evidence.sdist.texts and candidate.frontend == "pep517":
        yield _changed(
            candidate, "setup.py bdist_wheel", "what publishers ran instead of the PEP 517 hook",
            frontend="setup.py", requirements=_with_wheel(candidate),
        )  # fmt: skip


def _older_setuptools(evidence: Evidence, candidate: Candidate, miss: Miss) -> Iterator[Candidate]:
    if evidence.wheel.generator != "bdist_wheel":
        return
    used = next((Version(item.version) for item in miss.locked if item.name == "setuptools"), None)
    for bound in _SETUPTOOLS:
        if used is not None and used >= Version(bound):
            yield _changed(
                _hookless(evidence, candidate) if Version(bound) <= _FIRST_WITH_HOOKS else candidate,
                f"setuptools<{bound}", "releases before it write some of the differing files otherwise",
                constraints=(*candidate.constraints, f"setuptools<{bound}"),
            )  # fmt: skip


def _hookless(evidence: Evidence, candidate: Candidate) -> Candidate:
    """`candidate` as a setuptools from before PEP 517 can build it, unless the project itself asks for a later one."""
    if evidence.sdist.build_requires is not None or "setup.py" not in evidence.sdist.texts:
        return candidate
    requirements = (*without(candidate.requirements, "setuptools"), "setuptools")
    return replace(candidate, frontend="setup.py", requirements=requirements)


def _other_pythons(evidence: Evidence, candidate: Candidate, _: Miss) -> Iterator[Candidate]:
    for python, _reason in rank(evidence.pythons, evidence.wheel.requires_python, evidence.uploaded)[:4]:
        if python != candidate.python:
            yield _changed(candidate, f"Python {python}", "another interpreter of the time", python=python)


VARIATIONS: Final[tuple[Variation, ...]] = (
    _by_itself, _switches, _python_tag, _line_ends, _wheel_release, _setup_py, _older_setuptools, _other_pythons,
)  # fmt: skip
