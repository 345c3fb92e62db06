"""How `build` and its runner end, with a scripted sandbox: what is a result, and what says nothing of the package."""

import json
import tempfile
from dataclasses import replace

import pytest

from rebuilders.build import Order, ask_requirements, build_wheel
from rebuilders.errors import NotBuilt
from rebuilders.facts.sdist import sdist_facts
from rebuilders.sandbox.interface import Finished, Limits
from rebuilders.sandbox.scripted import ScriptedSandbox, finished
from tests.releases import PYPROJECT, sdist_bytes
from witness.digest import sha256_hex
from witness.errors import Incomplete, SandboxUnavailable


def order(pyproject=PYPROJECT):
    data = sdist_bytes(pyproject=pyproject)
    facts = sdist_facts(data, "demo-1.0.tar.gz", sha256_hex(data))
    return Order(data, facts, {"TZ": "UTC"}, 0o022, "archive", (), Limits())


def answer(value, wheel=None, data=b""):
    text = json.dumps({"hook": {"return_val": value}, "wheel": wheel}).encode()
    return finished(len(text).to_bytes(8, "big") + text + data)


def test_a_hook_is_called_once_with_what_it_needs():
    sandbox = ScriptedSandbox([answer("demo-1.0-py3-none-any.whl", "demo-1.0-py3-none-any.whl", b"PK")])
    built = build_wheel(order(), sandbox)
    assert (built.filename, built.data) == ("demo-1.0-py3-none-any.whl", b"PK")
    (job,) = sandbox.jobs
    request = json.loads(job.argv[2])
    assert (request["hook"], request["top"], request["umask"]) == ("build_wheel", "demo-1.0", 0o022)
    assert request["kwargs"]["wheel_directory"] == "/build/wheels"
    assert tempfile.gettempdir() not in json.dumps([job.argv, job.variables])
    assert set(job.files) == {"/in/driver.py", "/in/hook.py", "/in/demo-1.0.tar.gz"}


@pytest.mark.parametrize(
    ("frontend", "paths"),
    [("pep517", []), ("pep517-sys-path", ["/build/src/demo-1.0"])],
)
def test_where_an_in_tree_backend_is_looked_for(frontend, paths):
    sandbox = ScriptedSandbox([answer("demo-1.0-py3-none-any.whl", "demo-1.0-py3-none-any.whl", b"PK")])
    given = order(PYPROJECT.replace('"."', '"./."'))
    build_wheel(replace(given, frontend=frontend), sandbox)
    assert json.loads(sandbox.jobs[0].argv[2])["path"] == paths


@pytest.mark.parametrize("call", [build_wheel, ask_requirements])
def test_a_sandbox_that_fails_is_not_a_build_that_failed(call):
    with pytest.raises(SandboxUnavailable, match="no namespaces"):
        call(order(), ScriptedSandbox([SandboxUnavailable("no namespaces")]))


def test_a_full_disk_of_ours_is_not_a_build_that_failed(monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device", "/tmp/x")

    monkeypatch.setattr("pyproject_hooks._impl.write_json", full, raising=False)
    monkeypatch.setattr("pyproject_hooks._impl.TemporaryDirectory", full, raising=False)
    with pytest.raises(Incomplete, match="No space left"):
        build_wheel(order(), ScriptedSandbox([]))


ASKED = {
    "a URL": ["demo @ https://192.0.2.1/x.whl"],
    "a path": ["demo @ file:///etc/passwd"],
    "an option": ["--index-url http://192.0.2.1/"],
    "a number": [5],
    "a dictionary": [{}],
    "no list": 5,
    "null": None,
    "too many": [f"p{number}" for number in range(300)],
    "terminal escapes": ["\x1b]52;c;x\x07"],
}


@pytest.mark.parametrize("name", ASKED)
def test_what_is_not_asked_for(name):
    with pytest.raises(NotBuilt) as caught:
        ask_requirements(order(), ScriptedSandbox([answer(ASKED[name])]))
    assert (caught.value.result, caught.value.phase) == ("build-failed", "hook")
    assert caught.value.cause in ("invalid-requirement", "invalid-project")
    assert str(caught.value).isprintable()


def test_what_may_be_asked_for():
    asked = ["b>=1", "a; python_version < '4'"]
    assert ask_requirements(order(), ScriptedSandbox([answer(asked)])) == ("a; python_version < '4'", "b>=1")


@pytest.mark.parametrize("ended", ["time", "memory", "output", "log"])
def test_limits_have_their_causes(ended):
    sandbox = ScriptedSandbox([Finished(137, ended, b"", b"the log", 1.0)])
    with pytest.raises(NotBuilt) as caught:
        build_wheel(order(), sandbox)
    failure = caught.value
    assert (failure.result, failure.phase, failure.cause) == ("build-failed", "build", f"{ended}-limit")
    assert failure.log == b"the log"


@pytest.mark.parametrize(
    ("log", "status", "cause"),
    [
        (b"OSError: [Errno 28] No space left on device", 1, "disk-limit"),
        (b"OSError: [Errno 27] File too large", 1, "disk-limit"),
        (b"", 153, "disk-limit"),
        (b"MemoryError", 1, "memory-limit"),
        (b"BlockingIOError: [Errno 11] Resource temporarily unavailable", 1, "process-limit"),
        (b"RuntimeError: can't start new thread", 1, "process-limit"),
        (b"OSError: [Errno 24] Too many open files: '/build/x'", 1, "descriptor-limit"),
        (b"sh: 1: Cannot fork", 2, "process-limit"),
        (b"socket.gaierror: [Errno -3] Temporary failure in name resolution", 1, "needs-network"),
        (b"ModuleNotFoundError: No module named 'numpy'", 1, "missing-module"),
        (b"\x1b[2Jno idea \xff", 1, "backend-error"),
        (b"", 1, "backend-error"),
    ],
)
def test_the_log_tells_the_cause(log, status, cause):
    with pytest.raises(NotBuilt) as caught:
        build_wheel(order(), ScriptedSandbox([finished(status=status, log=log)]))
    assert caught.value.cause == cause
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "script",
    [[], [finished(status=1)], [answer("../x.whl", "../x.whl")]],
    ids=["no sandbox", "failed", "no name"],
)
def test_nothing_is_left_in_the_temporary_directory(tmp_path, monkeypatch, script):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises((SandboxUnavailable, NotBuilt)):
        build_wheel(order(), ScriptedSandbox(script))
    assert list(tmp_path.iterdir()) == []
