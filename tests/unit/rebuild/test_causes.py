"""One word for why a rebuilt wheel differs: a case for each row, and which of several weighs most."""

import gzip
from dataclasses import replace

import pytest

from rebuilders.causes import CAUSES, Case, cause_of, no_recipe_helps
from rebuilders.facts.sdist import sdist_facts
from tests.sdists import sdist_of
from tests.wheels import ABOUT, DIST_INFO, METADATA, PAYLOAD, WHEEL, File, wheel_of, with_file, zip_of
from witness.compare.ladder import compare
from witness.names import WheelName
from witness.observation import Difference
from witness.wheel.reader import read_wheel

SDIST = {"src/demo/__init__.py": b"x", "demo/run.sh": b"x", "demo/left.py": b"x"}
CRLF = zip_of(with_file(0, content=PAYLOAD[0].content.replace(b"\n", b"\r\n")))
MADE = File("demo/_version.py", b"1")
LEFT = File("demo/left.py", b"1")

PLAIN = File("demo/data.json", b'{"a": 1}\n' * 50)
PACKED = File("demo/data.json.gz", gzip.compress(PLAIN.content, mtime=7))

ROWS = {
    "repacked": (wheel_of(PACKED), wheel_of(PLAIN)),
    "ambiguous-archive": (wheel_of(comment=b"x"), wheel_of()),
    "line-ends": (CRLF, wheel_of()),
    "tags": (zip_of(with_file(3, content=WHEEL.replace(b"py3", b"py2"))), wheel_of()),
    "metadata": (zip_of(with_file(2, content=METADATA + b"Summary: x\n")), wheel_of()),
    "executable-bit": (zip_of(with_file(1, mode=0o100644)), wheel_of()),
    "not-in-sdist": (wheel_of(MADE), wheel_of()),
    "left-out": (wheel_of(LEFT), wheel_of()),
    "added": (wheel_of(), wheel_of(LEFT)),
    "generated-file": (wheel_of(MADE), wheel_of(replace(MADE, content=b"2"))),
    "changed-file": (zip_of(with_file(0, content=b"x = 2\n")), wheel_of()),
}


def case(published, rebuilt, files=SDIST):
    ours, theirs = read_wheel(published), read_wheel(rebuilt)
    facts = sdist_facts(sdist_of(files), "demo-1.0.tar.gz", "0" * 64)
    return Case(ours, theirs, facts, compare(ours, theirs).comparison.differences)


def cause(published, rebuilt, files=SDIST):
    return cause_of(case(published, rebuilt, files))


@pytest.mark.parametrize("name", [name for name, _ in CAUSES])
def test_each_row(name):
    assert cause(*ROWS[name]) == name


def test_another_file_name_has_other_tags():
    wheel = read_wheel(wheel_of())
    named = (WheelName.parse("demo-1.0-py3-none-any.whl"), WheelName.parse("demo-1.0-py2-none-any.whl"))
    facts = sdist_facts(sdist_of(SDIST), "demo-1.0.tar.gz", "0" * 64)
    differences = compare(wheel, wheel, named).comparison.differences
    assert cause_of(Case(wheel, wheel, facts, differences)) == "tags"


def test_the_other_way_round():
    assert cause(*ROWS["not-in-sdist"][::-1]) == "added"
    assert cause(*ROWS["line-ends"][::-1]) == "line-ends"


def test_what_weighs_most():
    """A changed source says more than a missing file, and that more than metadata."""
    names = [name for name, _ in CAUSES]
    both = zip_of((*with_file(2, content=METADATA + b"Summary: x\n"), MADE))
    assert cause(both, wheel_of()) == "not-in-sdist"
    changed = zip_of((*with_file(0, content=b"x = 2\n"), MADE))
    assert cause(changed, wheel_of()) == "changed-file"
    assert names.index("metadata") < names.index("not-in-sdist") < names.index("changed-file")


def test_record_explains_nothing_but_itself():
    record = with_file(4, content=b"x")
    assert cause(zip_of(record), wheel_of()) == "metadata"
    assert cause(zip_of((*record, MADE)), wheel_of()) == "not-in-sdist"


def test_entry_points_and_licenses_are_metadata():
    for file in (File(f"{DIST_INFO}/entry_points.txt", b"x"), File(f"{DIST_INFO}/LICENSE", b"x")):
        assert cause(wheel_of(), wheel_of(file)) == "metadata"
        assert cause(wheel_of(replace(file, content=b"y")), wheel_of(file)) == "metadata"


