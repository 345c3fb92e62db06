"""Definitions: parsed strictly, applied as the last step of inference, and those that we ship keep their word."""
# ruff: noqa: E501 - a row of a table is a line

from datetime import UTC, datetime, timedelta

import pytest
from packaging.version import Version

from rebuilders import definitions
from rebuilders.plan.definition import parse_definitions
from rebuilders.plan.recipe import Candidate, Reason
from witness.errors import InputError

HEAD = 'versions = ">=1,<2"\nexample = "demo==1.5"\nreason = "why"\nsource = "where"\n'
DAY = datetime(2024, 6, 1, tzinfo=UTC)


def text(body, head=HEAD):
    return f"version = 1\n[[definition]]\n{head}{body}\n"


def parsed(body, head=HEAD):
    return parse_definitions(text(body, head), "demo.toml", "demo")[0]


def candidate(**changes):
    told = {
        "requirements": ("setuptools>=61", "wheel"),
        "constraints": ("wheel==0.40.0", "setuptools<70.1"),
        **changes,
    }
    return Candidate("3.12", as_of=DAY, ask_backend=False, **told)


def applied(body, **changes):
    return parsed(body).applied(candidate(**changes), ("3.12", "3.9"), "is not on this machine")


class TestApplied:
    @pytest.mark.parametrize(
        ("body", "changed"),
        [
            ('python = "3.9"', {"python": "3.9"}),
            (
                'requirements = ["setuptools==50.0", "extra"]',
                {"requirements": ("wheel", "setuptools==50.0", "extra")},
            ),
            ('constraints = ["Wheel==0.37.1"]', {"constraints": ("setuptools<70.1", "Wheel==0.37.1")}),
            ('variables = { DEMO_PURE = "1" }', {"variables": {**candidate().variables, "DEMO_PURE": "1"}}),
            ('variables = { TZ = "<+02>-2" }', {"variables": {**candidate().variables, "TZ": "<+02>-2"}}),
            ('frontend = "setup.py"', {"frontend": "setup.py"}),
            ('options = ["--universal"]', {"options": ("--universal",)}),
            ('options = ["--python-tag=py36"]', {"options": ("--python-tag=py36",)}),
            ('line-ends = "crlf"', {"line_ends": "crlf"}),
            ("slack-days = 3", {"as_of": DAY + timedelta(days=3)}),
        ],
    )
    def test_one_thing(self, body, changed):
        found = applied(body)
        before, after = candidate(), {name: getattr(found, name) for name in changed}
        assert after == changed
        same = [name for name in Candidate.__dataclass_fields__ if name not in (*changed, "reasons")]
        assert {name: getattr(found, name) for name in same} == {name: getattr(before, name) for name in same}
        assert found.reasons == (Reason("definition demo <2,>=1", "why"),)

    def test_a_python_that_is_not_here(self):
        found = applied('python = "3.7"')
        assert found.python == "3.12"
        assert found.reasons[1] == Reason(
            "not Python 3.7", "the definition names it, but it is not on this machine"
        )

    def test_no_date(self):
        assert (
            parsed("slack-days = 3").applied(Candidate("3.9", (), (), None, ask_backend=False), (), "").as_of
            is None
        )

    def test_a_date_at_the_end_of_time(self):
        late = datetime(9999, 12, 31, tzinfo=UTC)
        found = parsed("slack-days = 3650").applied(Candidate("3.9", (), (), late, ask_backend=False), (), "")
        assert found.as_of == late


