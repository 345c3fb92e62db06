"""`rebuilder definitions check`: whether the reviewed definitions are still needed, and still bring a match."""

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from rebuilders.cli.options import (
    CacheOption,
    ContactOption,
    IndexOption,
    InstallOption,
    TimeoutOption,
    settings,
)
from rebuilders.config import DEFAULT_TIMEOUT
from witness.errors import Incomplete, InputError

if TYPE_CHECKING:
    from rebuilders.plan.definition import Definition
    from rebuilders.wiring import Workshop

_BROKEN, _OBSOLETE, _NEEDED = "broken", "obsolete", "needed"
_EXIT = {_NEEDED: 0, _OBSOLETE: 1, _BROKEN: 5}


class Action(StrEnum):
    """What to do with them."""

    CHECK = "check"
    LIST = "list"


def definitions(
    action: Annotated[
        Action, typer.Argument(metavar="check|list", help="Rebuild the examples, or show them.")
    ],
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Projects. Default: all that have definitions.")
    ] = None,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    index: IndexOption = "",
    cache: CacheOption = None,
    contact: ContactOption = "",
    install_pythons: InstallOption = False,
) -> None:
    """What people have found out about single projects, and whether inference still needs it.

    `check` rebuilds the example of each definition with it and without. A definition is needed if the example
    matches better with it, obsolete if it does as well without, and broken if it does not match with it.

    \b
    Example:
      rebuilder definitions check

    Exit codes: 0 shown, or all are needed, 1 one is obsolete, 2 usage, 5 one is broken, or could not be checked.
    """
    found = _found(names or ())
    if not found:
        typer.echo("no definitions")
    if action == Action.LIST or not found:
        for one in found:
            typer.echo(f"{one.name}: {one.reason} ({one.source}; {one.example})")
        return
    from rebuilders.wiring import open_workshop

    workshop = open_workshop(settings(index, cache, contact, install_pythons=install_pythons))
    ends = set()
    for one in found:
        state, words = _state(one, workshop, timeout)
        ends.add(_EXIT[state])
        typer.echo(f"{state:9} {one.name}: {one.example}: {words}")
    raise typer.Exit(max(ends))


def _found(names: Sequence[str]) -> list["Definition"]:
    from rebuilders.definitions import load, projects

    known = projects()
    for name in names:
        if name not in known:
            raise InputError(
                f"{name}: no definitions of that project", hint=f"There are: {', '.join(known) or 'none'}."
            )
    return [one for name in names or known for one in load(name)]


def _state(one: "Definition", workshop: "Workshop", timeout: float) -> tuple[str, str]:
    try:
        with_it = _level(workshop, one, timeout)
        without = _level(workshop.without_definitions(), one, timeout)
    except Incomplete as error:
        return _BROKEN, f"could not be checked: {error}"
    words = f"{_word(with_it)} with it, {_word(without)} without"
    if with_it is None:
        return _BROKEN, words
    return (_OBSOLETE if without is not None and without <= with_it else _NEEDED), words


def _level(workshop: "Workshop", one: "Definition", timeout: float) -> int | None:
    """The place of the level in `LEVELS`; None, if it did not match."""
    from witness.observation import LEVELS

    best = workshop.rebuild(one.example, timeout).best
    level = best.outcome.level if best else None
    return LEVELS.index(level) if level else None


def _word(level: int | None) -> str:
    from witness.observation import LEVELS

    return "no match" if level is None else LEVELS[level]
