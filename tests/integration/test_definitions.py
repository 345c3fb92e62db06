"""A definition in a rebuild, and `rebuilder definitions`: a real index on loopback, a real sandbox."""

from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from rebuilders import definitions
from rebuilders.cli.main import app
from rebuilders.config import Settings
from rebuilders.observe import observe
from rebuilders.result import result_of, to_json
from rebuilders.text import rendered, rendered_plan
from rebuilders.wiring import open_workshop
from tests.package_index import serving
from tests.releases import BACKEND, SDIST, WHEEL, sdist_bytes, wheel_bytes
from witness.names import TargetName

DEFINITION = """
version = 1
[[definition]]
versions = "<2"
example = "demo==1.0"
reason = "published with the switch on"
source = "the release notes"
variables = { DEMO_SWITCH = "1" }
"""
SWITCHED = "\nif os.environ.get('DEMO_' + 'SWITCH') != '1':\n    MEMBERS['demo.py'] = b'off\\n'\n"
PLAIN = ""
BROKEN = "\nMEMBERS['demo.py'] = b'off\\n'\n"
TOLD = "definition demo <2: published with the switch on"


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    (tmp_path / "definitions").mkdir()
    (tmp_path / "definitions" / "demo.toml").write_text(DEFINITION)
    monkeypatch.setattr(definitions, "ROOT", tmp_path / "definitions")
    definitions.load.cache_clear()
    yield tmp_path / "definitions"
    definitions.load.cache_clear()


@pytest.fixture
def publish(tmp_path, monkeypatch):
    with serving() as index:
        monkeypatch.setenv("WHEELWITNESS_INDEX", f"{index.url}simple/")
        monkeypatch.setenv("WHEELWITNESS_CACHE", str(tmp_path / "cache"))

        def run(more):
            index.files["demo"] = {WHEEL: wheel_bytes(), SDIST: sdist_bytes(BACKEND + more)}
            return Settings(f"{index.url}simple/", tmp_path / "cache")

        yield run


def ask(*arguments):
    result = CliRunner().invoke(app, ["definitions", *arguments])
    return result.exit_code, result.output


@pytest.mark.sandbox
@pytest.mark.loopback
@pytest.mark.enable_socket
class TestRebuild:
    def test_it_is_applied_and_told(self, shipped, publish):
        target = TargetName.parse("demo==1.0")
        report = open_workshop(publish(SWITCHED)).rebuild(target, 120)
        assert (result_of(report), report.tries) == ("match", 1)
        assert report.best.recipe.variables["DEMO_SWITCH"] == "1"
        assert TOLD in to_json(report, target)["explanation"]
        assert TOLD in rendered(report, target)
        assert TOLD in rendered_plan(report.plan, WHEEL)
        now = datetime(2026, 1, 1, tzinfo=UTC)
        statement = observe(
            report, builder="node-a", isolation="bubblewrap", started=now, finished=now, previous=None
        )
        variables = statement.observation.environment.variables
        assert variables["definition"] == "published with the switch on"
        assert variables["DEMO_SWITCH"] == "1"

    def test_without(self, shipped, publish):
        target = TargetName.parse("demo==1.0")
        report = open_workshop(publish(SWITCHED)).without_definitions().rebuild(target, 120)
        assert result_of(report) == "mismatch"
        assert TOLD not in rendered(report, target)

    @pytest.mark.parametrize(
        ("more", "code", "words"),
        [
            (SWITCHED, 0, "needed    demo <2: demo==1.0: bitwise with it, no match without"),
            (PLAIN, 1, "obsolete  demo <2: demo==1.0: bitwise with it, bitwise without"),
            (BROKEN, 5, "broken    demo <2: demo==1.0: no match with it, no match without"),
        ],
        ids=["needed", "obsolete", "broken"],
    )
    def test_check(self, shipped, publish, more, code, words):
        publish(more)
        assert ask("check", "demo") == (code, words + "\n")
        assert ask("check") == (code, words + "\n")


def test_list(shipped):
    assert ask("list") == (0, "demo <2: published with the switch on (the release notes; demo==1.0)\n")


def test_none(shipped):
    (shipped / "demo.toml").unlink()
    assert ask("check") == (0, "no definitions\n")
    assert ask("list") == (0, "no definitions\n")


def test_no_such_project(shipped):
    code, output = ask("check", "other")
    assert (code, "other: no definitions of that project" in output, "demo" in output) == (2, True, True)


def test_a_broken_file(shipped):
    (shipped / "demo.toml").write_text("version = 1\n")
    code, output = ask("list")
    assert (code, "demo.toml" in output) == (2, True)