PLAIN = 'python = "3.9"'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "version: not 1"),
        ("version = 2\n", "version: not 1"),
        ("version = true\n", "version: not 1"),
        ("version = 1\n", r"not `version` and \[\[definition\]\] tables"),
        ("version = 1\ndefinition = []\n", "0 definitions"),
        ("version = 1\ndefinition = [5]\n", "not a table"),
        ("version = 1\nmore = 1\n[[definition]]\n", "not `version` and"),
        ("version = 1\n[definition]\n", "not `version` and"),
        ("not TOML", "not TOML"),
        ("x = " + "[" * 5000, "not TOML"),
        (text(""), "it changes nothing"),
        (text(PLAIN + '\nscript = "make"'), "unknown key 'script'"),
        (text(PLAIN, HEAD.replace("versions", "range")), "unknown key 'range'"),
        (text(PLAIN, HEAD.replace('reason = "why"\n', "")), "no 'reason'"),
        (text(PLAIN, HEAD.replace('source = "where"\n', "")), "no 'source'"),
        (text(PLAIN, HEAD.replace('example = "demo==1.5"\n', "")), "no 'example'"),
        (text(PLAIN, HEAD.replace('"why"', '""')), "reason: not a line of text"),
        (text(PLAIN, HEAD.replace('"why"', '"\\u001b[31m"')), "reason: not a line of text"),
        (text(PLAIN, HEAD.replace('"why"', f'"{"x" * 300}"')), "reason: not a line of text"),
        (text(PLAIN, HEAD.replace(">=1,<2", "about 1")), "versions: "),
        (text(PLAIN, HEAD.replace("demo==1.5", "demo==2.5")), "example: not a release of demo within"),
        (text(PLAIN, HEAD.replace("demo==1.5", "other==1.5")), "example: not a release of demo within"),
        (text(PLAIN, HEAD.replace("demo==1.5", "demo")), "example: "),
        (text('python = "2.7"'), "python: not a minor version"),
        (text('python = "/usr/bin/python3"'), "python: not a minor version"),
        (text("python = 3.9"), "python: not a minor version"),
        (text('requirements = ["x @ https://192.0.2.1/x.whl"]'), "requirements: .*names an address"),
        (text('requirements = ["--index-url=x"]'), "requirements: .*is not a requirement"),
        (text('requirements = "wheel"'), "requirements: not a list"),
        (text("requirements = []"), "requirements: not a list"),
        (text("constraints = [5]"), "constraints: not a line of text"),
        (text('frontend = "make"'), "frontend: not one of pep517"),
        (text("frontend = []"), "frontend: not one of pep517"),
        (text('options = ["--plat-name=x"]'), "options: not an option"),
        (text('options = ["--python-tag=py3; rm -r /"]'), "options: not an option"),
        (text('line-ends = "cr"'), "line-ends: not one of"),
        (text("slack-days = 0"), "slack-days: not a number of days"),
        (text("slack-days = true"), "slack-days: not a number of days"),
        (text('variables = { "demo" = "1" }'), "variables: 'demo' is no variable"),
        (text("variables = { DEMO = 1 }"), "variables: not a line of text"),
        (text("variables = {}"), "variables: not a table"),
        *(
            (text(f'variables = {{ {name} = "1" }}'), f"variables: '{name}' is no variable")
            for name in ("PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHASHSEED", "HOME", "BASH_ENV", "UV_INDEX", "PIP_CONFIG_FILE")
        ),
        (text(PLAIN) + "[[definition]]\n" + HEAD + PLAIN, "definition 2: its example is covered by one before it"),
    ],
)  # fmt: skip
def test_what_is_none(content, words):
    with pytest.raises(InputError, match=rf"^demo\.toml.*{words}") as caught:
        parse_definitions(content, "demo.toml", "demo")
    assert str(caught.value).isprintable()


class TestFound:
    @pytest.fixture
    def ship(self, tmp_path, monkeypatch):
        def write(content, name="demo.toml"):
            (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)

        monkeypatch.setattr(definitions, "ROOT", tmp_path)
        definitions.load.cache_clear()
        yield write
        definitions.load.cache_clear()

    def test_by_project_and_version(self, ship):
        other = HEAD.replace(">=1,<2", "").replace("demo==1.5", "demo==3")
        ship(text(PLAIN) + f"[[definition]]\n{other}slack-days = 1\n")
        assert definitions.projects() == ("demo",)
        assert definitions.find("demo", Version("1.5")).python == "3.9"
        assert definitions.find("demo", Version("2.0")).slack == timedelta(days=1)
        assert definitions.find("demo", Version("2.0")).name == "demo"
        assert definitions.find("other", Version("1.5")) is None
        assert definitions.none("demo", Version("1.5")) is None

    def test_pre_releases_too(self, ship):
        ship(text(PLAIN))
        assert definitions.find("demo", Version("1.9rc1")) is not None

    @pytest.mark.parametrize("project", ["../demo", "demo/../demo", "/etc/passwd", "", "de\0mo", "DEMO"])
    def test_a_name_is_no_path(self, ship, project):
        ship(text(PLAIN))
        assert definitions.find(project, Version("1.5")) is None

    @pytest.mark.parametrize("content", ["nonsense", b"\xff\xfe", text("")])
    def test_a_broken_file_is_named(self, ship, content):
        ship(content)
        with pytest.raises(InputError, match=r"^demo\.toml"):
            definitions.find("demo", Version("1.5"))


def test_those_that_we_ship():
    for project in definitions.projects():
        for one in definitions.load(project):
            assert definitions.find(project, one.example.version) is one
