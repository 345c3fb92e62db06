"""Which requirements have only an sdist: a walk over an index in memory."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from rebuilders.environment.gaps import Walk
from rebuilders.index.interface import IndexFile, Project
from rebuilders.plan.recipe import Candidate, Locked
from tests.releases import requirement_wheel
from tests.workbench import interpreter
from witness.digest import sha256_hex
from witness.errors import NotFound

DAY = datetime(2020, 6, 1, tzinfo=UTC)
OLD, NEW = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC)


@dataclass
class MemoryIndex:
    """An `IndexSource` of what a test adds."""

    files: dict[str, list[IndexFile]] = field(default_factory=dict)
    held: dict[str, bytes] = field(default_factory=dict)

    def add(self, filename, data=b"", *, time=OLD, **told):
        sha256 = sha256_hex(data + filename.encode())
        self.held[sha256] = data
        name = filename.split("-")[0]
        self.files.setdefault(name, []).append(IndexFile(filename, "", sha256, len(data), time, **told))
        return self

    def wheel(self, name, version="1.0", requires=()):
        return self.add(*requirement_wheel(name, {f"{name}.py": b""}, version, tuple(requires)))

    def project(self, name):
        if name not in self.files:
            raise NotFound(name)
        return Project(name, tuple(self.files[name]))

    def fetch(self, file):
        return self.held[file.sha256]


def gaps(index, *requirements, constraints=(), built=(), as_of=DAY):
    candidate = Candidate("3.9", requirements, tuple(constraints), as_of, ask_backend=False)
    walk = Walk(index, interpreter("3.9.18"), as_of, built, lambda item: built_data[item.sha256])
    return [f"{gap.project} {gap.version}" for gap in walk.run(candidate)]


built_data: dict[str, bytes] = {}


def test_the_newest_sdist_that_fits():
    index = MemoryIndex().add("a-1.0.tar.gz").add("a-2.0.tar.gz").add("a-3.0.tar.gz")
    assert gaps(index, "a") == ["a 3.0"]
    assert gaps(index, "a<3") == ["a 2.0"]
    assert gaps(index, "a", constraints=["a<2"]) == ["a 1.0"]
    assert gaps(index, "A>=1.0", "a!=3.0") == ["a 2.0"]
    assert gaps(index, "a>9") == []


@pytest.mark.parametrize(
    ("told", "requirement", "found"),
    [
        ({"time": NEW}, "a", []),
        ({"time": DAY}, "a", []),  # as uv: before the date
        ({"time": None}, "a", []),
        ({"yanked": True}, "a", []),
        ({"yanked": True}, "a==1.0", ["a 1.0"]),
        ({"requires_python": ">=3.10"}, "a", []),
        ({"requires_python": ">=3.9"}, "a", ["a 1.0"]),
        ({"requires_python": "nonsense"}, "a", ["a 1.0"]),
    ],
)
def test_what_an_index_says_of_a_file(told, requirement, found):
    assert gaps(MemoryIndex().add("a-1.0.tar.gz", **told), requirement) == found


def test_without_a_date_every_file_was_there():
    index = MemoryIndex().add("a-1.0.tar.gz", time=None).add("a-2.0.tar.gz", time=NEW)
    assert gaps(index, "a", as_of=None) == ["a 2.0"]


@pytest.mark.parametrize(
    ("wheel", "found"),
    [
        ("a-1.0-py3-none-any.whl", []),
        ("a-1.0-cp39-cp39-manylinux1_x86_64.whl", []),
        ("a-1.0-py2-none-any.whl", ["a 1.0"]),
        ("a-1.0-cp310-cp310-manylinux1_x86_64.whl", ["a 1.0"]),
        ("a-1.0-cp39-cp39-win_amd64.whl", ["a 1.0"]),
        ("a-0.9-py3-none-any.whl", []),
        ("a-not-a-wheel.whl", ["a 1.0"]),
        ("b-1.0-py3-none-any.whl", ["a 1.0"]),
    ],
)
def test_a_wheel_for_the_interpreter(wheel, found):
    index = MemoryIndex().add("a-1.0.tar.gz")
    name, data = requirement_wheel("a", {"a.py": b""})
    index.files["a"].append(IndexFile(wheel, "", sha256_hex(data), len(data), OLD))
    index.held[sha256_hex(data)] = data
    assert name
    assert gaps(index, "a") == found


def test_pre_releases():
    index = MemoryIndex().add("a-1.0.tar.gz").add("a-2.0b1.tar.gz").add("only-1.0rc1.tar.gz")
    assert gaps(index, "a", "only") == ["a 1.0", "only 1.0rc1"]
    assert gaps(index, "a>=2.0b1") == ["a 2.0b1"]


def test_what_wheels_require():
    index = MemoryIndex().add("deep-1.0.tar.gz").add("plain-1.0.tar.gz").add("extra-1.0.tar.gz")
    index.wheel("a", requires=["b[more]", "plain; sys_platform == 'win32'", "x; python_version > 'nonsense'"])
    index.wheel(
        "b", requires=["deep", "extra; extra == 'more'", "plain; extra == 'other'", "no requirement at all"]
    )
    assert sorted(gaps(index, "a")) == ["deep 1.0", "extra 1.0"]


def test_what_is_asked_later_counts():
    """A release with a wheel does, until somebody asks for a newer one."""
    index = MemoryIndex().wheel("a").add("a-2.0.tar.gz").wheel("b", requires=["a>=2"])
    assert gaps(index, "a") == []
    assert gaps(index, "a", "b") == ["a 2.0"]


def test_what_was_built_has_a_wheel():
    index = MemoryIndex().add("a-1.0.tar.gz").add("c-1.0.tar.gz")
    name, data = requirement_wheel("a", {"a.py": b""}, requires=("c",))
    item = Locked("a", "1.0", name, "", sha256_hex(data), len(data), source="5" * 64, recipe="6" * 64)
    built_data[item.sha256] = data
    assert gaps(index, "a", built=(item,)) == ["c 1.0"]


def test_circles_and_crowds_end():
    index = MemoryIndex().wheel("a", requires=["b"]).wheel("b", requires=["a"])
    assert gaps(index, "a") == []
    for number in range(400):
        index.wheel(f"n{number}", requires=[f"n{number + 1}"])
    index.add("n400-1.0.tar.gz")
    assert gaps(index, "n0") == []  # too far to look


def test_a_damaged_wheel_requires_nothing_here():
    index = MemoryIndex().add("a-1.0-py3-none-any.whl", b"damaged")
    assert gaps(index, "a") == []
