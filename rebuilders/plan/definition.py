"""A definition: how one project's wheels differ from what inference says, reviewed by people, as data. Pure.

A file holds the definitions of one project, each for a range of versions. It can set what a candidate has, and
nothing more: there are no commands in it, and its variables and options are those of an allow-list. Unknown keys are
errors, as is a definition without a reason, a source for it, or an example to prove it by.
"""

import re
import tomllib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, get_args

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from rebuilders.plan.recipe import Candidate, Frontend, LineEnds, Reason
from rebuilders.plan.requirement import parse_requirement
from witness.errors import InputError, Malformed
from witness.names import TargetName

_MAX_TEXT: Final = 200  # an observation has room for 300
_MAX_DEFINITIONS: Final = 50
_MAX_ITEMS: Final = 20
_PYTHON: Final = re.compile(r"3\.\d{1,2}", re.ASCII)
_OPTION: Final = re.compile(r"--universal|--python-tag=[a-z]{2}\d{1,4}", re.ASCII)  # as inference gives
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]{1,60}", re.ASCII)
# What decides which code runs, rather than what it makes.
_NO_VARIABLE: Final = re.compile(
    r"(LD_|PYTHON|UV_|PIP_|GIT_|SSL_|GCONV_|MALLOC_|GLIBC_).*|PATH|HOME|IFS|ENV|BASH_ENV|SHELL|TMPDIR",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Definition:
    """What is set for the releases of `project` within `versions`; what is empty is left to inference.

    `requirements` and `constraints` take the place of those for the same distributions. `slack` is added to the date
    that requirements are resolved for.
    """

    project: str
    versions: SpecifierSet
    example: TargetName
    reason: str
    source: str
    python: str = ""
    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    frontend: Frontend | None = None
    options: tuple[str, ...] = ()
    line_ends: LineEnds | None = None
    slack: timedelta = timedelta()

    @property
    def name(self) -> str:
        """The project, with the range where it has one."""
        return f"{self.project} {self.versions}".strip()

    @property
    def told(self) -> Reason:
        """As plans, results and observations tell of it."""
        return Reason(f"definition {self.name}", self.reason)

    def applied(self, candidate: Candidate, pythons: tuple[str, ...], lacking: str) -> Candidate:
        """`candidate` with what this sets, where `pythons` can be had and others are `lacking`."""
        reasons = (*candidate.reasons, self.told)
        if self.python and self.python not in pythons:
            why = f"the definition names it, but it {lacking}"
            reasons = (*reasons, Reason(f"not Python {self.python}", why))
        return replace(
            candidate,
            python=self.python if self.python in pythons else candidate.python,
            requirements=_replaced(candidate.requirements, self.requirements),
            constraints=_replaced(candidate.constraints, self.constraints),
            variables={**candidate.variables, **self.variables},
            frontend=self.frontend or candidate.frontend,
            options=self.options or candidate.options,
            line_ends=self.line_ends or candidate.line_ends,
            as_of=candidate.as_of and _later(candidate.as_of, self.slack),
            reasons=reasons,
        )

    def covers(self, version: Version) -> bool:
        """Whether it is for that release."""
        return self.versions.contains(version, prereleases=True)


def _replaced(texts: tuple[str, ...], by: tuple[str, ...]) -> tuple[str, ...]:
    """`texts`, but for the distributions in `by` what that says."""
    named = {canonicalize_name(parse_requirement(text).name) for text in by}
    kept = (text for text in texts if canonicalize_name(parse_requirement(text).name) not in named)
    return (*kept, *by)


def _later(moment: datetime, slack: timedelta) -> datetime:
    try:
        return moment + slack
    except OverflowError:  # an index may say anything
        return moment


def parse_definitions(text: str, where: str, project: str) -> tuple[Definition, ...]:
    """The definitions in `text`, the file `where` of `project`. Raises InputError naming the file and the key."""
    try:
        value = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not TOML: {error}") from None
    listed = value.get("definition")
    if value.get("version") != 1 or isinstance(value.get("version"), bool):
        raise InputError(f"{where}: version: not 1")
    if set(value) != {"version", "definition"} or not isinstance(listed, list):
        raise InputError(f"{where}: not `version` and [[definition]] tables")
    if not 0 < len(listed) <= _MAX_DEFINITIONS:
        raise InputError(f"{where}: {len(listed)} definitions, not 1 to {_MAX_DEFINITIONS}")
    found = tuple(
        _definition(item, f"{where}, definition {number}", project) for number, item in enumerate(listed, 1)
    )
    for number, definition in enumerate(found, 1):
        first = next(other for other in found if other.covers(definition.example.version))
        if first is not definition:
            raise InputError(f"{where}, definition {number}: its example is covered by one before it")
    return found


def _definition(item: object, where: str, project: str) -> Definition:
    if not isinstance(item, dict):
        raise InputError(f"{where}: not a table")
    unknown = sorted(set(item) - set(_KEYS))
    if unknown:
        raise InputError(f"{where}: unknown key {unknown[0]!r}", hint="See docs/reference/definitions.md.")
    told: dict[str, Any] = {"project": project}
    for key, (name, read) in _KEYS.items():
        try:
            if key in item:
                told[name] = read(item[key])
        except (ValueError, Malformed, InputError) as error:
            raise InputError(f"{where}: {key}: {error}") from None
    for key in _REQUIRED:
        if key not in item:
            raise InputError(f"{where}: no {key!r}")
    if not set(item) - set(_REQUIRED):
        raise InputError(f"{where}: it changes nothing")
    definition = Definition(**told)
    if definition.example.project != project or not definition.covers(definition.example.version):
        raise InputError(f"{where}: example: not a release of {project} within {definition.versions}")
    return definition


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable() or len(value) > _MAX_TEXT:
        raise ValueError(f"not a line of text of at most {_MAX_TEXT} characters")
    return value


def _matching(pattern: re.Pattern[str], what: str) -> Any:
    def read(value: object) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise ValueError(f"not {what}")
        return value

    return read


def _one_of(words: tuple[str, ...]) -> Any:
    def read(value: object) -> object:
        if value not in words:
            raise ValueError(f"not one of {', '.join(words)}")
        return value

    return read


def _list_of(read: Any) -> Any:
    def all_of(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list) or not 0 < len(value) <= _MAX_ITEMS:
            raise ValueError(f"not a list of 1 to {_MAX_ITEMS}")
        return tuple(map(read, value))

    return all_of


def _versions(value: object) -> SpecifierSet:
    try:
        return SpecifierSet(_text(value) if value else "")
    except InvalidSpecifier as error:
        raise ValueError(str(error)) from None


def _requirement(value: object) -> str:
    parse_requirement(text := _text(value))
    return text


def _example(value: object) -> TargetName:
    return TargetName.parse(_text(value))


def _variables(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not 0 < len(value) <= _MAX_ITEMS:
        raise ValueError(f"not a table of 1 to {_MAX_ITEMS}")
    for name, content in value.items():
        if not _VARIABLE.fullmatch(name) or _NO_VARIABLE.fullmatch(name):
            raise ValueError(f"{name!r} is no variable that a definition may set")
        _text(content)
    return dict(value)


def _slack(value: object) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= 3650:
        raise ValueError("not a number of days from 1 to 3650")
    return timedelta(days=value)


_REQUIRED: Final = ("versions", "example", "reason", "source")
_KEYS: Final[dict[str, tuple[str, Any]]] = {
    "versions": ("versions", _versions),
    "example": ("example", _example),
    "reason": ("reason", _text),
    "source": ("source", _text),
    "python": ("python", _matching(_PYTHON, "a minor version such as 3.9")),
    "requirements": ("requirements", _list_of(_requirement)),
    "constraints": ("constraints", _list_of(_requirement)),
    "variables": ("variables", _variables),
    "frontend": ("frontend", _one_of(get_args(Frontend))),
    "options": ("options", _list_of(_matching(_OPTION, "an option that a definition may set"))),
    "line-ends": ("line_ends", _one_of(get_args(LineEnds))),
    "slack-days": ("slack", _slack),
}
