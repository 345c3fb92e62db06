"""`rebuilder doctor`: whether this machine can rebuild, and how to mend what is missing."""

import json as jsonlib
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from rebuilders.cli.options import CacheOption, ContactOption, IndexOption, JsonOption, settings
from rebuilders.config import Settings
from witness.errors import WheelwitnessError

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
            help="A node's directory: check whether it can sign, too.",
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
    """Check sandbox, limits, interpreters, uv, disk and index; and of a node, its keys, or what it signs with instead.

    \b
    Examples:
      rebuilder doctor
      rebuilder doctor node

    Exit codes: 0 this machine can rebuild, and the node sign; 5 it cannot.
    """
    told = settings(index, cache, contact)
    checks: dict[str, Callable[[Settings], Found]] = {
        "sandbox": _sandbox,
        "seccomp": _seccomp,
        "limits": _limits,
        "interpreters": _interpreters,
        "uv": _uv,
        "disk": _disk,
    }
    if not offline:
        checks["index"] = _index
    if directory is not None:
        checks["signing"] = partial(_signing, directory, offline)
    found = [_checked(name, check, told) for name, check in checks.items()]
    healthy = all(item.ok for item in found)
    if json:
        value = {"schema": SCHEMA, "healthy": healthy, "checks": [asdict(item) for item in found]}
        typer.echo(jsonlib.dumps(value))
    else:
        for item in found:
            typer.echo(f"{'ok  ' if item.ok else 'FAIL'}  {item.name:13} {item.says}")
            if item.hint:
                typer.echo(f"      {'':13} {item.hint}")
    raise typer.Exit(0 if healthy else 5)


def _checked(name: str, check: Callable[[Settings], Found], told: Settings) -> Checked:
    try:
        found = check(told)
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
