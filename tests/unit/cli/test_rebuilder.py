"""`rebuilder compare`, and how the other commands refuse what they cannot use."""

import contextlib
import json
import os
import re
import socket

import pytest
from typer.testing import CliRunner

from rebuilders.cli.main import app
from tests.schemas import validate
from tests.wheels import FILENAME, File, wheel_of, with_file, zip_of
from tests.workbench import Bench, built
from witness.limits import ARCHIVE

HONEST = wheel_of()


def invoke(*args, **env):
    return CliRunner().invoke(app, [str(arg) for arg in args], env=env)


@pytest.fixture
def pair(tmp_path):
    def make(rebuilt):
        for name, data in (("published.whl", HONEST), ("rebuilt.whl", rebuilt)):
            (tmp_path / name).write_bytes(data)
        return tmp_path / "published.whl", tmp_path / "rebuilt.whl"

    return make


@pytest.mark.parametrize(
    ("rebuilt", "code", "level", "exact", "shown"),
    [
        (HONEST, 0, "bitwise", True, "match (bitwise"),
        (
            zip_of(with_file(0, time=99)),
            0,
            "archive",
            True,
            "match (archive, and the first file's bytes follow",
        ),
        (wheel_of(File("demo/\x1b[2J.py")), 1, None, False, "rebuilt-unsafe-name demo/\\x1b[2J.py"),
        (wheel_of(comment=b"x"), 1, None, False, "(the archive itself)"),
    ],
)
def test_compare(pair, rebuilt, code, level, exact, shown):
    files = pair(rebuilt)
    text = invoke("compare", *files)
    assert text.exit_code == code
    assert shown in text.output
    assert "\x1b" not in text.output
    for args, env in ((["--json"], {}), ([], {"WHEELWITNESS_JSON": "1"})):
        found = invoke("compare", *files, *args, **env)
        value = json.loads(found.output)
        assert found.exit_code == code
        validate(value)
        assert set(value) == {
            "schema", "result", "level", "archiveExact", "rules", "differences", "differencesTotal",
            "findings", "findingsTotal"}  # fmt: skip
        assert (value["schema"], value["level"], value["archiveExact"]) == ("compare/1", level, exact)
        assert value["result"] == ("match" if level else "mismatch")
        assert len(value["differences"]) == value["differencesTotal"]
        assert all(set(found) == {"path", "kind", "class"} for found in value["differences"])


@pytest.mark.parametrize("data", [b"", b"not a wheel", HONEST[:-1], None])
def test_compare_with_what_is_no_wheel(pair, data):
    published, rebuilt = pair(b"" if data is None else data)
    if data is None:
        rebuilt.unlink()
    for files in ((published, rebuilt), (rebuilt, published)):
        found = invoke("compare", *files)
        assert found.exit_code == 2
        assert found.stdout == ""
        assert "rebuilt.whl: " in found.stderr


def make_unusable(kind, path):
    match kind:
        case "directory":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "socket":
            with socket.socket(socket.AF_UNIX) as bound, contextlib.chdir(path.parent):
                bound.bind(path.name)
        case "endless device" | "empty device":
            path.symlink_to("/dev/zero" if kind.startswith("endless") else "/dev/null")
        case "link to itself":
            path.symlink_to(path)
        case "huge":
            with path.open("wb") as file:
                file.truncate(ARCHIVE.file + 1)
        case "no rights":
            path.write_bytes(HONEST)
            path.chmod(0)


UNUSABLE = {
    "directory": "not a file|Is a directory",
    "pipe": "not a file",
    "socket": "not a file|No such device or address",
    "endless device": "not a file",
    "empty device": "not a file",
    "link to itself": "Too many levels of symbolic links",
    "huge": "larger than the 268435456 bytes allowed",
    "no rights": "Permission denied",
    "absent": "No such file or directory",
}


@pytest.mark.parametrize(("kind", "message"), UNUSABLE.items(), ids=UNUSABLE)
def test_compare_with_what_is_no_file(pair, kind, message):
    if kind == "no rights" and os.geteuid() == 0:
        pytest.skip("root may read every file")
    published, rebuilt = pair(HONEST)
    rebuilt.unlink()
    make_unusable(kind, rebuilt)
    for files in ((published, rebuilt), (rebuilt, published), (rebuilt, rebuilt)):
        found = invoke("compare", *files)
        assert (found.exit_code, found.stdout) == (2, "")
        assert re.fullmatch(rf"\w+: \S+rebuilt\.whl: ({message})\n", found.stderr)


