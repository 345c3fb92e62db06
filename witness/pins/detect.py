"""Finds out what an argument of the command line is, by its name and its content, and reads it."""

import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from witness.digest import parse_sha256
from witness.errors import InputError, Malformed
from witness.escape import printable
from witness.evidence import Artifact
from witness.pins.document import MAX_DOCUMENT, Document
from witness.pins.formats import Format, by_content, by_name, parse_format
from witness.pins.installed import Finder, Installed, read_environment
from witness.pins.pin import Origin, Pin, Pins, Recognised, Unpinned
from witness.pins.release import pins_of
from witness.pins.target import Target

SUPPORTED: Final = (
    "a lock file (pylock.toml, uv.lock, poetry.lock, pdm.lock, Pipfile.lock), a requirements file with hashes "
    "(.txt, .in), an SBOM (CycloneDX or SPDX in JSON), a wheel (.whl), a directory of wheels, a virtual environment, "
    "pypi:FILENAME, "
    "sha256:HEX, or - for standard input"
)
STANDARD_INPUT: Final = "-"
_STDIN: Final = "<stdin>"
_REQUIREMENTS: Final = (".txt", ".in")
_FORCE: Final = f"Say what it is with --input-format, or give {SUPPORTED}."


def _no_index(filename: str) -> Pin | Unpinned:
    raise InputError(f"pypi:{printable(filename)}: no index was given to look it up")


def _no_index_for(installed: Sequence[Installed]) -> Sequence[Pin | Unpinned]:
    raise InputError(f"{len(installed)} distributions: no index was given to look them up")


def _standard_input(limit: int) -> bytes:
    return sys.stdin.buffer.read(limit)


@dataclass(frozen=True, slots=True)
class Reading:
    """How inputs are read.

    Args:
        target: the environment that counts; None for every one.
        format: what files and standard input are taken for; None to find out.
        look_up: gets the pin of a file on PyPI by its name.
        find_installed: gets the pins of what is installed.
        stdin: gets at most so many bytes of standard input.
    """

    target: Target | None = None
    format: str | None = None
    look_up: Callable[[str], Pin | Unpinned] = _no_index
    find_installed: Finder = _no_index_for
    stdin: Callable[[int], bytes] = _standard_input


def read_inputs(arguments: Sequence[str], reading: Reading | None = None) -> Pins:
    """Everything that `arguments` name, each once. Raises InputError for what cannot be read."""
    together = Pins()
    for argument in dict.fromkeys(arguments):
        together += read_input(argument, reading)
    return together


def read_input(argument: str, reading: Reading | None = None) -> Pins:
    """What one argument names.

    Raises:
        InputError: there is no such file, its kind is not known, or it cannot be read.
    """
    how = reading or Reading()
    if argument.startswith("sha256:"):
        return Pins((_of_digest(argument),))
    if argument.startswith("pypi:"):
        found = how.look_up(argument.removeprefix("pypi:"))
        return Pins((found,)) if isinstance(found, Pin) else Pins(unpinned=(found,))
    if argument == STANDARD_INPUT:
        return _read_stdin(how)
    return _read_path(Path(argument), printable(argument), how)


def _read_path(path: Path, shown: str, how: Reading) -> Pins:
    try:
        if path.is_dir():
            return _read_directory(path, how)
        if not path.exists():
            raise InputError(f"{shown}: no such file", hint=f"Give {SUPPORTED}.")
        if not path.is_file():
            raise InputError(f"{shown}: not a regular file", hint="Pipe it in, and give - as input.")
    except (OSError, ValueError) as error:  # a loop of links, a name that no file can have
        raise InputError(f"{shown}: {printable(str(error))}") from None
    if path.name.endswith(".whl"):
        from witness.pins.wheels import read_wheel

        return Pins((read_wheel(path),))
    if how.format is not None:
        return _forced(path, how, how.format)
    if (named := by_name(path.name)) is not None:
        return _read(Document(str(path), _bytes(path, shown)), named, how)
    if path.name.endswith(_REQUIREMENTS):
        return _read_requirements(path, how)
    document = Document(str(path), _bytes(path, shown))
    found = by_content(document)
    if found is None:
        raise InputError(f"{shown}: not a kind of file that can be checked", hint=_FORCE)
    return _read(document, found, how)


def _read_directory(path: Path, how: Reading) -> Pins:
    if (path / "pyvenv.cfg").is_file():
        return read_environment(path, how.find_installed)
    from witness.pins.wheels import read_directory

    return read_directory(path)


def _forced(path: Path, how: Reading, name: str) -> Pins:
    chosen = parse_format(name)
    if chosen is None:
        return _read_requirements(path, how)
    return _read(Document(str(path), _bytes(path, printable(str(path)))), chosen, how)


def _read_stdin(how: Reading) -> Pins:
    document = Document(_STDIN, how.stdin(MAX_DOCUMENT + 1))
    if document.data.startswith(b"PK\x03\x04"):
        raise document.refuse("a wheel has no name here", hint="Give it as a file, under its own name.")
    chosen = by_content(document) if how.format is None else parse_format(how.format)
    if chosen is not None:
        return _read(document, chosen, how)
    if how.format is None and document.text.lstrip()[:1] in ("{", "<"):
        raise document.refuse("not a kind of file that can be checked", hint=_FORCE)
    return _read_piped_requirements(document, how)


def _read_piped_requirements(document: Document, how: Reading) -> Pins:
    """Pip's parser wants a file; what it includes is looked for in the current directory, as pip itself would."""
    from witness.pins.requirements import read_requirements

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requirements.txt"
        path.write_bytes(document.data)
        return read_requirements(path, how.target, shown=document.name, folder=Path())


def _read_requirements(path: Path, how: Reading) -> Pins:
    from witness.pins.requirements import read_requirements

    return read_requirements(path, how.target)


def _read(document: Document, format_: Format, how: Reading) -> Pins:
    if not document.data.strip():
        raise document.refuse(f"empty: not a {format_.name}")
    locked = format_.parse(document)
    recognised = Recognised(document.name, format_.name, locked.version)
    return replace(pins_of(locked, how.target), inputs=(recognised,))


def _bytes(path: Path, shown: str) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_DOCUMENT + 1)
    except OSError as error:
        raise InputError(f"{shown}: {error.strerror}") from None


def _of_digest(argument: str) -> Pin:
    digest = read_target(argument).sha256
    return Pin("", "", frozenset({digest}), Origin(argument))


def read_target(argument: str) -> Artifact:
    """The one file that `argument` names: `sha256:<hex>`, or a wheel at hand. Raises InputError."""
    if argument.startswith("sha256:"):
        try:
            return Artifact(parse_sha256(argument.removeprefix("sha256:")))
        except Malformed as error:
            raise InputError(str(error), hint="Give all 64 hex digits, in lower case.") from None
    if not argument.endswith(".whl"):
        raise InputError(
            f"{printable(argument)}: not a file to show", hint="Give sha256:… or a wheel (.whl)."
        )
    from witness.pins.wheels import read_wheel

    pin = read_wheel(Path(argument))
    (digest,) = pin.sha256
    return Artifact(digest, pin.filename, pin.project, pin.version, pin.digests)
