"""Options that commands share, with their environment variables. Imports nothing that is slow to load."""

from pathlib import Path
from typing import Annotated

import typer

from rebuilders.config import Settings
from witness.errors import InputError
from witness.names import MAX_FILENAME

IndexOption = Annotated[
    str,
    typer.Option(
        envvar="WHEELWITNESS_INDEX",
        help="The package index, by its Simple API. Default: the one that uv or pip are set up to use.",
        show_default=False,
    ),
]
CacheOption = Annotated[
    Path | None,
    typer.Option(
        envvar="WHEELWITNESS_CACHE",
        help="Where downloads and build environments are kept. Default: your cache directory.",
        show_default=False,
    ),
]
ContactOption = Annotated[
    str,
    typer.Option(
        envvar="WHEELWITNESS_CONTACT",
        help="An e-mail address or URL for the User-Agent, so that an index's operators can reach you.",
        show_default=False,
    ),
]
InstallOption = Annotated[
    bool,
    typer.Option(
        "--install-pythons",
        envvar="WHEELWITNESS_INSTALL_PYTHONS",
        help="Let uv install the Python nearest to a wheel's where it is missing, into the cache directory.",
    ),
]
TimeoutOption = Annotated[
    float,
    typer.Option(envvar="WHEELWITNESS_TIMEOUT", min=1.0, help="Seconds that one rebuild may take in all."),
]
ReportOption = Annotated[
    Path | None,
    typer.Option(
        envvar="WHEELWITNESS_REPORT",
        metavar="DIR",
        help="Write a page for people, and the same in JSON, into this new directory.",
        show_default=False,
    ),
]
DiffoscopeOption = Annotated[
    bool,
    typer.Option(
        "--diffoscope",
        envvar="WHEELWITNESS_DIFFOSCOPE",
        help="Add to the report what diffoscope makes of the two wheels.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", envvar="WHEELWITNESS_JSON", help="Write JSON.")]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", envvar="WHEELWITNESS_QUIET", help="No progress, no text but results.")
]
NodeArgument = Annotated[
    Path, typer.Argument(metavar="DIR", envvar="WHEELWITNESS_NODE", help="The node's directory.")
]


def local_target(target: str, sdist: Path | None) -> Path | None:
    """The local wheel that `target` is, given with its sdist; None if it is to be found in the index."""
    local = Path(target)
    if sdist is not None:
        return local
    if len(local.parts) > 1 or (len(target) <= MAX_FILENAME and local.is_file()):
        raise InputError(f"{target}: a local wheel needs its sdist", hint="Add --sdist FILE.tar.gz.")
    return None


def settings(index: str, cache: Path | None, contact: str, *, install_pythons: bool = False) -> Settings:
    """The settings that these options make."""
    return Settings(index=index, cache=cache, contact=contact, install_pythons=install_pythons)
