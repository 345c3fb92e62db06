"""Requirements files by pip's own grammar (pip-requirements-parser), and what is better done otherwise than there.

As UTF-8 on every system, as pip reads them: the parser by itself takes the system's encoding. And with one parser of
options for all lines: the making of one for each is most of the time that a file takes.
"""

import codecs
import re
import tempfile
from copy import copy
from functools import cache
from optparse import OptionParser, Values
from pathlib import Path
from typing import Final

import pip_requirements_parser
from pip_requirements_parser import RequirementsFile, build_parser

# PEP 263, as pip has it: a comment in one of the first two lines. It decides, and so does a byte order mark.
_DECLARED: Final = re.compile(rb"\A(?:[^\n]*\n)?#[^\n]*coding[:=]\s*[-\w.]+")
_MARKS: Final = (
    codecs.BOM_UTF8,
    codecs.BOM_UTF16_LE,
    codecs.BOM_UTF16_BE,
)  # those of UTF-32 begin so too, or with 0


@cache
def one_parser() -> OptionParser:
    """The library's parser of options, whose every line begins with lists of its own: none adds to those of another."""
    parser: OptionParser = build_parser()
    defaults = vars(parser.get_default_values())

    def begin() -> Values:
        return Values({name: copy(value) for name, value in defaults.items()})

    parser.get_default_values = begin  # type: ignore[method-assign]
    return parser


pip_requirements_parser.build_parser = one_parser


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
