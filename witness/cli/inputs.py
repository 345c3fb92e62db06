"""What `check` reads, and how: options, and the pins that they and the inputs make."""

import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from witness.pins.named import NamedFiles
    from witness.pins.pin import Pins

InputFormatOption = Annotated[
    str | None,
    typer.Option(
        "--input-format",
        envvar="WHEELWITNESS_INPUT_FORMAT",
        help="What files and standard input are, if that is not found out: requirements, pylock.toml, uv.lock, "
        "poetry.lock, pdm.lock, Pipfile.lock, CycloneDX, SPDX.",
        show_default=False,
    ),
]
PythonOption = Annotated[
    str | None,
    typer.Option(
        "--python",
        envvar="WHEELWITNESS_PYTHON",
        help="Only what is installed for this version, such as 3.12, or current. Default: everything that a lock "
        "names; requirements as the running Python takes them.",
        show_default=False,
    ),
]
PlatformOption = Annotated[
    str | None,
    typer.Option(
        "--platform",
        envvar="WHEELWITNESS_PLATFORM",
        help="Only what is installed on this platform, such as manylinux_2_28_x86_64 or win_amd64.",
        show_default=False,
    ),
]
OnlyNewOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only-new",
        envvar="WHEELWITNESS_ONLY_NEW",
        metavar="BASE",
        help="Check only what this input does not name too, such as the lock file of the main branch. May be given "
        "several times.",
        show_default=False,
    ),
]
EnvironmentOption = Annotated[
    str | None,
    typer.Option(
        "--environment",
        envvar="WHEELWITNESS_ENVIRONMENT",
        metavar="PATH",
        help="Check what is installed in this virtual environment or directory of packages; current for the one that "
        "is active, or runs this program.",
        show_default=False,
    ),
]
IndexOption = Annotated[
    str | None,
    typer.Option(
        "--index",
        envvar="WHEELWITNESS_INDEX",
        help="Where pypi:FILENAME, and what is installed, are looked up. Default: the index that uv or pip is set up "
        "to use.",
        show_default=False,
    ),
]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is to be read, and how: as the options say."""

    named: tuple[str, ...]
    environment: str | None = None
    only_new: tuple[str, ...] = ()
    python: str | None = None
    platform: str | None = None
    format: str | None = None
    index: str | None = None


def read(inputs: Inputs) -> "Pins":
    """The pins of `inputs`. Raises InputError for what cannot be read, and FetchFailed for an index that fails."""
    from witness.errors import InputError
    from witness.pins.change import only_new
    from witness.pins.detect import STANDARD_INPUT, SUPPORTED, Reading, read_inputs
    from witness.pins.installed import read_environment
    from witness.pins.pin import Pins
    from witness.pins.target import target_of

    if not inputs.named and inputs.environment is None:
        raise InputError("nothing was named to check", hint=f"Give {SUPPORTED}.")
    if (*inputs.named, *inputs.only_new).count(STANDARD_INPUT) > 1:
        raise InputError("standard input can be read once only", hint="Give the other as a file.")
    target = target_of(inputs.python, inputs.platform)
    with index_of(inputs.index) as index:
        reading = Reading(target, inputs.format, index.find, index.find_all_installed)
        pins = read_inputs(inputs.named, reading)
        if inputs.environment is not None:
            pins += read_environment(_environment_path(inputs.environment), index.find_all_installed)
        base = read_inputs(inputs.only_new, reading) if inputs.only_new else Pins()
    return only_new(pins, base) if inputs.only_new else pins


def _environment_path(text: str) -> Path:
    return Path(os.environ.get("VIRTUAL_ENV") or sys.prefix) if text == "current" else Path(text)


@contextmanager
def index_of(named: str | None) -> "Iterator[NamedFiles]":
    """The index that was named, or else that of uv or pip: found out when it is asked."""
    from witness.endpoint import default_endpoint
    from witness.fetch import HttpFetcher
    from witness.pins.named import NamedFiles

    with closing(HttpFetcher()) as fetcher:
        yield NamedFiles(lambda: named or default_endpoint(), fetcher)
