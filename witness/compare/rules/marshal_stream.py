"""What a code object in marshal form (versions 4 and 5) says, without the flags that say what may be referred to.

`marshal` sets a flag on every object that had more than one reference while it was written, referred to later or not:
it depends on the compiling process, not on the code. A reference names its target by counting flagged objects. Here,
the target is named by its place among all objects, and flags are dropped: what is left is equal if and only if loading
gives the same objects, shared in the same places. Nothing is loaded. One pass, with memory for one number a flag.
"""

import hashlib
import struct
from dataclasses import dataclass, field
from typing import Final

from witness.errors import Malformed

_DEEPEST: Final = 100  # objects in objects
_FLAG: Final = 0x80

_SINGLETONS: Final = frozenset(b"NTF.")
_FIXED: Final = {ord("i"): 4, ord("g"): 8, ord("y"): 16}  # bytes
_STRINGS: Final = dict.fromkeys(b"stuaA", 4) | dict.fromkeys(b"zZ", 1)  # bytes of their size
_GROUPS: Final = {ord("("): 4, ord(">"): 4, ord(")"): 1}  # bytes of their count
# A code object as numbers of four bytes (`l`) and objects (`o`), by the magic number of its Python (Python/marshal.c).
_OLD: Final = "llllll" + "oooooooo" + "lo"
_NEW: Final = "lllll" + "oooooooo" + "loo"
CODE: Final = {3413: _OLD, 3425: _OLD, 3439: _OLD, 3495: _NEW, 3531: _NEW, 3571: _NEW, 3627: _NEW}
PYTHON: Final = {3413: "38", 3425: "39", 3439: "310", 3495: "311", 3531: "312", 3571: "313", 3627: "314"}


def read_code(data: bytes, magic: int) -> str:
    """The SHA-256 of what the code object in `data` says, written by the Python of that magic number.

    Raises:
        Malformed: not one code object, or in a form that compilers do not write.
    """
    if magic not in CODE or data[:1] not in (b"c", b"\xe3"):
        raise Malformed("not the code of a known Python")
    reader = _Reader(data, CODE[magic])
    reader.read(0)
    if reader.at != len(data):
        raise Malformed("bytes behind the code")
    return reader.said.hexdigest()


@dataclass(slots=True)
class _Reader:
    """A pass over `data`. `flagged` holds the places of flagged objects; negative while one is not complete."""

    data: bytes
    code: str
    at: int = 0
    place: int = 0
    flagged: list[int] = field(default_factory=list)
    said: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def read(self, depth: int) -> None:
        """One object."""
        kind = self._number(1)
        flag, kind = kind & _FLAG, kind & ~_FLAG
        self.place += 1
        if depth > _DEEPEST or (flag and kind in (*_SINGLETONS, ord("r"))):
            raise Malformed("code in a form that compilers do not write")
        if kind == ord("r"):
            self._reference()
            return
        index = len(self.flagged)
        if flag:
            self.flagged.append(-self.place)
        self.said.update(bytes([kind]))
        if kind not in _SINGLETONS:
            self._content(kind, depth)
        if flag:
            self.flagged[index] = -self.flagged[index]

    def _content(self, kind: int, depth: int) -> None:
        if kind in _FIXED:
            self._take(_FIXED[kind])
        elif kind in _STRINGS:
            size = self._number(_STRINGS[kind])
            self.said.update(struct.pack("<Q", size))
            self._take(size)
        elif kind in _GROUPS:
            count = self._number(_GROUPS[kind])
            self.said.update(struct.pack("<Q", count))
            for _ in range(count):
                self.read(depth + 1)
        elif kind == ord("c"):
            for part in self.code:
                if part == "l":
                    self._take(4)
                else:
                    self.read(depth + 1)
        elif kind == ord("l"):
            self._long()
        else:
            raise Malformed("an object that code does not hold")

    def _reference(self) -> None:
        index = self._number(4)
        target = self.flagged[index] if index < len(self.flagged) else 0
        if target <= 0:
            raise Malformed("a reference to nothing")
        self.said.update(struct.pack("<cQ", b"r", target))

    def _long(self) -> None:
        """An integer in digits of 15 bits, at least one, the last of them not zero."""
        start = self.at
        (count,) = struct.unpack("<i", self._bytes(4))
        digits = self._bytes(2 * abs(count))
        if not digits or digits[-2:] == b"\0\0" or any(high & 0x80 for high in digits[1::2]):
            raise Malformed("an integer that compilers do not write")
        self.said.update(self.data[start : self.at])

    def _take(self, size: int) -> None:
        self.said.update(self._bytes(size))

    def _number(self, size: int) -> int:
        return int.from_bytes(self._bytes(size), "little")

    def _bytes(self, size: int) -> bytes:
        found = self.data[self.at : self.at + size]
        if len(found) != size:
            raise Malformed("code that is cut short")
        self.at += size
        return found
