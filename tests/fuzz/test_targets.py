"""Every fuzz target on its seeds, on what they become when damaged, and on what fuzzing has found."""

import pytest

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS
from tests.mangling import prefixes
from tests.wheels import File, zip_of

SEEDS = [(name, number) for name in TARGETS for number in range(len(seeds(name)))]


@pytest.mark.parametrize(("name", "number"), SEEDS)
def test_seeds(name, number):
    data = seeds(name)[number]
    TARGETS[name](data)
    for cut in list(prefixes(data))[:: max(1, len(data) // 50)]:
        TARGETS[name](cut)


# Inputs that a target once failed for.
FOUND: list[tuple[str, bytes]] = [
    ("sdist", zip_of([File("demo-1.0//setup.py", b"x = 1\n")])),  # an absolute path below the top directory
]


@pytest.mark.parametrize(("name", "data"), FOUND)
def test_what_was_found_once(name, data):
    TARGETS[name](data)