@pytest.mark.parametrize("again", [b"", b"x" * 99, b"PK\5\6" + bytes(18), HONEST[:99], HONEST[9:]])
def test_compare_says_in_one_line_why_it_is_no_wheel(pair, again):
    found = invoke("compare", *pair(again))
    assert (found.exit_code, found.stdout) == (2, "")
    assert re.fullmatch(r"\w+: \S+rebuilt\.whl: [ -~]{10,}\n", found.stderr)


def test_compare_a_file_with_itself(pair):
    published, _ = pair(HONEST)
    link = published.with_name("link.whl")
    link.symlink_to(published)
    for other in (published, link):
        found = invoke("compare", published, other)
        assert (found.exit_code, found.output) == (
            0, "match (bitwise, and the first file's bytes follow from the second)\n")  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other", "code"),
    [
        (FILENAME, "demo-1.0-py2-none-any.whl", 1),
        (FILENAME, "Demo-1.0.0-py3-none-any.whl", 0),
        (FILENAME, "rebuilt.whl", 0),
        ("published.whl", "demo-1.0-py2-none-any.whl", 0),
    ],
)
def test_compare_holds_the_names_of_wheels_against_each_other(tmp_path, one, other, code):
    for name in (one, other):
        (tmp_path / name).write_bytes(HONEST)
    found = invoke("compare", tmp_path / one, tmp_path / other, "--json")
    value = json.loads(found.output)
    assert found.exit_code == code
    validate(value)
    assert value["differences"] == [{"path": other, "kind": "filename", "class": "other-filename"}] * code
    text = invoke("compare", tmp_path / one, tmp_path / other).output
    assert text.startswith(
        f"mismatch (1)\n  filename           {other}: other-filename: " if code else "match (bitwise"
    )


def test_compare_tells_what_the_published_file_gets_wrong(pair):
    published, rebuilt = pair(wheel_of(File("demo/\x1b.py")))
    found = invoke("compare", rebuilt, rebuilt)
    assert found.exit_code == 0
    assert "published by itself: unsafe-name        demo/\\x1b.py\n" in found.output
    value = json.loads(invoke("compare", rebuilt, published, "--json").output)
    assert {"path": "demo/\x1b.py", "kind": "record-omits-member"} in value["findings"]
    assert value["findingsTotal"] == len(value["findings"]) == 2
    assert json.loads(invoke("compare", published, rebuilt, "--json").output)["findings"] == []


def test_compare_wants_two_files(pair):
    assert invoke("compare").exit_code == 2
    assert invoke("compare", *pair(HONEST)[:1]).exit_code == 2


def test_compare_writes_a_report(pair, tmp_path):
    files = pair(wheel_of(File("demo/x.pth", b"import evil\n")))
    report = tmp_path / "new" / "report"
    found = invoke("compare", *files, "--report", report)
    assert found.exit_code == 1
    assert "only-in-rebuilt    demo/x.pth: pth: 12 bytes" in found.output
    assert found.output.endswith(f"report: {report}/index.html\n")
    assert sorted(path.name for path in report.iterdir()) == ["index.html", "report.json"]
    assert "import evil" in (report / "index.html").read_text()
    again = invoke("compare", *files, "--report", report)
    assert again.exit_code == 2
    assert f"{report}: there is something in it already" in again.stderr
    assert again.stdout == ""


def test_a_report_and_json_do_not_mix(pair, tmp_path):
    report = tmp_path / "report"
    found = invoke("compare", *pair(HONEST), "--json", WHEELWITNESS_REPORT=str(report))
    assert json.loads(found.stdout)["result"] == "match"
    assert json.loads((report / "report.json").read_text())["level"] == "bitwise"


