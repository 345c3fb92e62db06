"""`rebuilder doctor`: whether this machine can rebuild, and how to mend what is missing."""

import json as jsonlib
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from rebuilders.cli.options import CacheOption, ContactOption, IndexOption, JsonOption, settings
from rebuilders.config import Settings
from witness.errors import WheelwitnessError
from witness.escape import printable

_MIN_FREE: Final = 2 * 1024**3
SCHEMA: Final = "doctor/1"


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of one check. `hint` says how to mend or to better it, if there is a way."""

    name: str
    ok: bool
    says: str
    hint: str = ""


Found = str | tuple[str, str]  # what is there, and how to get something better


def doctor(
    directory: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIR]",
            envvar="WHEELWITNESS_NODE",
            help="A node's directory: check the node, too.",
            show_default=False,
        ),
    ] = None,
    *,
    json: JsonOption = False,
    index: IndexOption = "",
    cache: CacheOption = None,
    contact: ContactOption = "",
    offline: Annotated[
        bool, typer.Option(envvar="WHEELWITNESS_OFFLINE", help="Ask nobody: neither the index nor Sigstore.")
    ] = False,
) -> None:
    """Check sandbox, limits, interpreters, uv, disk, memory, index and clock.

    And of a node: log, ledger, outbox, parts, peers, destinations, keys, or what it signs with instead.

    \b
    Examples:
      rebuilder doctor
      rebuilder doctor node

    Exit codes: 0 this machine can rebuild, and the node sign; 5 it cannot.
    """
    told = settings(index, cache, contact)
    if directory is None:
        checks = machine_checks(1, offline=offline)
        found = [checked(name, partial(check, told)) for name, check in checks.items()]
    else:
        found = _of_node(directory, told, offline=offline)
    healthy = all(item.ok for item in found)
    if json:
        value = {"schema": SCHEMA, "healthy": healthy, "checks": [asdict(item) for item in found]}
        typer.echo(jsonlib.dumps(value))
    else:
        tell(found)
    raise typer.Exit(0 if healthy else 5)


def tell(found: list[Checked]) -> None:
    """A line for each check, and one for each hint."""
    for item in found:
        typer.echo(f"{'ok  ' if item.ok else 'FAIL'}  {item.name:13} {printable(item.says)}")
        if item.hint:
            typer.echo(f"      {'':13} {item.hint}")


def machine_checks(
    jobs: int, *, offline: bool, static: bool = False
) -> dict[str, Callable[[Settings], Found]]:
    """What a machine needs; less where nothing is built."""
    from rebuilders.node import health

    building: dict[str, Callable[[Settings], Found]] = {
        "sandbox": _sandbox,
        "seccomp": _seccomp,
        "limits": _limits,
        "interpreters": _interpreters,
        "uv": _uv,
    }
    always: dict[str, Callable[[Settings], Found]] = {
        "disk": _disk,
        "memory": partial(health.memory, jobs=jobs),
    }
    asking: dict[str, Callable[[Settings], Found]] = {"index": _index, "clock": health.index_clock}
    return {**({} if static else building), **always, **({} if offline else asking)}


def _of_node(directory: Path, given: Settings, *, offline: bool) -> list[Checked]:
    """The machine by the node's own settings, but for those that are given, and the node."""
    from rebuilders.node import health
    from rebuilders.node.config import NodeDirectory

    node = NodeDirectory(directory)
    config = node.load()
    told = replace(
        config.settings,
        index=given.index or config.index,
        cache=given.cache or config.settings.cache,
        contact=given.contact or config.contact,
    )
    machine = machine_checks(config.jobs, offline=offline, static=config.method == "static")
    asking = {} if offline else health.ASKING
    return [
        *(checked(name, partial(check, told)) for name, check in machine.items()),
        *(checked(name, partial(check, node, config)) for name, check in {**health.LOCAL, **asking}.items()),
        checked("signing", partial(_signing, directory, offline, told)),
    ]


def checked(name: str, check: Callable[[], Found]) -> Checked:
    """What comes of one check."""
    try:
        found = check()
    except WheelwitnessError as error:
        return Checked(name, ok=False, says=str(error), hint=error.hint)
    says, hint = (found, "") if isinstance(found, str) else found
    return Checked(name, ok=True, says=says, hint=hint)


def _sandbox(_: Settings) -> str:
    from rebuilders.sandbox.bubblewrap import Bubblewrap, probe

    sandbox = Bubblewrap.find()
    probe(sandbox)
    how = (
        "as root, each job under a user id of its own" if sandbox.root else "unprivileged, in user namespaces"
    )
    return f"{sandbox.name}: {how}"


def _seccomp(_: Settings) -> str:
    from rebuilders.sandbox import seccomp

    return "filter loaded" if seccomp.program() else "no filter for this architecture: namespaces alone"


def _limits(_: Settings) -> Found:
    from rebuilders.sandbox.cgroup import HOW_TO_GET_ONE, Cgroups

    found = Cgroups.find()
    if found is not None:
        return f"a control group for each job (cgroup v2), in {found.base}"
    return "rlimits, and what is seen by looking; no control group is left to us", f"Better: {HOW_TO_GET_ONE}"


def _interpreters(told: Settings) -> str:
    from rebuilders.environment.interpreters import installed
    from rebuilders.environment.pythons import Installer, directory_of
    from rebuilders.wiring import find_uv
    from witness.errors import Incomplete

    found = installed(directory_of(told.cache_path))
    if not found:
        raise Incomplete("no Python to build with", hint="Install one: uv python install 3.13.")
    here = ", ".join(interpreter.version for interpreter in found)
    try:
        offered = Installer(find_uv(), told.cache_path).offered()
    except (Incomplete, ImportError, FileNotFoundError):
        return here  # what uv lacks is told in its own line
    missing = [minor for minor in offered if minor not in {interpreter.minor for interpreter in found}]
    if not missing:
        return here
    return (
        f"{here}; missing {', '.join(missing)} (uv python install {' '.join(missing)}, or --install-pythons)"
    )


def _uv(_: Settings) -> str:
    from rebuilders.wiring import find_uv
    from witness.errors import Incomplete

    try:
        return str(find_uv())
    except (ImportError, FileNotFoundError):
        raise Incomplete(
            "uv is missing", hint="Install the extra `node`: pip install 'wheelwitness[node]'."
        ) from None


def _disk(told: Settings) -> str:
    from witness.errors import Incomplete

    path = told.cache_path
    while not path.exists():
        path = path.parent
    free = shutil.disk_usage(path).free
    if free < _MIN_FREE:
        raise Incomplete(
            f"{free // 1024**2} MiB free at {path}", hint="Free some space, or choose another --cache."
        )
    return f"{free // 1024**3} GiB free at {Path(path)}"


def _index(told: Settings) -> str:
    from rebuilders.wiring import open_index

    source, _, endpoint = open_index(told)
    source.project("pip")
    return f"{endpoint} answers"


def _signing(directory: Path, offline: bool, _: Settings) -> str:
    from rebuilders.node import keys
    from rebuilders.node.config import NodeDirectory

    node = NodeDirectory(directory)
    config = node.load()
    keys.load(node, config)
    if config.sigstore is None:
        return "three keys, which only their owner can read"
    return keys.keyless(node, config.sigstore).rehearse(ask=not offline)
