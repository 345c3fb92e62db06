"""Build environments from wheels of a directory: kept by content, read-only, whole or absent, and nothing of them run."""
# ruff: noqa: E501

import errno
import json
import os
import signal
import struct
import subprocess
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rebuilders.environment import interpreters
from rebuilders.environment.install import PYTHON, Environments
from rebuilders.environment.interpreters import installed
from rebuilders.environment.resolve import Resolver
from rebuilders.errors import NotBuilt
from rebuilders.index.directory import DirectoryIndex
from rebuilders.plan.recipe import Candidate, Locked
from rebuilders.sandbox.bubblewrap import Bubblewrap
from rebuilders.sandbox.interface import Job
from rebuilders.sandbox.scripted import ScriptedSandbox, finished
from rebuilders.wiring import find_uv
from tests.releases import requirement_wheel
from tests.wheels import File, zip_of
from witness.digest import sha256_hex
from witness.errors import FetchFailed, Incomplete, SandboxUnavailable


@pytest.fixture
def wheels(tmp_path):
    (tmp_path / "wheels").mkdir()
    return tmp_path / "wheels"


@pytest.fixture
def environments(tmp_path, wheels):
    return Environments(find_uv(), tmp_path / "cache", DirectoryIndex(wheels), Bubblewrap.find())


def lock(wheels, filename, data):
    (wheels / filename).write_bytes(data)
    name, version = filename.split("-")[:2]
    return Locked(name, version, filename, (wheels / filename).as_uri(), sha256_hex(data), len(data))


def ask(environments, mounts, code):
    interpreter = installed()[0]
    found = environments.sandbox.run(Job((PYTHON, "-c", code), mounts, variables=interpreter.variables))
    assert found.ok, found.log
    return found.output.decode()


def kept(environments):
    """Of one wheel or none; then those that are joined of several."""
    found = (environments.cache / "installed", environments.cache / "environments")
    return [sorted(path.name for path in root.iterdir()) if root.is_dir() else [] for root in found]


