"""`rebuilder rebuild --report` of real builds in the sandbox: what a mismatch, a match and a failed build leave."""

import json

import pytest
from typer.testing import CliRunner

from rebuilders.cli.main import app
from tests.markup import HOSTILE, Elements
from tests.releases import Publisher

pytestmark = pytest.mark.sandbox

# A backend that puts a file more into the wheel, with markup in it and in its name.
MORE = f"""
MEMBERS["demo/evil.pth"] = {HOSTILE!r}.encode()
MEMBERS["demo.py"] = b"VALUE = 2\\n"
"""
FAILS = f"""
def build_wheel(*_):
    raise SystemExit({HOSTILE!r})
"""


@pytest.fixture
def rebuilt(tmp_path):
    def run(more, *options):
        release = Publisher(tmp_path / "releases").release(more)
        argv = [
            "rebuild",
            str(release.wheel),
            "--sdist",
            str(release.sdist),
            "--cache",
            str(tmp_path / "cache"),
        ]
        report = tmp_path / "report"
        found = CliRunner().invoke(app, [*argv, "--report", str(report), *options])
        return found, report, Elements((report / "index.html").read_text())

    return run


def test_a_match(rebuilt):
    found, report, page = rebuilt("")
    assert found.exit_code == 0, found.output
    assert "byte for byte." in page.text
    value = json.loads((report / "report.json").read_text())
    assert (value["result"], value["level"]) == ("match", "bitwise")
    assert value["rebuild"]["recipe"]["requirements"] == []


def test_a_mismatch_beside_what_is_kept(rebuilt, tmp_path):
    found, report, page = rebuilt(MORE, "--keep", str(tmp_path / "kept"))
    assert found.exit_code == 1, found.output
    assert found.stdout.endswith(f"report: {report}/index.html\n")
    assert "script" not in page.tags
    assert "<script>document.title" in page.text
    assert "VALUE = 2" in page.text
    classes = {
        item["path"]: item["class"]
        for item in json.loads((report / "report.json").read_text())["differences"]
    }
    assert classes["demo/evil.pth"] == "pth"
    assert classes["demo.py"] == "code-changed"
    assert (tmp_path / "kept" / "recipe.json").exists()


def test_a_failed_build(rebuilt):
    found, report, page = rebuilt(FAILS, "--json")
    assert found.exit_code == 3, found.output
    assert json.loads(found.stdout)["result"] == "build-failed"
    assert "script" not in page.tags
    assert "<script>document.title" in page.text
    assert json.loads((report / "report.json").read_text())["rebuild"]["failure"]["phase"] == "build"
