"""What `check` reads, and how: options, and the pins that they and the inputs make."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from witness.pins.pin import Pin, Pins, Unpinned

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
IndexOption = Annotated[
    str | None,
    typer.Option(
        "--index",
        envvar="WHEELWITNESS_INDEX",
        help="Where pypi:FILENAME is looked up. Default: the index that uv or pip is set up to use.",
        show_default=False,
    ),
]


def read(
    inputs: Sequence[str],
    *,
    input_format: str | None,
    python: str | None,
    platform: str | None,
    only_new: Sequence[str],
    index: str | None,
) -> "Pins":
    """The pins of `inputs`. Raises InputError for what cannot be read, and FetchFailed for an index that fails."""
    from witness.errors import InputError
    from witness.pins.change import only_new as new_in
    from witness.pins.detect import STANDARD_INPUT, SUPPORTED, Reading, read_inputs
    from witness.pins.target import target_of

    if not inputs:
        raise InputError("nothing was named to check", hint=f"Give {SUPPORTED}.")
    if (*inputs, *only_new).count(STANDARD_INPUT) > 1:
        raise InputError("standard input can be read once only", hint="Give the other as a file.")
    reading = Reading(target_of(python, platform), input_format, lambda name: _look_up(name, index))
    pins = read_inputs(inputs, reading)
    return new_in(pins, read_inputs(only_new, reading)) if only_new else pins


def _look_up(filename: str, index: str | None) -> "Pin | Unpinned":
    from contextlib import closing

    from witness.endpoint import default_endpoint
    from witness.fetch import HttpFetcher
    from witness.pins.named import NamedFiles

    endpoint = index.rstrip("/") + "/" if index else default_endpoint()
    with closing(HttpFetcher()) as fetcher:
        return NamedFiles(endpoint, fetcher).find(filename)