@pytest.mark.sandbox
class TestPrepare:
    def test_installed_once_and_read_only(self, environments, wheels):
        held = lock(wheels, *requirement_wheel("helper", {"helper.py": b"VALUE = 7\n"}))
        mounts = environments.prepare(installed()[0], (held,))
        assert (
            ask(environments, mounts, "import helper; print(helper.VALUE, helper.__cached__[-4:])")
            == "7 .pyc\n"
        )
        (wheels / held.filename).unlink()
        assert environments.prepare(installed()[0], (held,)) == mounts
        code = "import helper, os\nfor path in (helper.__file__, os.path.dirname(helper.__file__) + '/x', '/env/bin/python'):\n  try: open(path, 'a'); print('WROTE')\n  except OSError: pass"
        assert ask(environments, mounts, code) == ""
        assert list(map(len, kept(environments))) == [1, 0]

    def test_kept_by_content(self, environments, wheels):
        one = lock(wheels, *requirement_wheel("helper", {"helper.py": b"VALUE = 1\n"}))
        first = environments.prepare(installed()[0], (one,))
        two = lock(wheels, *requirement_wheel("helper", {"helper.py": b"VALUE = 2\n"}))
        second = environments.prepare(installed()[0], (two,))
        assert [
            ask(environments, mounts, "import helper; print(helper.VALUE)") for mounts in (first, second)
        ] == ["1\n", "2\n"]
        assert (
            ask(
                environments,
                environments.prepare(installed()[0], ()),
                "import importlib.util as u; print(u.find_spec('helper'))",
            )
            == "None\n"
        )
        assert list(map(len, kept(environments))) == [3, 0]

    def test_joined_of_several(self, environments, wheels):
        one = lock(wheels, *requirement_wheel("one", {"one.py": b"VALUE = 1\n", "both.py": b"VALUE = 1\n"}))
        two = lock(wheels, *requirement_wheel("two", {"two.py": b"VALUE = 2\n", "both.py": b"VALUE = 2\n"}))
        six = lock(wheels, *requirement_wheel("six", {"six/__init__.py": b"VALUE = 6\n"}))
        first = environments.prepare(installed()[0], (one, two))
        code = "import both, one, two; from importlib.metadata import distributions as d; print(both.VALUE, one.VALUE, two.VALUE, sorted(x.name for x in d()), two.__cached__[-4:])"
        assert ask(environments, first, code) == "1 1 2 ['one', 'two'] .pyc\n"
        second = environments.prepare(installed()[0], (one, six, two))
        assert ask(environments, second, "import one, six, two; print(six.VALUE)") == "6\n"
        assert list(map(len, kept(environments))) == [3, 2]
        # Linked, not copied.
        found = [next(mounts[-1].source.rglob("two.py")).stat() for mounts in (first, second)]
        assert found[0].st_ino == found[1].st_ino
        assert found[0].st_nlink == 3
        for held in (one, two, six):
            (wheels / held.filename).unlink()
        assert environments.prepare(installed()[0], (six, one))[-1] not in (first[-1], second[-1])

    @pytest.mark.parametrize("error", [errno.EMLINK, errno.EPERM])
    def test_copied_where_there_are_no_links(self, environments, wheels, monkeypatch, error):
        def refuse(*_, **__):
            raise OSError(error, os.strerror(error))

        monkeypatch.setattr(os, "link", refuse)
        held = [
            lock(wheels, *requirement_wheel(name, {f"{name}.py": b"VALUE = 1\n"})) for name in ("one", "two")
        ]
        mounts = environments.prepare(installed()[0], tuple(held))
        assert ask(environments, mounts, "import one, two; print(one.VALUE + two.VALUE)") == "2\n"

    def test_a_disk_that_is_full_while_it_is_joined(self, environments, wheels, monkeypatch):
        held = [
            lock(wheels, *requirement_wheel(name, {f"{name}.py": b"VALUE = 1\n"})) for name in ("one", "two")
        ]

        def full(*_, **__):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        with monkeypatch.context() as patched:
            patched.setattr(os, "link", full)
            with pytest.raises(Incomplete, match="No space left"):
                environments.prepare(installed()[0], tuple(held))
        assert list(map(len, kept(environments))) == [2, 0]
        assert ask(environments, environments.prepare(installed()[0], tuple(held)), "import one, two") == ""

    def test_two_at_once(self, environments, wheels):
        held = lock(
            wheels, *requirement_wheel("helper", {f"helper{n}.py": b"VALUE = 7\n" for n in range(50)})
        )
        with ThreadPoolExecutor(3) as pool:
            mounts = list(pool.map(lambda _: environments.prepare(installed()[0], (held,)), range(3)))
        assert mounts[0] == mounts[1] == mounts[2]
        assert list(map(len, kept(environments))) == [1, 0]
        assert ask(environments, mounts[0], "import helper9; print(helper9.VALUE)") == "7\n"

    def test_nothing_of_it_is_run_to_install_it(self, environments, wheels, tmp_path):
        """A .pth file's code runs with the first build's interpreter, inside; not before."""
        mark = tmp_path / "ran"
        code = f"import os, sys; sys.stderr.write('PTH RAN'); exec(\"try: open({str(mark)!r}, 'w')\\nexcept OSError: pass\")\n".encode()
        members = {"evil.pth": code, "sitecustomize.py": b"import sys; sys.stderr.write('SITE RAN')\n"}
        held = lock(wheels, *requirement_wheel("evil", members))
        logs = []

        class Listening:
            name = "listening"

            def run(self, job):
                done = environments.sandbox.run(job)
                logs.append(done.log)
                return done

        mounts = replace(environments, sandbox=Listening()).prepare(installed()[0], (held,))
        assert logs == [b""]
        found = environments.sandbox.run(Job((PYTHON, "-c", ""), mounts, variables=installed()[0].variables))
        assert b"PTH RAN" in found.log
        assert not mark.exists()

    @pytest.mark.parametrize(
        ("name", "data"),
        {
            "no ZIP file": b"nothing",
            "empty": b"",
            "upwards": zip_of([File("../../evil.py", b"x")]),
            "absolute": zip_of([File("/env/bin/python", b"x")]),
            "a link": zip_of([File("helper", b"/etc", mode=0o120777)]),
            "more than it says": zip_of([File("helper.py", b"x" * (1 << 20), size=5)]),
            "another checksum": requirement_wheel("helper", {"helper.py": b"VALUE = 1\n" * 9})[1].replace(struct.pack("<L", zlib.crc32(b"VALUE = 1\n" * 9)), b"\0\0\0\0"),
        }.items(),
    )  # fmt: skip
    def test_what_is_not_installed(self, environments, wheels, name, data):
        held = lock(wheels, "helper-1.0-py3-none-any.whl", data)
        with pytest.raises(NotBuilt) as caught:
            environments.prepare(installed()[0], (held,))
        assert (caught.value.result, caught.value.phase, caught.value.cause) == (
            "build-failed",
            "install",
            "malformed-requirement",
        )
        assert kept(environments) == [[], []]

    @pytest.mark.parametrize(("size", "cause"), [(0, "malformed-requirement"), (60 << 20, "size-limit")])
    def test_a_bomb(self, environments, wheels, size, cause):
        """One that unpacks to many times its size, and one that is too large all the same."""
        large = File("large", bytes(size), method=0)
        data = zip_of([large, *(File(f"x{number}", b"x", size=900 << 20) for number in range(3))])
        held = lock(wheels, "helper-1.0-py3-none-any.whl", data)
        with pytest.raises(NotBuilt) as caught:
            environments.prepare(installed()[0], (held,))
        assert (caught.value.phase, caught.value.cause) == ("install", cause)

    def test_what_uv_refuses(self, environments, wheels):
        held = lock(wheels, "helper-1.0-py3-none-any.whl", zip_of([File("helper.py", b"x")]))  # no .dist-info
        with pytest.raises(NotBuilt, match="cannot be installed") as caught:
            environments.prepare(installed()[0], (held,))
        assert (caught.value.phase, caught.value.cause) == ("install", "install-failed")
        assert kept(environments) == [[], []]

    def test_time(self, environments, wheels):
        held = lock(wheels, *requirement_wheel("helper", {"helper.py": b""}))
        hanging = Environments(
            Path("/bin/sleep"), environments.cache, environments.index, environments.sandbox
        )
        with pytest.raises((NotBuilt, SandboxUnavailable)):
            hanging.prepare(installed()[0], (held,), seconds=0.5)
        assert kept(environments) == [[], []]


