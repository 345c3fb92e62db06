"""A report's directory: all of its files or none of them, and never over anything."""

import os

import pytest

from rebuilders.report import directory
from rebuilders.report.directory import check_vacant, write_report
from rebuilders.report.document import Diffoscoped, Document, of_wheels
from tests.wheels import FILENAME, File, wheel_of
from witness.compare.ladder import compare
from witness.errors import Incomplete, InputError
from witness.wheel.reader import read_wheel


@pytest.fixture
def document():
    wheels = read_wheel(wheel_of()), read_wheel(wheel_of(File("a", b"")))
    return of_wheels((FILENAME, FILENAME), *wheels, compare(*wheels))


def names(path):
    return sorted(item.name for item in path.iterdir())


@pytest.mark.parametrize("made", [False, True])
def test_a_new_or_an_empty_directory(tmp_path, document, made):
    target = tmp_path / "report"
    if made:
        target.mkdir()
    assert write_report(document, target) == target / "index.html"
    assert names(target) == ["index.html", "report.json"]
    assert names(tmp_path) == ["report"]
    assert target.stat().st_mode & 0o777 == 0o755


def test_below_a_directory_that_is_not_there(tmp_path, document, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_report(document, directory.Path("a/b/c"))
    assert names(tmp_path / "a/b") == ["c"]


def test_what_diffoscope_wrote_is_beside_it(tmp_path, document):
    more = Diffoscoped({"diffoscope.html": b"1", "diffoscope.json": b"2"})
    write_report(Document("x", document.result, document.compared, None, more), tmp_path / "r")
    assert (tmp_path / "r/diffoscope.json").read_bytes() == b"2"


@pytest.mark.parametrize("kind", ["directory", "file", "link", "link to nothing"])
def test_nothing_is_overwritten(tmp_path, document, kind):
    target, other = tmp_path / "report\x1b", tmp_path / "other"
    other.mkdir()
    (other / "mine").write_text("x")
    if kind == "file":
        target.write_text("x")
    elif kind == "directory":
        target.mkdir()
        (target / "mine").write_text("x")
    else:
        target.symlink_to(other if kind == "link" else tmp_path / "nothing")
    for attempt in (check_vacant, lambda path: write_report(document, path)):
        with pytest.raises(InputError, match=r"report\\x1b: there is something in it already"):
            attempt(target)
    assert names(other) == ["mine"]
    assert names(tmp_path) == ["other", "report\x1b"]


@pytest.mark.parametrize("whole", [0, 1])
@pytest.mark.parametrize("made", [False, True])
def test_a_full_disk_leaves_nothing(tmp_path, document, monkeypatch, whole, made):
    target, flushes = tmp_path / "report", []
    if made:
        target.mkdir()

    def fsync(descriptor, real=os.fsync):
        flushes.append(descriptor)
        if len(flushes) > whole:
            raise OSError(28, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        with pytest.raises(Incomplete, match="No space left on device"):
            write_report(document, target)
    assert [path.name for path in tmp_path.rglob("*")] == (["report"] if made else [])
    write_report(document, target)


def test_a_directory_that_is_filled_meanwhile_stays_as_it_is(tmp_path, document, monkeypatch):
    target = tmp_path / "report"
    target.mkdir()

    def fill(path, content, real=directory._write):
        (target / "mine").write_text("x")
        real(path, content)

    monkeypatch.setattr(directory, "_write", fill)
    with pytest.raises(InputError, match="cannot be written"):
        write_report(document, target)
    assert names(target) == ["mine"]
    assert names(tmp_path) == ["report"]


def test_a_place_that_cannot_be_written(tmp_path, document):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError):
        write_report(document, tmp_path / "file" / "report")
