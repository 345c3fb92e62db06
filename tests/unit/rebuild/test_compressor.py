"""Naming a compressor: zlib at any level, others where they are installed, and nothing where none explains a member."""

import random
import zlib
from dataclasses import replace

import pytest

from rebuilders.compressor import FAMILIES, compressor_of
from tests.wheels import ABOUT, File, deflated, recorded, zip_of
from witness.wheel.entry import STORED
from witness.wheel.reader import read_wheel

CHANCE = random.Random(7)
WORDS = [bytes(CHANCE.choices(b"abcdefgh ", k=CHANCE.randint(2, 9))) for _ in range(200)]
STORED_ABOUT = [replace(file, method=STORED) for file in ABOUT]
TEXTS = [b" ".join(CHANCE.choices(WORDS, k=400)) for _ in range(4)]


def wheel(*packed):
    """Of the texts, compressed by somebody."""
    files = (
        File(f"demo/{n}.txt", text, packed=made)
        for n, (text, made) in enumerate(zip(TEXTS, packed, strict=False))
    )
    return read_wheel(zip_of(recorded((*files, *STORED_ABOUT))))


@pytest.mark.parametrize("level", range(1, 10))
def test_zlib_at_any_level(level):
    found = compressor_of(wheel(*(deflated(text, level) for text in TEXTS)))
    assert (found.name, found.explained) == ("zlib", found.tried)


@pytest.mark.parametrize("family", FAMILIES[1:], ids=lambda family: family.name)
def test_the_others(family):
    module = pytest.importorskip(family.module, reason="of the extra `compressors`")
    made = [family.deflate(module, text, family.levels[0]) for text in TEXTS]
    assert [zlib.decompress(data, -15) for data in made] == TEXTS
    found = compressor_of(wheel(*made))
    assert found.name == family.name
    assert found.explained == len(TEXTS)
    assert str(found).startswith(f"{family.name} (4 of ")


def test_the_one_that_explains_most():
    made = [deflated(text, 9, strategy=zlib.Z_FIXED) for text in TEXTS[:3]]
    found = compressor_of(wheel(*made, deflated(TEXTS[3])))
    assert (found.name, found.explained, found.tried) == ("zlib", 1, 4)


def test_nobody_here():
    assert compressor_of(wheel(*(deflated(text, 9, strategy=zlib.Z_FIXED) for text in TEXTS))) is None
    assert compressor_of(read_wheel(zip_of(recorded(ABOUT)))) is None  # too short to tell
