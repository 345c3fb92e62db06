"""Files that commands write piece by piece, while they work."""

from pathlib import Path

from witness.errors import InputError


def write(path: Path, mode: str, text: str, *, option: str) -> None:
    """Writes `text` to the file that `option` names, by `mode` "w" or "a". Raises InputError if it cannot."""
    try:
        with path.open(mode, encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written: {error.strerror}", hint=f"Choose another {option}."
        ) from None
