"""`rebuilder definitions check`: whether the reviewed definitions are still needed, and still bring a match."""

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

app = typer.Typer(
    help="The reviewed definitions: what inference cannot know of single projects.", no_args_is_help=True
)


@app.callback()
def _group() -> None:
    """A group, although it has one command so far."""


@app.command()
def check(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Projects. Default: all that have definitions.")
    ] = None,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    index: IndexOption = "",
    cache: CacheOption = None,
    contact: ContactOption = "",
    install_pythons: InstallOption = False,
) -> None:
    """Rebuild each definition's example with the definition and without.

    A definition is needed if the example matches better with it, obsolete if it does as well without, and broken if
    it does not match with it.

    \b
    Example:
      rebuilder definitions check

    Exit codes: 0 all are needed, 1 one is obsolete, 2 usage, 5 one is broken, or could not be checked.
    """
    from rebuilders import definitions
    from rebuilders.wiring import open_workshop

    known = definitions.projects()
    for name in names or ():
        if name not in known:
            raise InputError(
                f"{name}: no definitions of that project", hint=f"There are: {', '.join(known) or 'none'}."
            )
    found = [one for name in names or known for one in definitions.load(name)]
    if not found:
        typer.echo("no definitions")
        return
    workshop = open_workshop(settings(index, cache, contact, install_pythons=install_pythons))
    ends = set()
    for one in found:
        state, words = _state(one, workshop, timeout)
        ends.add(_EXIT[state])
        typer.echo(f"{state:9} {one.name}: {one.example}: {words}")
    raise typer.Exit(max(ends))


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
