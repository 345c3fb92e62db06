"""`wheelwitness check` of lock files, against really signed nodes: verdicts, exit codes, and who is asked what."""

import json
import re
import subprocess
import sys

import pytest

from tests import package_index
from tests.integration.test_check_cli import BAD, BAD_NAME, GOOD, SEEN, world
from tests.integration.trusted_nodes import ALPHA, BETA, WHEEL, stated
from tests.unit.pins import locks
from tests.unit.pins.environments import PYTHON, install
from tests.unit.pins.locks import INDEX, SDIST, A
from witness.wheel.reader import read_wheel

__all__ = ["world"]
PUBLIC = f'public-indexes = ["{INDEX}", "https://files.example"]\n'


@pytest.fixture
def mirrored(world):
    """`world`, whose policy calls the index of the locks public."""
    text = world.policy.read_text("utf-8")
    world.policy.write_text(text.replace("threshold = 2\n", f"threshold = 2\n{PUBLIC}"), "utf-8")
    return world


def good(name):
    return locks.EACH[name].replace(A, GOOD)


@pytest.mark.parametrize("name", locks.EACH)
def test_each_format(mirrored, name):
    code, report = mirrored.check(mirrored.write(name, good(name)))
    (artifact,) = report["artifacts"]
    assert (code, artifact["verdict"], artifact["sha256"]) == (0, "reproduced", GOOD)
    (told,) = report["inputs"]
    assert told["file"].endswith(name)
    assert told["format"] in ("CycloneDX", "SPDX") or told["format"] == name
    assert told["version"]
    assert re.search(r":\d+$", artifact["origin"])


def test_text_names_what_was_read(mirrored):
    path = mirrored.write("uv.lock", good("uv.lock"))
    assert mirrored.run("check", path).stdout.splitlines() == [
        "1 file: 1 reproduced",
        f"read {path}: uv.lock, version 1 (revision 3)",
    ]


def test_a_wheel_that_nobody_saw_is_not_covered_by_one_that_is_reproduced(mirrored):
    text = locks.uv([(WHEEL, GOOD), (locks.LINUX, A), (SDIST, "5" * 64)])
    path = mirrored.write("uv.lock", text)
    code, report = mirrored.check(path)
    assert (code, report["counts"]) == (3, {"reproduced": 1, "unattempted": 1})
    assert len(report["notes"]) == 1
    code, report = mirrored.check(path, "--python", "3.11", "--platform", "win_amd64")
    assert (code, report["counts"]) == (0, {"reproduced": 1})


def test_a_lock_with_a_changed_wheel(mirrored):
    text = locks.uv([(BAD_NAME, BAD)]).replace('"1.0"', '"2.0"')
    code, report = mirrored.check(mirrored.write("uv.lock", text))
    assert (code, report["counts"]) == (1, {"divergent": 1})


def test_of_a_private_index_nobody_is_asked(world, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "witness.sources.directory.DirectorySource.lines", lambda self, digest: asked.append(digest)
    )
    path = world.write("uv.lock", good("uv.lock"))
    code, report = world.check(path)
    assert (code, report["counts"]) == (4, {"not-applicable": 1})
    assert "comes from https://index.example/simple, which" in report["artifacts"][0]["reason"]
    assert asked == []
    assert world.run("check", path, "--fail-on", "not-applicable").exit_code == 3


def test_only_what_is_new(mirrored):
    old = mirrored.write("old.lock", locks.uv([(WHEEL, GOOD)]))
    new = mirrored.write("uv.lock", locks.uv([(WHEEL, GOOD), (locks.LINUX, A)]))
    code, report = mirrored.check(new, "--only-new", old)
    assert (code, report["counts"], report["unchanged"]) == (3, {"unattempted": 1}, 1)
    code, report = mirrored.check(new, "--only-new", new)
    assert (code, report["counts"], report["unchanged"]) == (0, {}, 2)
    assert "2 left out: not new" in mirrored.run("check", new, "--only-new", new).stdout
    # Another format will do.
    requirements = mirrored.write("base.txt", f"demo==1.0 --hash=sha256:{GOOD} --hash=sha256:{A}\n")
    assert mirrored.check(new, "--only-new", requirements)[0] == 0
    assert mirrored.run("check", new, "--only-new", "missing.lock").exit_code == 2


