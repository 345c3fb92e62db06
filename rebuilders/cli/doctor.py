"""`rebuilder doctor`: whether this machine can rebuild, and how to mend what is missing."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from rebuilders.cli.options import CacheOption, ContactOption, IndexOption, settings
from rebuilders.config import Settings
from witness.errors import WheelwitnessError

_MIN_FREE: Final = 2 * 1024**3


def doctor(
    index: IndexOption = "",
    cache: CacheOption = None,
    contact: ContactOption = "",
    offline: Annotated[
        bool, typer.Option(envvar="WHEELWITNESS_OFFLINE", help="Do not ask the index.")
    ] = False,
) -> None:
    """Check sandbox, interpreters, uv, disk and index.

    \b
    Example:
      rebuilder doctor

    Exit codes: 0 this machine can rebuild, 5 it cannot.
    """
    told = settings(index, cache, contact)
    checks: dict[str, Callable[[Settings], str]] = {
        "sandbox": _sandbox,
        "seccomp": _seccomp,
        "interpreters": _interpreters,
        "uv": _uv,
        "disk": _disk,
    }
    if not offline:
        checks["index"] = _index
    healthy = True
    for name, check in checks.items():
        try:
            typer.echo(f"ok    {name:13} {check(told)}")
        except WheelwitnessError as error:
            healthy = False
            typer.echo(f"FAIL  {name:13} {error}")
            if error.hint:
                typer.echo(f"      {'':13} {error.hint}")
    raise typer.Exit(0 if healthy else 5)


def _sandbox(_: Settings) -> str:
    from rebuilders.sandbox.bubblewrap import Bubblewrap, probe

    sandbox = Bubblewrap.find()
    probe(sandbox)
    how = (
        "as root, each job under a user id of its own" if sandbox.root else "unprivileged, in user namespaces"
    )
    return f"{sandbox.name}: {how}; limits by rlimits"


def _seccomp(_: Settings) -> str:
    from rebuilders.sandbox import seccomp

    return "filter loaded" if seccomp.program() else "no filter for this architecture: namespaces alone"


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
