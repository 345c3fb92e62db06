"""Finds out what an argument of the command line is, by its name alone, and reads it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from witness.digest import parse_sha256
from witness.errors import InputError, Malformed
from witness.escape import printable
from witness.evidence import Artifact
from witness.pins.pin import Pins

SUPPORTED: Final = "a wheel (.whl), a directory of wheels, or a requirements file with hashes (.txt, .in)"
_REQUIREMENTS: Final = (".txt", ".in")
_LATER: Final = ("pylock.toml", "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock")


def read_inputs(arguments: Sequence[str]) -> Pins:
    """Everything that `arguments` name, each file once. Raises InputError for what cannot be read."""
    together = Pins()
    for argument in dict.fromkeys(arguments):
        together += read_input(argument)
    return together


def read_input(argument: str) -> Pins:
    """What one argument names.

    Raises:
        InputError: there is no such file, its kind is not known, or it cannot be read.
    """
    path = Path(argument)
    shown = printable(argument)
    if path.is_dir():
        from witness.pins.wheels import read_directory

        return read_directory(path)
    if not path.exists():
        raise InputError(f"{shown}: no such file", hint=f"Give {SUPPORTED}.")
    if path.name.endswith(".whl"):
        from witness.pins.wheels import read_wheel

        return Pins((read_wheel(path),))
    if path.name.endswith(_REQUIREMENTS):
        from witness.pins.requirements import read_requirements

        return read_requirements(path)
    if path.name in _LATER or (path.name.startswith("pylock.") and path.name.endswith(".toml")):
        hint = "Export it: uv export --format requirements-txt, or poetry export, with hashes."
        raise InputError(f"{shown}: this kind of lock file cannot be read yet", hint=hint)
    raise InputError(f"{shown}: not a kind of file that can be checked", hint=f"Give {SUPPORTED}.")


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