@pytest.mark.sandbox
def test_a_killed_install_leaves_nothing_that_is_used(tmp_path, wheels):
    held = lock(
        wheels, *requirement_wheel("helper", {f"helper{n}.py": b"VALUE = 7\n" * 2000 for n in range(300)})
    )
    cache = tmp_path / "cache"
    code = f"""
from pathlib import Path
from tests.integration.test_environments import *
Environments(find_uv(), Path({str(cache)!r}), DirectoryIndex(Path({str(wheels)!r})), Bubblewrap.find()).prepare(installed()[0], ({held!r},))
"""
    for seconds in (0.0, 0.05, 0.15):
        with subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2]) as process:
            end = time.monotonic() + 20
            while (
                not list(cache.glob("installed/.tmp-*")) and process.poll() is None and time.monotonic() < end
            ):
                time.sleep(0.005)
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)
        for path in cache.glob("installed/[!.]*"):
            assert len(list(path.rglob("helper*.py"))) == 300
    environments = Environments(find_uv(), cache, DirectoryIndex(wheels), Bubblewrap.find())
    left = next(cache.glob("installed/.tmp-*"), None)
    if left is not None:
        os.utime(left, (0, 0))
    mounts = environments.prepare(installed()[0], (held,))
    assert ask(environments, mounts, "import helper299; print(helper299.VALUE)") == "7\n"


def test_an_environment_that_cannot_be_made_for_want_of_a_sandbox(tmp_path, wheels):
    environments = Environments(Path("/uv"), tmp_path / "cache", DirectoryIndex(wheels), ScriptedSandbox([]))
    with pytest.raises(SandboxUnavailable):
        environments.prepare(installed()[0], ())
    assert kept(environments) == [[], []]


def test_an_install_that_fails_tells_why_and_is_escaped(tmp_path, wheels):
    sandbox = ScriptedSandbox([finished(status=1, log=b"\x1b[31mno")])
    environments = Environments(Path("/uv"), tmp_path / "cache", DirectoryIndex(wheels), sandbox)
    with pytest.raises(NotBuilt, match=r"cannot be installed: \\x1b\[31mno"):
        environments.prepare(installed()[0], ())


