"""diffoscope itself, in the sandbox: its files, hostile wheels, and its ends."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from rebuilders.cli.main import app
from rebuilders.report import diffoscope as module
from rebuilders.report.diffoscope import Diffoscope
from rebuilders.sandbox.bubblewrap import Bubblewrap
from tests.markup import HOSTILE, Elements
from tests.wheels import File, wheel_of

pytestmark = pytest.mark.sandbox
pytest.importorskip("diffoscope", reason="diffoscope is not installed: make setup")

OURS = wheel_of(File("demo/text.txt", b"one\n"))
THEIRS = wheel_of(File("demo/text.txt", b"two\n"))


@pytest.fixture(scope="module")
def looks():
    return Diffoscope.find(Bubblewrap.find())


def test_it_says_what_differs(looks):
    told = looks.run(OURS, THEIRS)
    assert told.failure == ""
    value = json.loads(told.files["diffoscope.json"])
    assert "demo/text.txt" in [detail["source1"] for detail in value["details"]]
    page = told.files["diffoscope.html"].decode()
    ((_, frame),) = [found for found in Elements(page).found if found[0] == "iframe"]
    assert "demo/text.txt" in Elements(frame["srcdoc"]).text


def test_it_sees_nothing_of_the_host_but_its_own_code(looks):
    """The site-packages around diffoscope, where there may be anything, are not inside."""
    script = "import os, sys; print(os.listdir('/opt/diffoscope')); import witness"
    finished = looks.sandbox.run(replace(looks._job(("-s", "-B", "-c", script)), files={}))
    assert not finished.ok
    assert b"No module named 'witness'" in finished.log
    assert b"'diffoscope'" in finished.output
    assert b"pip" not in finished.output


NAME = f"demo/{HOSTILE}"
HOSTILE_PAIRS = {
    "names": (wheel_of(File(NAME, b"1", flags=0x800)), wheel_of(File(NAME, b"2", flags=0x800))),
    "contents": (wheel_of(File("demo/x.html", HOSTILE.encode())), wheel_of(File("demo/x.html", b"x"))),
    "paths that lead out": (wheel_of(File("../../x", b"1")), wheel_of(File("../../x", b"2"))),
    "no wheel": (b"PK\x03\x04", b"PK\x05\x06" + b"\0" * 40),
    "one line": (wheel_of(File("x.txt", b"x" * 2_000_000)), wheel_of(File("x.txt", b"y" * 2_000_000))),
}  # fmt: skip


@pytest.mark.parametrize("pair", HOSTILE_PAIRS.values(), ids=HOSTILE_PAIRS)
def test_a_hostile_wheel_gives_a_framed_page_or_a_reason(looks, pair):
    told = looks.run(*pair)
    assert bool(told.files) != bool(told.failure)
    assert told.failure.isprintable()
    if told.files:
        page = told.files["diffoscope.html"].decode()
        assert Elements(page).tags == {"html", "head", "meta", "title", "style", "body", "iframe"}
        assert "\u202e" not in page


def test_one_that_takes_too_long_is_ended(looks, monkeypatch):
    monkeypatch.setattr(module, "_SCRIPT", "while :; do :; done")
    monkeypatch.setattr(module, "_LIMITS", replace(module._LIMITS, seconds=2.0))
    assert "it was ended after" in looks.run(OURS, THEIRS).failure


def test_one_that_writes_too_much_is_ended(looks, monkeypatch):
    monkeypatch.setattr(module, "_SCRIPT", "while :; do echo xxxxxxxxxxxxxxxx; done")
    monkeypatch.setattr(module, "_LIMITS", replace(module._LIMITS, output=1000))
    assert "wrote too much" in looks.run(OURS, THEIRS).failure


@pytest.mark.parametrize("fails", [False, True])
def test_the_command(tmp_path, monkeypatch, fails):
    (tmp_path / "a.whl").write_bytes(OURS)
    (tmp_path / "b.whl").write_bytes(THEIRS)
    if fails:
        monkeypatch.setattr(module, "_SCRIPT", "echo out of luck >&2; echo 2 0 0")
    report = tmp_path / "report"
    found = CliRunner().invoke(
        app,
        [
            "compare",
            str(tmp_path / "a.whl"),
            str(tmp_path / "b.whl"),
            "--report",
            str(report),
            "--diffoscope",
        ],
    )
    assert found.exit_code == 1
    names = {path.name for path in report.iterdir()}
    text = Elements((report / "index.html").read_text()).text
    if fails:
        assert names == {"index.html", "report.json"}
        assert "There is no report of diffoscope: it failed: out of luck." in text
        assert "diffoscope: it failed: out of luck" in found.stderr
    else:
        assert names == {"index.html", "report.json", "diffoscope.html", "diffoscope.json"}
        assert "What diffoscope makes of the two files" in text
        assert found.stderr == ""


def test_a_library_that_the_sandbox_does_not_see(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_LOAD", module._LOAD.replace("libmagic.so.1", "libnowhere.so.1"))
    (tmp_path / "a.whl").write_bytes(OURS)
    wheels = [str(tmp_path / "a.whl")] * 2
    found = CliRunner().invoke(
        app, ["compare", *wheels, "--report", str(tmp_path / "report"), "--diffoscope"]
    )
    assert found.exit_code == 2
    assert "libnowhere.so.1" in found.stderr
    assert not (tmp_path / "report").exists()