def test_standard_input(mirrored):
    def run(*arguments, piped):
        command = [sys.executable, "-c", "from witness.cli.main import main; main()", "check", *arguments]
        return subprocess.run(
            [*command, "--policy", str(mirrored.policy)],
            input=piped.encode(),
            capture_output=True,
            check=False,
        )

    assert run("-", piped=good("uv.lock")).returncode == 0
    assert run("-", piped=f"demo==1.0 --hash=sha256:{GOOD}\n").returncode == 0
    assert run("-", "--input-format", "Pipfile.lock", piped=good("Pipfile.lock")).returncode == 0
    assert run("-", "--input-format", "poetry.lock", piped=good("uv.lock")).returncode == 2
    assert run("-", piped="").returncode == 4
    new = mirrored.write("uv.lock", locks.uv([(WHEEL, GOOD), (locks.LINUX, A)]))
    assert run(new, "--only-new", "-", piped=good("uv.lock")).returncode == 3
    assert run("-", "--only-new", "-", piped=good("uv.lock")).returncode == 2


def test_a_digest(world):
    code, report = world.check(f"sha256:{GOOD}")
    assert (code, report["artifacts"][0]["filename"]) == (0, WHEEL)
    assert world.run("check", "sha256:12").exit_code == 2


@pytest.mark.parametrize("option", [("--python", "2"), ("--platform", "beos"), ("--input-format", "toml")])
def test_options_that_cannot_be(world, option):
    result = world.run("check", world.write("uv.lock", good("uv.lock")), *option)
    assert (result.exit_code, result.stdout) == (2, "")
    assert option[0] in result.stderr


@pytest.mark.parametrize(
    "value", ['""', '"index.example"', '"ftp://x.example"', '"https://u@x.example/"', "[]", "7"]
)
def test_public_indexes_that_are_none(world, value):
    value = value if value.startswith(("[", "7")) else f"[{value}]"
    world.policy.write_text(f"public-indexes = {value}\n" + world.policy.read_text("utf-8"), "utf-8")
    result = world.run("check", world.write("uv.lock", good("uv.lock")))
    assert result.exit_code == 2
    assert "public-indexes: " in result.stderr


@pytest.fixture
def index(world, monkeypatch):
    with package_index.serving() as served:
        answer = served.answer
        monkeypatch.setattr(served, "answer", lambda path: PAGES.get(path) or answer(path))
        served.files["demo"] = {WHEEL: (world.root / WHEEL).read_bytes(), SDIST: b"x"}
        yield served


@pytest.mark.loopback
@pytest.mark.enable_socket
def test_a_file_of_the_index_by_its_name(world, index):
    simple = f"{index.url}simple"
    result = world.run("check", f"pypi:{WHEEL}", "--index", simple, "--format", "json")
    assert (result.exit_code, json.loads(result.stdout)["artifacts"][0]["sha256"]) == (0, GOOD)
    assert index.asked == ["/simple/demo/"]
    assert world.run("check", f"pypi:{WHEEL}", WHEELWITNESS_INDEX=simple).exit_code == 0
    assert world.run("check", f"pypi:{SDIST}", "--index", simple).exit_code == 4


NO_FILES = {
    "no such file": ("pypi:demo-9.0-py3-none-any.whl", 2, "the index has no such file"),
    "no such project": ("pypi:other-1.0-py3-none-any.whl", 2, "the index has no project other"),
    "no file's name": ("pypi:demo", 2, "not an sdist's file name"),
    "a path": ("pypi:../demo-1.0-py3-none-any.whl", 2, "holds no path"),
    "control characters": ("pypi:\x1b.whl", 2, "\\x1b"),
    "no page": ("pypi:broken-1.0-py3-none-any.whl", 5, "not a project's page in JSON"),
    "no JSON": ("pypi:html-1.0-py3-none-any.whl", 5, "not valid JSON"),
    "no digest": ("pypi:nothing-1.0-py3-none-any.whl", 2, "no single SHA-256"),
}
PAGES = {
    "/simple/broken/": b'{"files": 7}',
    "/simple/html/": b"<html>",
    "/simple/nothing/": b'{"files": [{"filename": "nothing-1.0-py3-none-any.whl", "hashes": {"sha256": "x"}}]}',
}