class TestResolver:
    @pytest.mark.parametrize(
        "text",
        ['demo; python_version > "3\n--index-url http://192.0.2.1/\n"', "demo @ https://192.0.2.1/demo.whl", "demo @ file:///etc/passwd", "-r /etc/passwd",
         "--index-url http://192.0.2.1/", "", "demo\n", "\x1b]0;x\x07", "demo>>1"],
    )  # fmt: skip
    @pytest.mark.parametrize("place", ["requirements", "constraints"])
    def test_what_uv_is_never_asked(self, tmp_path, text, place):
        texts = {"requirements": ("demo",), "constraints": (), place: (text,)}
        candidate = Candidate("3.13", as_of=datetime(2025, 1, 1, tzinfo=UTC), ask_backend=False, **texts)
        resolver = Resolver(Path("/nowhere/uv"), "http://127.0.0.1:9/", tmp_path)
        with pytest.raises(NotBuilt) as caught:
            resolver.resolve(candidate, installed()[0], timeout=5)
        assert (caught.value.phase, caught.value.cause) == ("resolve", "invalid-requirement")
        assert str(caught.value).isprintable()

    def test_the_operators_uv_settings_change_nothing(self, tmp_path, monkeypatch):
        fake = tmp_path / "fake-uv"
        fake.write_text("#!/bin/sh\nenv | grep ^UV_ >&2\nexit 1\n")
        fake.chmod(0o755)
        monkeypatch.setenv("UV_EXTRA_INDEX_URL", "http://192.0.2.1/")
        monkeypatch.setenv("UV_HTTP_TIMEOUT", "7")
        resolver = Resolver(fake, "http://127.0.0.1:9/", tmp_path)
        with pytest.raises(FetchFailed, match="UV_HTTP_TIMEOUT=7") as caught:
            resolver.resolve(
                Candidate("3.13", ("demo",), (), None, ask_backend=False), installed()[0], timeout=5
            )
        assert "192.0.2.1" not in str(caught.value)


class TestInterpreters:
    def test_those_of_this_machine(self):
        found = installed()
        assert found
        assert len({interpreter.minor for interpreter in found}) == len(found)
        for interpreter in found:
            assert interpreter.executable.is_relative_to(interpreter.prefix)
            assert not Path.home().is_relative_to(interpreter.prefix)

    @pytest.fixture
    def discover(self, monkeypatch, tmp_path):
        """What is found where PATH is one directory."""

        def run():
            monkeypatch.setenv("PATH", str(tmp_path / "bin"))
            monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "no"))
            monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "no"))
            return [path for path in interpreters._executables() if path.is_relative_to(tmp_path)]

        (tmp_path / "bin").mkdir()
        return run

    def test_shims_and_the_like_are_passed_over(self, discover, tmp_path):
        (tmp_path / "bin" / "python3").write_text("#!/bin/sh\ntouch /tmp/ran\n")
        (tmp_path / "bin" / "python3.9").write_bytes(b"\x7fELF")  # not executable
        (tmp_path / "bin" / "python3.10").symlink_to("nowhere")
        (tmp_path / "bin" / "python3.11").mkdir()
        os.mkfifo(tmp_path / "bin" / "python3-config")
        (tmp_path / "bin" / "python3").chmod(0o755)
        assert discover() == []

    @pytest.mark.parametrize(
        "told", ["", "[]", "{}", "null", '"text"', "not JSON", '{"version": 5, "implementation": "x", "prefix": "/", "purelib": "/"}',
                 '{"version": "x", "implementation": "x", "prefix": "/opt/x", "purelib": "/"}', '{"version": "3.9.1", "implementation": "x", "prefix": null, "purelib": "/"}',
                 '{"version": "3.9.1", "implementation": "x", "prefix": "/elsewhere", "purelib": "/"}'],
    )  # fmt: skip
    def test_what_is_no_python(self, tmp_path, told):
        fake = tmp_path / "python3.9"
        fake.write_text(f"#!/bin/sh\necho '{told}'\n")
        fake.chmod(0o755)
        assert interpreters._ask(fake) is None

    def test_one_that_ends_badly(self, tmp_path):
        fake = tmp_path / "python3.9"
        fake.write_text("#!/bin/sh\nkill -9 $$\n")
        fake.chmod(0o755)
        assert interpreters._ask(fake) is None
        assert interpreters._ask(tmp_path / "nowhere") is None

    def test_a_home_is_not_shown_with_the_python_in_it(self, tmp_path, monkeypatch):
        told = {
            "version": "3.9.1", "implementation": "CPython", "prefix": str(tmp_path),
            "libraries": [str(tmp_path / "lib/python3.9")], "purelib": str(tmp_path / "lib/python3.9/site-packages"),
        }  # fmt: skip
        fake = tmp_path / "bin" / "python3.9"
        (tmp_path / "lib/python3.9/site-packages").mkdir(parents=True)
        fake.parent.mkdir()
        fake.write_text(f"#!/bin/sh\necho '{json.dumps(told)}'\n")
        fake.chmod(0o755)
        monkeypatch.setenv("HOME", str(tmp_path))
        found = interpreters._ask(fake)
        shown = [mount.source for mount in found.mounts] if found else []
        assert not any(tmp_path.is_relative_to(source) for source in shown)
