"""Requirements files as UTF-8 on every system, as pip reads them: the parser by itself takes the system's encoding."""

import codecs
import re
import tempfile
from pathlib import Path
from typing import Final

from pip_requirements_parser import RequirementsFile

# PEP 263, as pip has it: a comment in one of the first two lines. It decides, and so does a byte order mark.
_DECLARED: Final = re.compile(rb"\A(?:[^\n]*\n)?#[^\n]*coding[:=]\s*[-\w.]+")
_MARKS: Final = (
    codecs.BOM_UTF8,
    codecs.BOM_UTF16_LE,
    codecs.BOM_UTF16_BE,
)  # those of UTF-32 begin so too, or with 0


def parse(path: Path) -> RequirementsFile:
    """The file at `path` as the parser sees it. What is not UTF-8 is left to it. Raises whatever it raises."""
    data = path.read_bytes()
    if data.isascii() or data.startswith(_MARKS) or _DECLARED.match(data) or not _is_utf8(data):
        return RequirementsFile.from_file(str(path))
    with tempfile.TemporaryDirectory(prefix="wheelwitness-") as directory:
        marked = Path(directory) / "requirements.txt"
        marked.write_bytes(codecs.BOM_UTF8 + data)
        return RequirementsFile.from_file(str(marked))


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
