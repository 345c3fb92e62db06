"""`rebuilder static`: local pairs, directories, exit codes, JSON. No sandbox and no network."""

import json

import pytest
from typer.testing import CliRunner

from rebuilders.cli.main import app
from rebuilders.inputs import local_pairs
from rebuilders.survey import Survey
from tests.schemas import validate
from tests.static_pairs import FLIT, HONEST, SCRIPTS
from tests.wheels import FILENAME

SDIST = "demo-1.0.tar.gz"
GENERATED = HONEST.wheel_with({"demo/_version.py": b"1\n"})
WRONG = GENERATED.sdist_with({"pyproject.toml": FLIT + SCRIPTS, "setup.py": None})
PAIRS = {"match": (HONEST, 0), "mismatch": (WRONG, 1), "not-attempted": (GENERATED, 3)}


def invoke(*args, **env):
    return CliRunner().invoke(app, ["static", *map(str, args)], env=env)


def put(directory, pair, project="demo"):
    directory.mkdir(exist_ok=True)
    wheel = directory / FILENAME.replace("demo", project)
    sdist = directory / SDIST.replace("demo", project)
    wheel.write_bytes(pair.wheel_bytes)
    sdist.write_bytes(pair.sdist_bytes)
    return wheel, sdist


@pytest.mark.parametrize("result", PAIRS)
def test_a_local_pair(tmp_path, result):
    pair, code = PAIRS[result]
    wheel, sdist = put(tmp_path, pair)
    found = invoke(wheel, "--sdist", sdist)
    assert (found.exit_code, f"{FILENAME}: {result}" in found.output) == (code, True)
    found = invoke(wheel, "--json", WHEELWITNESS_SDIST=str(sdist))
    value = json.loads(found.output)
    assert (found.exit_code, value["method"], value["result"]) == (code, "static", result)
    assert value["target"]["filename"] == FILENAME
    assert value["source"]["filename"] == SDIST


@pytest.mark.parametrize(
    ("args", "shown"),
    [
        (("x/demo-1.0-py3-none-any.whl",), "needs its sdist"),
        (("demo",), "neither name==version nor"),
        (("demo-1.0-py3-none-any.whl", "--sdist", "other-1.0.tar.gz"), "not of the same release"),
        (("demo-1.0-py3-none-any.whl", "--sdist", "demo-1.0.tar.gz"), "No such file"),
        (("x" * 5000,), "not a target"),
        (("demo==1.0", "--index", "ftp://x.example"), "not the address of an index"),
    ],
)
def test_usage(args, shown):
    found = invoke(*args)
    assert found.exit_code == 2
    assert shown in found.output


def test_files_that_are_no_archives(tmp_path):
    wheel, sdist = put(tmp_path, HONEST)
    sdist.write_bytes(b"\x1b")
    found = invoke(wheel, "--sdist", sdist, "--json")
    assert found.exit_code == 3
    assert json.loads(found.output)["failure"] == {"phase": "read", "cause": "malformed-sdist"}


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_directory(tmp_path, jobs):
    for number, result in enumerate([*PAIRS, *["match"] * 9]):
        put(tmp_path, PAIRS[result][0], f"demo{number}" if number else "demo")
    (tmp_path / "alone-1.0-py3-none-any.whl").write_bytes(b"")
    (tmp_path / "README").write_bytes(b"")
    found = invoke(tmp_path, "--jobs", jobs)
    assert found.exit_code == 1
    # The others are named for other projects than their `.dist-info` is, and so are open.
    assert "12 pairs: 1 match, 1 mismatch, 10 not-attempted; 1 wheels have no sdist here" in found.output
    lines = CliRunner().invoke(app, ["static", str(tmp_path), "--json", "--quiet", "--jobs", str(jobs)])
    values = [json.loads(line) for line in lines.stdout.splitlines()]
    assert [value["result"] for value in values].count("match") == 1
    for value in values:
        validate(value)
    assert {value["schema"] for value in values} == {"rebuild-result/1"}
    assert lines.exit_code == 1


def test_the_exit_code_of_a_directory(tmp_path):
    put(tmp_path, HONEST)
    assert invoke(tmp_path).exit_code == 0
    put(tmp_path, GENERATED)
    assert invoke(tmp_path).exit_code == 3
    (tmp_path / "empty").mkdir()
    found = invoke(tmp_path / "empty")
    assert found.exit_code == 2
    assert "no wheel with the sdist of its release" in found.output


def test_a_file_that_cannot_be_read(tmp_path):
    wheel, _ = put(tmp_path, HONEST)
    wheel.unlink()
    wheel.symlink_to(tmp_path / "nowhere")
    found = invoke(tmp_path)
    assert found.exit_code == 5
    assert "1 unreadable" in found.output


def test_pairs_are_made_by_project_and_version(tmp_path):
    for name in (
        "Demo_X-1.0-py3-none-any.whl",
        "demo-x-1.0.0.tar.gz",
        "demo_x-2.0.tar.gz",
        "demo_x-3.0-py3-none-any.whl",
    ):
        (tmp_path / name).touch()
    pairs, alone = local_pairs(tmp_path)
    assert [(pair.wheel.name, pair.sdist.name) for pair in pairs] == [
        ("Demo_X-1.0-py3-none-any.whl", "demo-x-1.0.0.tar.gz")
    ]
    assert [path.name for path in alone] == ["demo_x-3.0-py3-none-any.whl"]
    assert next(Survey(1).results(pairs))["failure"]["cause"] == "malformed-wheel"
