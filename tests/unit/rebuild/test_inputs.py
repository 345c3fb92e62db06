"""The published files that a rebuild begins with, and each reason why there are none."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rebuilders.errors import NotBuilt
from rebuilders.index.interface import IndexFile, Project
from rebuilders.inputs import from_files, from_index
from tests.sdists import sdist_of
from tests.wheels import FILENAME, wheel_of
from witness.digest import sha256_hex
from witness.errors import FetchFailed, InputError, NotFound
from witness.names import TargetName

WHEEL, SDIST = wheel_of(), sdist_of()
UPLOADED = datetime(2025, 6, 1, tzinfo=UTC)


def file(name, data=b"x", **changes):
    return IndexFile(name, f"https://files.example/{name}", sha256_hex(data), len(data), **changes)


FILES = (
    file(FILENAME, WHEEL, upload_time=UPLOADED, yanked=True),
    file("demo-1.0-cp311-cp311-win32.whl"),
    file("demo-1.0.tar.gz", SDIST),
    file("demo-2.0.tar.gz"),
    file("demo-3.0-py3-none-any.whl"),
    file("demo-4.0.exe"),
)


class FakeIndex:
    def __init__(self, project, broken=()):
        self.listed, self.broken = project, broken

    def project(self, name):
        if self.listed is None:
            raise NotFound(f"no project {name}")
        return self.listed

    def fetch(self, wanted):
        if wanted.filename in self.broken:
            raise FetchFailed(f"{wanted.filename}: gone")
        return {FILENAME: WHEEL, "demo-1.0.tar.gz": SDIST}.get(wanted.filename, b"x")


PROJECT = Project("demo", FILES, serial=7)


@pytest.mark.parametrize("text", ["demo==1.0", "Demo==1", FILENAME])
def test_a_release(text):
    found = from_index(TargetName.parse(text), FakeIndex(PROJECT))
    assert (found.name.filename, found.data, found.sha256) == (FILENAME, WHEEL, sha256_hex(WHEEL))
    assert (found.sdist.filename, found.sdist.data, found.sdist.sha256) == (
        "demo-1.0.tar.gz",
        SDIST,
        sha256_hex(SDIST),
    )
    assert (found.uploaded, found.serial, found.yanked) == (UPLOADED, 7, True)


def test_a_release_without_sdist():
    assert from_index(TargetName.parse("demo==3.0"), FakeIndex(PROJECT)).sdist is None


@pytest.mark.parametrize(
    ("text", "project", "cause"),
    [
        ("demo==1.0", None, "no-such-project"),
        ("demo==1.0", replace(PROJECT, status="quarantined"), "quarantined"),
        ("demo==9.0", PROJECT, "no-such-version"),
        ("demo==4.0", PROJECT, "no-such-version"),
        ("demo==2.0", PROJECT, "no-wheel"),
        ("demo-1.0-py2-none-any.whl", PROJECT, "no-such-file"),
        ("demo==1.0", Project("demo", ()), "no-such-version"),
    ],
)
def test_what_is_not_there(text, project, cause):
    with pytest.raises(NotBuilt) as caught:
        from_index(TargetName.parse(text), FakeIndex(project))
    assert (caught.value.result, caught.value.phase, caught.value.cause) == ("not-attempted", "locate", cause)


@pytest.mark.parametrize("broken", [FILENAME, "demo-1.0.tar.gz"])
def test_what_cannot_be_fetched_says_nothing(broken):
    with pytest.raises(FetchFailed, match="gone"):
        from_index(TargetName.parse("demo==1.0"), FakeIndex(PROJECT, {broken}))


def test_local_files(tmp_path):
    (tmp_path / FILENAME).write_bytes(WHEEL)
    (tmp_path / "Demo-1.0.0.tar.gz").write_bytes(SDIST)
    found = from_files(tmp_path / FILENAME, tmp_path / "Demo-1.0.0.tar.gz")
    assert (found.data, found.sdist.data, found.uploaded) == (WHEEL, SDIST, None)


@pytest.mark.parametrize(
    ("wheel", "sdist", "message"),
    [
        ("demo.whl", "demo-1.0.tar.gz", "not a wheel's file name"),
        (FILENAME, "demo.tgz", "not an sdist's file name"),
        (FILENAME, "demo-1.1.tar.gz", "not of the same release"),
        (FILENAME, "other-1.0.tar.gz", "not of the same release"),
        (FILENAME, "demo-1.0.tar.gz", "No such file"),
    ],
)
def test_local_files_that_do_not_fit(tmp_path, wheel, sdist, message):
    with pytest.raises(InputError, match=message):
        from_files(tmp_path / wheel, tmp_path / sdist)