@pytest.mark.loopback
@pytest.mark.enable_socket
@pytest.mark.parametrize(("argument", "code", "problem"), NO_FILES.values(), ids=NO_FILES)
def test_names_of_which_the_index_has_nothing(world, index, argument, code, problem):
    result = world.run("check", argument, "--index", f"{index.url}simple/")
    assert result.exit_code == code, result.output
    assert problem in result.stderr
    assert "\x1b" not in result.output


def test_an_index_that_is_no_address(world):
    result = world.run("check", f"pypi:{WHEEL}", "--index", "user:secret@index")
    assert result.exit_code == 2
    assert "not the address of an index" in result.stderr
    assert "secret" not in result.output


@pytest.fixture
def installed(world, index):
    """An environment with the good wheel, and a policy that calls the index public."""
    with world.policy.open(encoding="utf-8") as file:
        text = file.read()
    world.policy.write_text(f'public-indexes = ["{index.url}"]\n{text}', "utf-8")
    record = read_wheel((world.root / WHEEL).read_bytes()).record_digest
    for node in (ALPHA, BETA):
        node.publish(world.root, [stated(node, sha256=GOOD, finished=SEEN, record=record)])
    environment = world.root / "venv"
    install((world.root / WHEEL).read_bytes(), environment)
    return environment


@pytest.mark.loopback
@pytest.mark.enable_socket
def test_an_environment(world, index, installed):
    for arguments in ([str(installed)], ["--environment", str(installed)]):
        code, report = world.check(*arguments, "--index", f"{index.url}simple")
        (artifact,) = report["artifacts"]
        assert (code, artifact["verdict"], artifact["sha256"]) == (0, "reproduced", GOOD)
        assert artifact["filename"] == WHEEL
    assert set(index.asked) == {"/simple/demo/"}


@pytest.mark.loopback
@pytest.mark.enable_socket
def test_an_environment_in_which_something_was_added(world, index, installed):
    install((world.root / WHEEL).read_bytes(), installed, more={"demo/evil.py": b"evil"})
    code, report = world.check(str(installed), "--index", f"{index.url}simple")
    (artifact,) = report["artifacts"]
    assert (code, artifact["verdict"]) == (3, "insufficient")
    assert artifact["rejected"][0]["reason"] == "about a file that holds other than what is installed"
    (installed / PYTHON / "demo/evil.py").write_text("changed")
    result = world.run("check", str(installed), "--index", f"{index.url}simple")
    assert result.exit_code == 2
    assert "demo/evil.py is not what RECORD says" in result.stdout


@pytest.mark.loopback
@pytest.mark.enable_socket
def test_what_the_index_has_not(world, index, installed):
    index.files["demo"] = {SDIST: b"x"}
    code, report = world.check(str(installed), "--index", f"{index.url}simple")
    assert (code, report["counts"]) == (4, {"not-applicable": 1})
    del index.files["demo"]
    code, report = world.check(str(installed), "--index", f"{index.url}simple")
    assert (code, report["counts"]) == (4, {"not-applicable": 1})
    index.broken.add("/simple/demo/")
    assert world.run("check", str(installed), "--index", f"{index.url}simple").exit_code == 5


@pytest.mark.loopback
@pytest.mark.enable_socket
def test_an_index_that_is_not_public(world, index, installed):
    text = world.policy.read_text("utf-8")
    world.policy.write_text(text.replace(index.url, "https://other.example/"), "utf-8")
    code, report = world.check(str(installed), "--index", f"{index.url}simple")
    assert (code, report["counts"]) == (4, {"not-applicable": 1})
    assert "which the policy does not call public" in report["artifacts"][0]["reason"]


def test_an_environment_that_is_none(world):
    result = world.run("check", "--environment", "nowhere")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no environment" in result.stderr
