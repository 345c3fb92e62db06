"""Compiled modules in `__pycache__` (PEP 3147, PEP 552): equal if they load under one condition to the same objects.

The whole header is equal: of two times of the source, one may be the time that an installer gives to it, and then
Python runs one file and ignores the other. What is left to differ are the flags of marshal (see marshal_stream).
"""

import re
import struct
from typing import Final

from witness.compare.rules.marshal_stream import PYTHON, read_code
from witness.compare.rules.rule import Pair, Rule, Subject, Uses

BYTECODE: Final = Rule(
    "bytecode-flags@1",
    "content",
    "`__pycache__/….pyc` in the payload, but in `.data` of `purelib` and `platlib` only",
    "which objects of the marshalled code are flagged as referred to, and the counting that follows from it",
    "another magic number, flags, time, size or hash; a source that is absent, differs, or is of another size; a "
    "hash that is not checked; code that differs in any object or in what is shared; other Pythons than 3.8 to 3.14; a "
    "`.pyc` outside `__pycache__`; more than 256 KiB",
    "The installed files differ, and this is why the level is `content`: Python uses both under the same condition and "
    "loads the same objects.",
)

_HEADER: Final = struct.Struct("<H2sLLL")
_BY_TIME: Final = 0
_BY_CHECKED_HASH: Final = 3
_PATH: Final = re.compile(
    r"(?P<top>(?:[^/]+\.data/(?:purelib|platlib)/)?)(?P<package>(?:.*/)?)__pycache__/"
    r"(?P<module>[^/.]+)\.cpython-(?P<python>3\d+)(?:\.opt-[12])?\.pyc"
)
_MAX: Final = 256 * 1024  # bytes


def _judge(pair: Pair) -> Uses | None:
    found = _PATH.fullmatch(pair.path)
    if found is None or (not found["top"] and pair.path.split("/", 1)[0].endswith(".data")):
        return None
    source = f"{found['top']}{found['package']}{found['module']}.py"
    compiled_from = [wheel.members.get(source) for wheel in (pair.published, pair.rebuilt)]
    ours, theirs = pair.contents(_MAX)
    member = compiled_from[0]
    if member is None or member != compiled_from[1] or ours[:16] != theirs[:16] or len(ours) < _HEADER.size:
        return None
    magic, ending, flags, _, size = _HEADER.unpack_from(ours)
    if ending != b"\r\n" or PYTHON.get(magic) != found["python"] or flags not in (_BY_TIME, _BY_CHECKED_HASH):
        return None
    if flags == _BY_TIME and size != member.size:
        return None
    return (pair.use_of(BYTECODE),) if read_code(ours[16:], magic) == read_code(theirs[16:], magic) else None


SUBJECT: Final = Subject((BYTECODE,), lambda pair: not pair.about and pair.path.endswith(".pyc"), _judge)
