"""Which compressor made a wheel's members, where it is not zlib: named as far as it can be tried here.

For people only. What a compressor other than zlib writes depends on its release and on the processor, so nothing that
is signed rests on it; a family is named by the members that it gives to the byte.
"""

import importlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from witness.limits import KIB, MIB
from witness.wheel.entry import DEFLATED
from witness.wheel.reader import Wheel

_TELLING: Final = 256  # bytes: what is shorter comes out alike everywhere
_MAX_CONTENT: Final = 64 * KIB  # a member of more is not tried
_MAX_TOTAL: Final = 1 * MIB
_RAW: Final = -zlib.MAX_WBITS

Deflate = Callable[[bytes, int], bytes]


@dataclass(frozen=True, slots=True)
class Family:
    """A row: `module` holds it, `levels` are its own; `deflate` makes a raw stream with that module."""

    name: str
    module: str
    levels: tuple[int, ...]
    deflate: Callable[[Any, bytes, int], bytes]


def _like_zlib(module: Any, content: bytes, level: int) -> bytes:
    state = module.compressobj(level, zlib.DEFLATED, _RAW)
    return bytes(state.compress(content) + state.flush())


FAMILIES: Final = (
    Family("zlib", "zlib", (6, 9, 1, 2, 3, 4, 5, 7, 8), _like_zlib),
    Family("zlib-ng", "zlib_ng.zlib_ng", (6, 7, 9, 1, 2, 3, 4, 5, 8), _like_zlib),
    Family("ISA-L", "isal.isal_zlib", (2, 1, 3, 0), _like_zlib),
    Family("libdeflate", "deflate", (6, *range(1, 6), *range(7, 13)), lambda m, c, n: bytes(m.deflate_compress(c, n))),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Guess:
    """The family that gives most members to the byte: `explained` of the `tried`."""

    name: str
    explained: int
    tried: int

    def __str__(self) -> str:
        return f"{self.name} ({self.explained} of {self.tried} members to the byte)"


def compressor_of(wheel: Wheel) -> Guess | None:
    """The likeliest compressor of `wheel`; None where none that is installed here explains any of its members."""
    samples = list(_samples(wheel))
    guesses = [
        Guess(family.name, sum(_explains(family, module, *sample) for sample in samples), len(samples))
        for family, module in _installed()
    ]
    best = max(guesses, key=lambda guess: guess.explained)
    return best if best.explained else None


def _installed() -> Iterator[tuple[Family, Any]]:
    for family in FAMILIES:
        try:
            yield family, importlib.import_module(family.module)
        except ImportError:
            continue  # of the extra `compressors`


def _samples(wheel: Wheel) -> Iterator[tuple[bytes, bytes]]:
    """Content and compressed bytes of members that tell compressors apart."""
    left = _MAX_TOTAL
    for entry in wheel.archive.entries:
        if entry.method == DEFLATED and _TELLING <= entry.size <= min(_MAX_CONTENT, left):
            left -= entry.size
            packed = wheel.archive.data[entry.data_offset : entry.data_offset + entry.compressed_size]
            yield wheel.read(entry.name), packed


def _explains(family: Family, module: Any, content: bytes, packed: bytes) -> bool:
    return any(family.deflate(module, content, level) == packed for level in family.levels)