def test_a_report_that_cannot_be_written_costs_no_result(pair, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    files = pair(HONEST)
    monkeypatch.setattr("os.fsync", full)
    found = invoke("compare", *files, "--report", tmp_path / "report")
    assert found.exit_code == 5
    assert found.stdout == "match (bitwise, and the first file's bytes follow from the second)\n"
    assert "No space left on device" in found.stderr
    assert not (tmp_path / "report").exists()


def test_a_wheel_that_cannot_be_read_leaves_no_report(pair, tmp_path):
    assert invoke("compare", *pair(b"no wheel"), "--report", tmp_path / "report").exit_code == 2
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("command", [("compare", "a.whl", "b.whl"), ("rebuild", "six==1.17.0")])
def test_diffoscope_without_a_report_is_refused(command):
    found = invoke(*command, "--diffoscope")
    assert found.exit_code == 2
    assert "Add --report DIR." in found.stderr


def test_rebuild_refuses_a_report_over_something_before_it_does_anything(tmp_path):
    (tmp_path / "mine").write_text("x")
    found = invoke("rebuild", "six==1.17.0", "--report", tmp_path, "--index", "http://[")
    assert found.exit_code == 2
    assert "there is something in it already" in found.stderr


USAGE = {
    "no target": [],
    "two targets": ["a==1", "b==1"],
    "no version": ["six"],
    "a range": ["six>=1"],
    "not a version": ["six==x"],
    "very long": ["x" * 5000],
    "very long version": ["six==" + "1" * 5000],
    "no such option": ["six==1", "--frobnicate"],
    "timeout of nothing": ["six==1", "--timeout", "0"],
    "timeout in words": ["six==1", "--timeout", "soon"],
    "a local wheel alone": [f"dist/{FILENAME}"],
    "not a wheel's name": ["demo.whl", "--sdist", "demo-1.0.tar.gz"],
}


@pytest.mark.parametrize("args", USAGE.values(), ids=USAGE)
def test_rebuild_refuses(args):
    found = invoke("rebuild", *args)
    assert found.exit_code == 2
    assert found.stdout == ""
    assert found.stderr


def test_a_variable_that_cannot_be_used_is_refused():
    assert invoke("rebuild", "six==1", WHEELWITNESS_TIMEOUT="soon").exit_code == 2


@pytest.mark.parametrize("index", ["ftp://x.example/", "http://[", "nothing"])
def test_an_index_that_is_none_is_refused(tmp_path, index):
    found = invoke("plan", "six==1", "--index", index, "--cache", tmp_path)
    assert found.exit_code == 2
    assert "not the address of an index" in found.stderr


def test_batch_refuses_a_list_that_it_cannot_read(tmp_path):
    (tmp_path / "list.txt").write_text("six\n")
    out = tmp_path / "out.jsonl"
    assert invoke("batch", tmp_path / "list.txt", "--out", out).exit_code == 2
    assert invoke("batch", tmp_path / "none.txt", "--out", out).exit_code == 2
    assert invoke("batch", tmp_path / "list.txt").exit_code == 2
    assert not out.exists()


@pytest.fixture
def fake_batch(monkeypatch):
    """Batches without a sandbox, of which one result matches and one does not."""
    from rebuilders import batch
    from rebuilders.result import to_json
    from rebuilders.sandbox import bubblewrap

    reports = {
        "demo==1": Bench([built(HONEST)]).rebuild(),
        "demo==2": Bench([built(wheel_of(File("demo/x.py")))], versions=("3.13.1",)).rebuild(),
    }

    class FakeBatch:
        def __init__(self, settings, jobs, timeout):
            assert (jobs, timeout) == (2, 600)

        def results(self, targets):
            for target in targets:
                yield {"input": str(target), **to_json(reports[str(target)], target)}

    monkeypatch.setattr(batch, "Batch", FakeBatch)
    monkeypatch.setattr(bubblewrap, "probe", lambda sandbox: None)
    monkeypatch.setattr(bubblewrap.Bubblewrap, "find", lambda: None)


SUMMARY = "2 targets: 1 bitwise, 1 mismatch\n     1  differs: added: demo==2\n"


def test_batch_ends_with_a_summary(tmp_path, fake_batch):
    (tmp_path / "list.txt").write_text("demo==1\ndemo==2\n")
    out = tmp_path / "out.jsonl"
    args = ("batch", tmp_path / "list.txt", "--out", out, "--jobs", "2")
    found = invoke(*args)
    assert (found.exit_code, found.output) == (0, SUMMARY)
    assert len(out.read_text().splitlines()) == 2
    assert (again := invoke(*args)).output == SUMMARY, again.output  # with what the file held already
    assert invoke(*args, "--quiet").output == ""
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".html"] == []


@pytest.mark.parametrize("how", ["option", "variable"])
def test_batch_writes_a_page(tmp_path, fake_batch, how):
    (tmp_path / "list.txt").write_text("demo==1\ndemo==2\n")
    page = tmp_path / "page.html"
    page.write_text("old " * 10_000)
    args = ("batch", tmp_path / "list.txt", "--out", tmp_path / "out.jsonl", "--jobs", 2, "--quiet")
    given, env = (("--page", page), {}) if how == "option" else ((), {"WHEELWITNESS_PAGE": str(page)})
    found = invoke(*args, *given, **env)
    assert (found.exit_code, found.output) == (0, "")
    text = page.read_text()
    assert text.startswith("<!doctype html>")
    assert text.rstrip().endswith("</html>")
    assert "1 of 2 wheels" in text


def test_batch_refuses_a_page_that_it_cannot_write_before_it_runs(tmp_path, fake_batch):
    (tmp_path / "list.txt").write_text("demo==1\n")
    out = tmp_path / "out.jsonl"
    for page in (tmp_path, tmp_path / "none" / "page.html"):
        found = invoke("batch", tmp_path / "list.txt", "--out", out, "--page", page)
        assert found.exit_code == 2
        assert not out.exists()
