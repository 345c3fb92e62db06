"""Sdists that two unpackers would unpack differently, or that would reach out of their place: one fault each."""
# ruff: noqa: E501 - a row of a table is a line

import gzip
import io
import stat
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebuilders.facts.sdist import sdist_facts
from rebuilders.inside import driver
from tests.sdists import PYPROJECT, TOP, info, tar_of
from tests.wheels import File, zip_of
from witness.errors import Malformed

FILE, DIRECTORY, LINK, HARD = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE


def member(path, kind=FILE, content=b"", target="", **fields):
    made = info(path, kind=kind)
    made.linkname = target
    for name, value in fields.items():
        setattr(made, name, value)
    return made, content


def packed(*members, form=tarfile.PAX_FORMAT):
    project = (member(f"{TOP}/pyproject.toml", content=PYPROJECT), member(f"{TOP}/a.py", content=b"a"))
    return gzip.compress(tar_of([*project, *members], form), 1, mtime=0)


def facts(data, name="demo-1.0.tar.gz"):
    return sdist_facts(data, name, "0" * 64)


REFUSED = {
    "a file below a link": ((member(f"{TOP}/d", LINK, target="e"), member(f"{TOP}/d/x")), "below .*, which is a link"),
    "a link above files": ((member(f"{TOP}/d/x"), member(f"{TOP}/d", LINK, target="e")), "below .*, which is a link"),
    "a directory below a link": ((member(f"{TOP}/d", LINK, target="e"), member(f"{TOP}/d/x", DIRECTORY)), "below"),
    "a file below a file": ((member(f"{TOP}/a.py/x"),), "below .*, which is a file"),
    "a link below a link": ((member(f"{TOP}/d", LINK, target="."), member(f"{TOP}/d/d", LINK, target="..")), "below"),
    "the top as a link": ((member(TOP, LINK, target="other"),), "which is a link"),
    "a link to the root of all": ((member(f"{TOP}/x", LINK, target="/etc"),), "leads out"),
    "a link up": ((member(f"{TOP}/x", LINK, target="../../etc"),), "leads out"),
    "a link down and up": ((member(f"{TOP}/x", LINK, target="a/b/../../../../x"),), "leads out"),
    "a link to nothing": ((member(f"{TOP}/x", LINK),), "leads out"),
    "a link replaced by a file": ((member(f"{TOP}/x", LINK, target="a.py"), member(f"{TOP}/x")), "twice, as a link and as a file"),
    "a file replaced by a link": ((member(f"{TOP}/a.py", LINK, target="x"),), "twice, as a file and as a link"),
    "a file replaced by a hard link": ((member(f"{TOP}/a.py", HARD, target=f"{TOP}/pyproject.toml"),), "twice"),
    "a directory replaced by a file": ((member(f"{TOP}/d", DIRECTORY), member(f"{TOP}/d")), "twice"),
    "two links": ((member(f"{TOP}/x", LINK, target="a.py"), member(f"{TOP}/x", LINK, target="b.py")), "twice"),
    "a hard link to nowhere": ((member(f"{TOP}/x", HARD, target=f"{TOP}/nowhere"),), "no earlier file"),
    "a hard link to the host": ((member(f"{TOP}/x", HARD, target="/etc/passwd"),), "unsafe path"),
    "a hard link up": ((member(f"{TOP}/x", HARD, target="../../etc/passwd"),), "unsafe path"),
    "a hard link to a link": ((member(f"{TOP}/x", LINK, target="a.py"), member(f"{TOP}/y", HARD, target=f"{TOP}/x")), "no earlier file"),
    "a hard link to a later file": ((member(f"{TOP}/y", HARD, target=f"{TOP}/x"), member(f"{TOP}/x")), "no earlier file"),
    "a hard link to itself": ((member(f"{TOP}/x", HARD, target=f"{TOP}/x"),), "no earlier file"),
    "a hard link written through": ((member(f"{TOP}/y", HARD, target=f"{TOP}/a.py"), member(f"{TOP}/a.py", content=b"b")), "hard link leads to it"),
    "how to build as a link": ((member(f"{TOP}/setup.py", LINK, target="a.py"),), "says how to build"),
    "how to build as a hard link": ((member(f"{TOP}/setup.cfg", HARD, target=f"{TOP}/a.py"),), "says how to build"),
    "a pipe": ((member(f"{TOP}/x", tarfile.FIFOTYPE),), "neither a file"),
    "a block device": ((member(f"{TOP}/x", tarfile.BLKTYPE, devmajor=8),), "neither a file"),
    "a character device": ((member(f"{TOP}/x", tarfile.CHRTYPE, devmajor=1, devminor=3),), "neither a file"),
    "a link beside the top": ((member("x", LINK, target=TOP),), "2 top directories"),
    "a directory up": ((member("../x", DIRECTORY),), "unsafe path"),
    "a directory at the root": ((member("/x", DIRECTORY),), "unsafe path"),
    "a link up by its name": ((member(f"{TOP}/../../x", LINK, target="y"),), "unsafe path"),
    "another way to write a path": ((member(f"{TOP}/./pyproject.toml"),), "unsafe path"),
    "a doubled slash": ((member(f"{TOP}//pyproject.toml"),), "unsafe path"),
    "a file with a slash at its end": ((member(f"{TOP}/x/"),), "unsafe path"),
}  # fmt: skip


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name, form):
    members, message = REFUSED[name]
    with pytest.raises(Malformed, match=message):
        facts(packed(*members, form=form))


