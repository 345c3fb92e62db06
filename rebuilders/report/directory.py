"""A report's files in a new directory: all of them, or none."""

import errno
import os
import shutil
import tempfile
from pathlib import Path

from rebuilders.report.document import Document
from rebuilders.report.json import report_json
from rebuilders.report.page import page
from witness.errors import Incomplete, InputError
from witness.escape import printable


def check_vacant(directory: Path) -> None:
    """Raises InputError where a report could not be written: before an hour of work, not after it."""
    try:
        if directory.is_dir() and not any(directory.iterdir()):
            return
        if directory.exists() or directory.is_symlink():
            raise InputError(
                f"{printable(str(directory))}: there is something in it already",
                hint="A report is never written over anything: name a new directory.",
            )
    except OSError as error:
        raise _unwritable(directory, error) from None


def write_report(document: Document, directory: Path) -> Path:
    """Writes `document` into `directory`, which is new or empty; returns the page.

    Raises:
        InputError: there is something in it, or it cannot be made.
        Incomplete: the disk is full. Nothing is left of the report.
    """
    contents = {
        "index.html": page(document).encode("utf-8", "backslashreplace"),
        "report.json": report_json(document),
        **(document.diffoscope.files if document.diffoscope else {}),
    }
    check_vacant(directory)
    try:
        directory.absolute().parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".report-", dir=directory.absolute().parent))
        try:
            for name, content in contents.items():
                _write(staging / name, content)
            staging.chmod(0o755)
            staging.rename(directory)  # takes the place of a directory only if that is empty
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise _unwritable(directory, error) from None
    return directory / "index.html"


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # or a full disk may be noticed when the report has its name already


def _unwritable(directory: Path, error: OSError) -> InputError | Incomplete:
    words = f"{printable(str(directory))}: cannot be written: {error.strerror}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Incomplete(words, hint="Free some space, and try again.")
    return InputError(words, hint="Choose another --report.")
