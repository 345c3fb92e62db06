"""What a project may ask for beyond its user's policy: more, and never less.

The file is the table `[tool.wheelwitness]` of a `pyproject.toml`, or a TOML file of its own with the same keys. Whoever
can change it can change what is installed, so it is read only where the user says so, and a key that would loosen his
policy is an error, as is one that has no business there. Pure.
"""

import tomllib
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn

from witness.errors import InputError
from witness.limits import MAX_POLICY
from witness.outcome import DEFAULT_FAIL_ON, FAILURES
from witness.policy import ACCEPTABLE, PLACES, Policy, check_reachable
from witness.table import Table

PYPROJECT: Final = "pyproject.toml"
OWN_FILE: Final = "wheelwitness.toml"
_WITHOUT_END: Final = float("inf")
_NOT_HERE: Final = "belongs into the policy of whoever installs"


@dataclass(frozen=True, slots=True)
class _Number:
    """A key that is a number, what it is in a policy, and whether more of it is tighter."""

    key: str
    field: str
    more_is_tighter: bool


_NUMBERS: Final = (
    _Number("threshold", "threshold", more_is_tighter=True),
    _Number("cosigners", "cosigners", more_is_tighter=True),
    _Number("independent", "independent", more_is_tighter=True),
    _Number("veto", "veto", more_is_tighter=False),
    _Number("max-age-days", "max_age_days", more_is_tighter=False),
    _Number("max-attempts", "max_attempts", more_is_tighter=False),
)
_FROM_ZERO: Final = ("cosigners", "independent")
_LISTS: Final = ("accept", "witnesses", "fail-on")
KEYS: Final = (*(number.key for number in _NUMBERS), *_LISTS, "diversity")


def table_in(text: str, *, name: str, pyproject: bool) -> dict[str, Any] | None:
    """What `text`, the file `name`, asks for, unread; None if it is a `pyproject.toml` that does not ask.

    Raises:
        InputError: not TOML, or too large.
    """
    if len(text) > MAX_POLICY:
        raise InputError(f"{name}: larger than any policy", hint="Is this the right file?")
    try:
        value: Any = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{name}: not valid TOML: {error}", hint="Mend the line it names.") from None
    if not pyproject:
        return dict(value)
    tools = value.get("tool", {})
    asked = tools.get("wheelwitness") if isinstance(tools, dict) else None
    if asked is not None and not isinstance(asked, dict):
        raise InputError(f"{name}: tool.wheelwitness: not a table", hint="Write [tool.wheelwitness].")
    return asked


def tightened(policy: Policy, asked: dict[str, Any], *, name: str) -> Policy:
    """`policy` with what `asked`, the table of the file `name`, has tighter.

    Raises:
        InputError: a key is unknown, of another type, or looser than `policy`; or nothing could satisfy the result.
    """
    for key in asked:
        if key not in KEYS:
            known = key in ("witness", "exempt", "version", "project-policy", "cosigner-quorum")
            problem = f"{key!r} {_NOT_HERE}" if known else f"unknown key {key!r}"
            raise InputError(f"{name}: {problem}", hint=f"A project may have {', '.join(KEYS)}.")
    table = Table(name, "", asked)
    for number in _NUMBERS:
        policy = _with_number(policy, table, number)
    policy = _with_stops(_with_levels(policy, table), table)
    policy = _with_diversity(_with_witnesses(policy, table), table)
    table.finish()
    check_reachable(Table(name, "", {}), policy)
    return policy


def _with_number(policy: Policy, table: Table, number: _Number) -> Policy:
    value = table.optional_integer(number.key, least=0 if number.key in _FROM_ZERO else 1)
    if value is None:
        return policy
    if number.key == "cosigners" and policy.quorum is not None:
        _refuse(table, number.key, "the policy has cosigner-quorum, which is no number")
    own = getattr(policy, number.field)
    if number.more_is_tighter and value < own:
        _refuse(table, number.key, f"{value} is looser than the policy's {own}")
    if not number.more_is_tighter and value > (_WITHOUT_END if own is None else own):
        _refuse(table, number.key, f"{value} is looser than the policy's {own}")
    changed: dict[str, Any] = {number.field: value}
    return replace(policy, **changed)


def _with_levels(policy: Policy, table: Table) -> Policy:
    """Fewer levels are tighter. "static" stays what it is: without it, dissent by static checks would not be heard."""
    levels = _among(table, "accept", ACCEPTABLE)
    if levels is None:
        return policy
    if more := levels - policy.accept:
        _refuse(table, "accept", f"adds {', '.join(sorted(more))}, which is looser than the policy")
    if levels == {"static"}:
        table.refuse("accept", "names no level", hint='Add the level of static checks: "metadata".')
    return replace(policy, accept=levels | (policy.accept & {"static"}))


def _with_stops(policy: Policy, table: Table) -> Policy:
    """More things to stop at are tighter."""
    stops = _among(table, "fail-on", FAILURES)
    if stops is None:
        return policy
    if missing := (DEFAULT_FAIL_ON if policy.fail_on is None else policy.fail_on) - stops:
        _refuse(table, "fail-on", f"leaves out {', '.join(sorted(missing))}, which is looser than the policy")
    return replace(policy, fail_on=stops)


def _among(table: Table, key: str, choices: tuple[str, ...]) -> frozenset[str] | None:
    values = table.optional_strings(key)
    for value in values or ():
        if value not in choices:
            table.refuse(key, f"no such value: {value!r}", hint=f"Choose from {', '.join(choices)}.")
    return None if values is None else frozenset(values)


def _with_witnesses(policy: Policy, table: Table) -> Policy:
    """Only the agreement of those that the project names counts. Dissent counts of all: a project that could drop a
    witness could drop the one that speaks against it.
    """
    names = table.optional_strings("witnesses")
    if names is None:
        return policy
    operators = {witness.name: witness.operator for witness in policy.everyone}
    if unknown := [name for name in names if name not in operators]:
        _refuse(table, "witnesses", f"{unknown[0]!r} is not a witness of the policy")
    if (left := len({operators[name] for name in names})) < policy.threshold:
        problem = f"of {left} operators, and threshold is {policy.threshold}"
        table.refuse("witnesses", problem, hint="Name witnesses of more operators.")
    return replace(policy, agreeing=frozenset(names))


def _with_diversity(policy: Policy, table: Table) -> Policy:
    asked = table.table("diversity")
    if asked is None:
        return policy
    own = dict(policy.diversity)
    for place in PLACES:
        count = asked.optional_integer(place, least=1)
        if count is not None and count < own.get(place, 0):
            _refuse(asked, place, f"{count} is looser than the policy's {own[place]}")
        if count is not None:
            own[place] = count
    asked.finish()
    return replace(policy, diversity=tuple((place, own[place]) for place in PLACES if place in own))


def _refuse(table: Table, key: str, problem: str) -> NoReturn:
    table.refuse(key, problem, hint="A project can only tighten its user's policy; leave the key out.")
