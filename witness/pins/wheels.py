"""Wheel files, and directories of them, as pins: by their name, their digest, and the digests of what they hold.

A wheel that cannot be read strictly (witness.wheel) is a pin all the same: what it holds is then not recomputed.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from witness.digest import sha256_hex, sha256_hex_of
from witness.errors import InputError, Malformed
from witness.escape import printable
from witness.limits import ARCHIVE, MAX_HASHED
from witness.names import WheelName
from witness.pins.pin import Origin, Pin, Pins, Unpinned
from witness.wheel import reader

_CHUNK: Final = 1024 * 1024
_SDISTS: Final = (".tar.gz", ".zip")


def read_wheel(path: Path) -> Pin:
    """The pin for the wheel at `path`.

    Raises:
        InputError: unreadable, larger than any wheel may be, or not named as wheels are.
    """
    try:
        name = WheelName.parse(path.name)
    except Malformed as error:
        raise InputError(str(error), hint="Give the wheel the name under which it was published.") from None
    try:
        held = path.read_bytes() if path.stat().st_size <= ARCHIVE.file else None
        digest = sha256_hex_of(_chunks(path)) if held is None else sha256_hex(held)
    except OSError as error:
        raise InputError(f"{printable(str(path))}: {error.strerror}") from None
    return Pin(
        project=name.project,
        version=str(name.version),
        sha256=frozenset({digest}),
        origin=Origin(str(path)),
        filename=name.filename,
        path=path,
        digests=None if held is None else _digests(held),
    )


def read_directory(path: Path) -> Pins:
    """The wheels directly in `path`, by name; its sdists are named as not applicable, other files are left alone.

    Raises:
        InputError: the directory, or a wheel in it, cannot be read.
    """
    try:
        entries = sorted(path.iterdir())
    except OSError as error:
        raise InputError(f"{printable(str(path))}: {error.strerror}") from None
    wheels = tuple(read_wheel(entry) for entry in entries if entry.name.endswith(".whl"))
    sdists = tuple(
        Unpinned(entry.name, "not-applicable", "not a wheel", Origin(str(entry)))
        for entry in entries
        if entry.name.endswith(_SDISTS)
    )
    return Pins(wheels, sdists)


def _digests(data: bytes) -> tuple[str, str] | None:
    try:
        wheel = reader.read_wheel(data)
    except Malformed:
        return None
    return wheel.payload_digest, wheel.dist_info_digest


def _chunks(path: Path) -> Iterator[bytes]:
    total = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            total += len(chunk)
            if total > MAX_HASHED:
                raise InputError(f"{printable(str(path))}: more than the {MAX_HASHED} bytes a wheel may have")
            yield chunk
