"""What a worker says that it has, in words that a job may need: the tags of a farm."""

import platform
import re
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Final

from rebuilders.environment.interpreters import installed
from rebuilders.environment.pythons import directory_of
from witness import __version__
from witness.errors import InputError

_TAG: Final = re.compile(r"[a-z0-9][a-z0-9._+-]{0,59}", re.ASCII)


def python_tag(minor: str) -> str:
    """Of a worker that has Python `minor`."""
    return f"python{minor}"


def program_tags() -> tuple[str, ...]:
    """Of the program itself: whoever has others answers in a language of its own."""
    return f"wheelwitness-{__version__}", f"distributed-{version('distributed')}"


def tags_here(cache: Path, more: Iterable[str] = ()) -> tuple[str, ...]:
    """This machine's: its interpreters and its architecture, and what the operator says besides.

    Raises:
        InputError: one of `more` cannot be a tag.
    """
    for tag in more:
        if not _TAG.fullmatch(tag):
            raise InputError(f"{tag!r} is no tag", hint="Lower-case letters, digits, and any of . _ + -")
    pythons = (python_tag(interpreter.minor) for interpreter in installed(directory_of(cache)))
    machine = platform.machine().lower()
    return tuple(dict.fromkeys((*pythons, f"arch-{machine}", *more)))
