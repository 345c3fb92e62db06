"""Whatever is done to one side of an honest pair alone: a static check neither fails nor matches."""

import re
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.static_pairs import HONEST, about

PAYLOAD = ("demo/__init__.py", "demo/main.py")
TEXTS = (
    "PKG-INFO", "setup.py", "setup.cfg", "pyproject.toml", "demo.egg-info/requires.txt",
    "demo.egg-info/entry_points.txt", "demo.egg-info/top_level.txt", "demo.egg-info/namespace_packages.txt",
)  # fmt: skip
FRAGMENTS = st.sampled_from(
    [b"[", b"]", b"=", b":", b"\n", b"\r", b" ", b"setup(", b")", b"{", b"}", b"'", b'"', b"package_dir", b"''",
     b"tests", b"src", b"..", b"/", b"[project.scripts]\n", b"[tool.hatch.build]\n", b"sources", b"Requires-Dist: ",
     b"[options]\n", b"Name: demo", b"\xff", b"\0", b";", b"(", b"1.0", b"demo"]
)  # fmt: skip
SOUP = st.lists(FRAGMENTS, max_size=30).map(b"".join)


@given(path=st.sampled_from(PAYLOAD), data=st.binary(max_size=40))
def test_a_changed_module_is_open(path, data):
    assume(data != HONEST.wheel[path])
    checked = HONEST.wheel_with({path: data}).check()
    assert checked.result == "not-attempted"
    assert path in {item.path for item in checked.open}


@given(name=st.sampled_from(list(HONEST.wheel)), at=st.integers(0, 10_000), byte=st.integers(1, 255))
def test_a_flipped_byte_anywhere_is_no_match_unless_nothing_reads_it(name, at, byte):
    """Of WHEEL, the generator and the kind of line end say nothing; of the others, every byte counts."""
    assume(name != about("WHEEL"))
    data = bytearray(HONEST.wheel[name])
    data[at % len(data)] ^= byte
    same_to_readers = name.endswith(("METADATA", "entry_points.txt", "top_level.txt"))
    result = HONEST.wheel_with({name: bytes(data)}).check().result
    if not same_to_readers:
        assert result == "not-attempted"
    elif result == "match":
        assert said(bytes(data)) == said(HONEST.wheel[name])


def said(content):
    """The words of a file, without the version of the format that METADATA names: any that there is will do."""
    return re.sub(rb"^Metadata-Version: (?:1\.[0-2]|2\.[0-5])$", b"", content, flags=re.MULTILINE).split()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Version: 2.1", b"Version:!2.1"),
        (b"Version: 2.1", b"Version: 2.9"),
        (b"Name:", b"Dynamic: Version\nName:"),
    ],
)
def test_fields_that_are_left_to_tools_still_say_what_tools_say(old, new):
    metadata = HONEST.wheel[about("METADATA")]
    assert old in metadata
    assert HONEST.wheel_with({about("METADATA"): metadata.replace(old, new, 1)}).check().result != "match"


@given(texts=st.dictionaries(st.sampled_from(TEXTS), SOUP, max_size=4))
def test_no_declaration_excuses_a_changed_module(texts):
    if "pyproject.toml" in texts:
        texts["pyproject.toml"] = _toml(texts["pyproject.toml"])
    evil = HONEST.sdist_with(texts).wheel_with({"demo/main.py": b"raise SystemExit\n"})
    checked = evil.check()
    assert checked.result != "match"
    assert "demo/main.py" in {item.path for item in checked.open}


def _toml(soup):
    """As the facts of an sdist take it: an sdist whose pyproject.toml is no TOML is refused before."""
    import tomllib

    try:
        tomllib.loads(soup.decode())
    except ValueError:
        return HONEST.sdist["pyproject.toml"]
    return soup


@given(paths=st.sets(st.sampled_from(list(HONEST.wheel))))
def test_an_exec_bit_that_the_sdist_has_not(paths):
    assume(paths)
    assert replace(HONEST, executable=frozenset(paths)).check().result != "match"