ALLOWED = {
    "a link": (member(f"{TOP}/x", LINK, target="a.py"),),
    "a link to a directory": (member(f"{TOP}/d/x"), member(f"{TOP}/e", LINK, target="d")),
    "a link that leads up and stays": (member(f"{TOP}/d/x", LINK, target="../a.py"),),
    "a hanging link": (member(f"{TOP}/x", LINK, target="nowhere"),),
    "a hard link": (member(f"{TOP}/x", HARD, target=f"{TOP}/a.py"),),
    "a file twice": (member(f"{TOP}/a.py", content=b"b"),),
    "a directory twice": (member(f"{TOP}/d", DIRECTORY), member(f"{TOP}/d/x"), member(f"{TOP}/d", DIRECTORY)),
    "the root itself": (member(".", DIRECTORY), member("./", DIRECTORY)),
    "a dot in front": (member(f"./{TOP}/x"),),
    "an empty directory beside the top": (member("other", DIRECTORY),),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_is_allowed(name):
    assert facts(packed(*ALLOWED[name])).top == TOP


ZIPS = {
    "a link": [File(f"{TOP}/x", b"a.py", mode=stat.S_IFLNK | 0o777)],
    "a pipe": [File(f"{TOP}/x", mode=stat.S_IFIFO | 0o644)],
    "a file below a file": [File(f"{TOP}/x"), File(f"{TOP}/x/y")],
    "another way to write a path": [File(f"{TOP}/./pyproject.toml")],
    "a name with a NUL": [File(f"{TOP}/pyproject.toml\0.txt")],
}


@pytest.mark.parametrize("members", ZIPS.values(), ids=ZIPS)
def test_zips_that_are_refused(members):
    with pytest.raises(Malformed):
        facts(zip_of([File(f"{TOP}/a.py"), *members]), "demo-1.0.zip")


def test_zips_with_bytes_that_belong_to_nothing():
    whole = zip_of([File(f"{TOP}/a.py")])
    assert facts(whole, "demo-1.0.zip").top == TOP
    for data in (b"#!/bin/sh\n" + whole, whole + b"x"):
        with pytest.raises(Malformed):
            facts(data, "demo-1.0.zip")


# Everything that is read of an archive is what its unpacking makes, and it makes no other file.

PATHS = st.sampled_from(
    ["a", "b", "d/a", "d/b", "d", "e", "d/e/a", "./a", "d//a", "pyproject.toml", "../a", "d/../a"]
)
MEMBERS = st.lists(
    st.tuples(PATHS, st.sampled_from([FILE, FILE, DIRECTORY, LINK, HARD]), st.binary(max_size=3), PATHS),
    max_size=7,
)


@given(MEMBERS, st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT]))
@settings(deadline=None, max_examples=400)
def test_what_is_read_is_what_is_unpacked(tmp_path_factory, members, form):
    made = [
        member(
            f"{TOP}/{path}",
            kind,
            content if kind == FILE else b"",
            target if kind == LINK else f"{TOP}/{target}",
        )
        for path, kind, content, target in members
    ]
    data = packed(*made, form=form)
    try:
        found = facts(data)
    except Malformed:
        return
    root = tmp_path_factory.mktemp("unpacked")
    archive = root / "demo-1.0.tar.gz"
    archive.write_bytes(data)
    source = driver.SOURCE
    try:
        driver.SOURCE = str(root / "src")
        driver.untar(str(archive), "archive")
    finally:
        driver.SOURCE = source
    top = root / "src" / TOP
    files = {
        str(path.relative_to(top)) for path in top.rglob("*") if path.is_file() and not path.is_symlink()
    }
    linked = {
        str(path.relative_to(top))
        for path in top.rglob("*")
        if not path.is_symlink() and path.stat().st_nlink > 1
    }
    assert set(found.members) <= files
    assert files - set(found.members) <= linked
    assert sorted(path.name for path in root.iterdir()) == ["demo-1.0.tar.gz", "src"]
    for path, held in found.members.items():
        assert (top / path).stat().st_size == held.size
    for path, text in found.texts.items():
        assert (top / path).read_bytes().decode(errors="replace") == text


def test_reading_leaves_the_archive_alone():
    plain = io.BytesIO(gzip.decompress(packed()))
    with tarfile.open(fileobj=plain) as archive:
        assert archive.getnames() == [f"{TOP}/pyproject.toml", f"{TOP}/a.py"]