def test_a_license_that_the_sdist_has_not():
    license_file = File(f"{DIST_INFO}/LICENSE", b"x")
    assert cause(wheel_of(license_file), wheel_of()) == "not-in-sdist"
    assert cause(wheel_of(license_file), wheel_of(), {"LICENSE": b"x"}) == "metadata"


@pytest.mark.parametrize("files", [{"lib/x/demo/left.py": b""}, {"demo/left.py": b""}])
def test_a_file_of_the_sdist_below_any_directory(files):
    assert cause(wheel_of(LEFT), wheel_of(), files) == "left-out"
    assert cause(wheel_of(LEFT), wheel_of(), {"xdemo/left.py": b""}) == "not-in-sdist"


def test_a_name_cut_short_and_a_member_too_large(monkeypatch):
    long = File("demo/" + "x" * 600, b"x")
    assert cause(wheel_of(long), wheel_of()) == "not-in-sdist"
    assert cause(wheel_of(long), wheel_of(replace(long, content=b"y"))) == "generated-file"
    monkeypatch.setattr("witness.differences.pair.MAX_READ", 10)
    assert cause(CRLF, wheel_of()) == "changed-file"


def test_an_unknown_kind_is_a_change():
    wheel = read_wheel(wheel_of())
    facts = sdist_facts(sdist_of(SDIST), "demo-1.0.tar.gz", "0" * 64)
    assert cause_of(Case(wheel, wheel, facts, (Difference(path="x", kind="new"),))) == "changed-file"
    assert len(ABOUT) == 3


class TestNoRecipeHelps:
    """The search ends where the published wheel has what no build of this sdist can have."""

    LICENSE = File(f"{DIST_INFO}/licenses/LICENSE", b"mine")

    @pytest.mark.parametrize(
        ("more", "files"),
        [(MADE, SDIST), (LICENSE, SDIST), (LICENSE, {**SDIST, "LICENSE": b"another"}),
         (File(f"{DIST_INFO}/AUTHORS.txt", b"x"), SDIST)],
    )  # fmt: skip
    def test_what_builds_take_from_the_sdist(self, more, files):
        assert no_recipe_helps(case(wheel_of(more), wheel_of(), files))
        assert not no_recipe_helps(case(wheel_of(), wheel_of(more), files))

    @pytest.mark.parametrize(
        ("more", "files"),
        [(LEFT, SDIST), (LICENSE, {**SDIST, "LICENSE": b"mine"}), (LICENSE, {**SDIST, "sub/LICENSE": b"mine"}),
         (File(f"{DIST_INFO}/zip-safe", b"\n"), SDIST), (File(f"{DIST_INFO}/metadata.json", b"{}"), SDIST),
         (File("demo-1.0-py3.9-nspkg.pth", b"x"), SDIST), (File("demo/_speed.so", b"x"), SDIST),
         (File("demo-1.0.data/scripts/demo", b"x"), SDIST)],
    )  # fmt: skip
    def test_what_another_recipe_may_bring(self, more, files):
        assert not no_recipe_helps(case(wheel_of(more), wheel_of(), files))


class TestRepacked:
    def test_what_the_publisher_has_compressed(self):
        assert cause(wheel_of(PACKED), wheel_of(PLAIN), {**SDIST, "demo/data.json": b"x"}) == "repacked"

    @pytest.mark.parametrize(
        "packed",
        [gzip.compress(b"evil", mtime=0), gzip.compress(PLAIN.content, mtime=0)[:-1], b"", PLAIN.content],
    )
    def test_what_only_looks_like_it(self, packed):
        other = replace(PACKED, content=packed)
        assert cause(wheel_of(other), wheel_of(PLAIN), {**SDIST, "demo/data.json": b"x"}) == "added"

    def test_the_other_way_round(self):
        assert cause(wheel_of(PLAIN), wheel_of(PACKED), {**SDIST, "demo/data.json": b"x"}) == "added"


def test_a_generator_alone_is_no_other_tags():
    other = zip_of(with_file(3, content=WHEEL.replace(b"75.0.0", b"74.0.0") + b"Build: 1\n"))
    assert cause(other, wheel_of()) == "tags"
    other = zip_of(with_file(3, content=WHEEL.replace(b"75.0.0", b"74.0.0")))
    assert cause(other, wheel_of(LEFT), {}) == "added"
    assert (
        cause(
            zip_of((*with_file(3, content=WHEEL.replace(b"75.0.0", b"74.0.0"))[:4], *with_file(0)[4:])),
            wheel_of(),
        )
        == "metadata"
    )
