"""Files that commands write for their users: whole, or as they were before."""

from pathlib import Path

from witness import files
from witness.errors import InputError
from witness.escape import printable


def write_whole(path: Path, text: str, *, hint: str) -> None:
    """Puts `text` into the file at `path`. A full disk or a killed process leaves what was there.

    Raises:
        InputError: it cannot be written, with `hint`.
    """
    data = text.encode("utf-8")
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)  # a terminal or a pipe, which is not to be replaced
        else:
            mode = path.stat().st_mode & 0o777 if path.exists() else files.EVERYBODY_READS
            files.replace(path.resolve(), data, mode)
    except OSError as error:
        raise InputError(f"{printable(str(path))}: cannot be written: {error.strerror}", hint=hint) from None
