"""Pythons that uv installs where the operator allows it: real uv, from a mirror that is a directory."""

import fcntl
import json
import platform
import shutil
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from rebuilders.config import Settings
from rebuilders.environment.install import PYTHON
from rebuilders.environment.interpreters import installed
from rebuilders.environment.pythons import Installer, directory_of
from rebuilders.result import result_of
from rebuilders.sandbox.interface import Job
from rebuilders.wiring import find_uv, open_workshop
from tests.package_index import serving
from tests.releases import SDIST, WHEEL, sdist_bytes, wheel_bytes
from witness.digest import sha256_hex
from witness.errors import Incomplete
from witness.names import TargetName

_LEFT_OUT = ("test", "tests", "site-packages", "__pycache__", "idlelib", "ensurepip", "lib2to3", "tkinter")


@pytest.fixture(scope="session")
def packed():
    """An interpreter of this machine to pack."""
    found = [one for one in installed() if (one.prefix / "lib").is_dir() and one.prefix != Path("/usr")]
    found = [one for one in found if one.implementation == "CPython" and one.minor not in ("3.6", "3.7")]
    found = [one for one in found if not Path(sys.base_prefix).samefile(one.prefix)]
    if not found:
        pytest.skip("no second interpreter outside /usr to pack")
    return found[0]


@pytest.fixture(scope="session")
def archive(packed, tmp_path_factory):
    """The interpreter as a `.tar.gz` of the form that uv unpacks: all below one directory."""
    path = tmp_path_factory.mktemp("mirror") / f"cpython-{packed.version}.tar.gz"

    def wanted(info):
        return None if set(info.name.split("/")) & set(_LEFT_OUT) or info.name.endswith(".a") else info

    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for name in (f"bin/python{packed.minor}", "lib", "include"):
            if (packed.prefix / name).exists():
                tar.add(packed.prefix / name, f"python/{name}", filter=wanted)
    return path


@pytest.fixture
def mirror(archive, packed, tmp_path, monkeypatch):
    """uv's variables, for a list of Pythons that has this one; called with what to say otherwise."""

    def offer(**changes):
        major, minor, patch = map(int, packed.version.split("."))
        told = {
            "name": "cpython",
            "arch": {"family": platform.machine(), "variant": None},
            "os": "linux",
            "libc": "gnu",
            "major": major,
            "minor": minor,
            "patch": patch,
            "prerelease": "",
            "url": archive.as_uri(),
            "sha256": sha256_hex(archive.read_bytes()),
            "variant": None,
            "build": "20260101",
            **changes,
        }
        listed = tmp_path / "downloads.json"
        listed.write_text(json.dumps({f"cpython-{packed.version}-linux-{platform.machine()}-gnu": told}))
        monkeypatch.setenv("UV_PYTHON_DOWNLOADS_JSON_URL", str(listed))
        return Installer(find_uv(), tmp_path / "cache")

    return offer


def test_installed_once(mirror, packed, tmp_path):
    installer = mirror()
    assert installer.offered() == (packed.minor,)
    found = installer.install(packed.minor)
    assert (found.version, found.prefix.parent) == (packed.version, directory_of(tmp_path / "cache"))
    assert not list((tmp_path / "cache").rglob("uv.toml"))
    mirror(url="file:///nowhere")  # it is not asked for again: neither by this process …
    assert installer.install(packed.minor) is found
    assert Installer(find_uv(), tmp_path / "cache").install(packed.minor) == found  # … nor by another
    assert found in installed(directory_of(tmp_path / "cache")) or packed.minor in {
        one.minor for one in installed()
    }


def test_by_several_at_once(mirror, packed, tmp_path):
    mirror()
    with ThreadPoolExecutor(3) as pool:
        found = list(
            pool.map(lambda _: Installer(find_uv(), tmp_path / "cache").install(packed.minor), range(3))
        )
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sha256": "0" * 64}, "failed"),
        ({"url": "file:///nowhere/python.tar.gz"}, "failed"),
    ],
)
def test_what_cannot_be_installed_is_remembered(mirror, packed, tmp_path, changes, words):
    installer = mirror(**changes)
    with pytest.raises(Incomplete, match=words) as first:
        installer.install(packed.minor)
    assert str(first.value).isprintable()
    mirror()
    with pytest.raises(Incomplete) as second:
        installer.install(packed.minor)
    assert second.value is first.value


@pytest.mark.parametrize("minor", ["3.99", "--help", "3", "", "3.9 3.10", "pypy3.9", "3.9\n"])
def test_what_is_not_offered(mirror, minor):
    with pytest.raises(Incomplete) as caught:
        mirror().install(minor)
    assert str(caught.value).isprintable()


def test_a_download_that_hangs(tmp_path):
    hanging = tmp_path / "uv"
    hanging.write_text("#!/bin/sh\nexec sleep 60\n")
    hanging.chmod(0o755)
    installer = Installer(hanging, tmp_path / "cache")
    with pytest.raises(Incomplete, match="took more than"):
        installer.install("3.9", seconds=0.3)
    assert installer.known == {}  # it may have been the hurry


def test_one_that_waits_for_another(tmp_path):
    lock = directory_of(tmp_path / "cache") / ".wheelwitness-lock"
    lock.parent.mkdir(parents=True)
    with lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Incomplete, match="another process"):
            Installer(Path("/nowhere"), tmp_path / "cache").install("3.9", seconds=0.5)


@pytest.mark.parametrize("told", ["", "[]", "null", '[{"version": 5}]', '[{"implementation": "cpython"}]'])
def test_a_list_that_is_none(tmp_path, told):
    fake = tmp_path / "uv"
    fake.write_text(f"#!/bin/sh\necho '{told}'\n")
    fake.chmod(0o755)
    installer = Installer(fake, tmp_path / "cache")
    if told == "[]":
        assert installer.offered() == ()
    else:
        with pytest.raises(Incomplete):
            installer.offered()


@pytest.mark.sandbox
@pytest.mark.loopback
@pytest.mark.enable_socket
class TestRebuild:
    """A wheel from a time whose Python is not here, with and without leave to install it."""

    @pytest.fixture
    def rebuild(self, tmp_path, packed):
        released = {"3.13": "2025-06-01", "3.12": "2024-06-01", "3.11": "2023-06-01", "3.10": "2022-06-01"}
        day = released.get(packed.minor)
        if day is None:
            pytest.skip("the interpreter that can be packed is none that the test has a date for")
        others = tuple(one for one in installed() if one.minor != packed.minor)

        def run(**told):
            with serving() as index:
                index.files["demo"] = {WHEEL: wheel_bytes(), SDIST: sdist_bytes()}
                index.times |= {WHEEL: f"{day}T00:00:00Z", SDIST: f"{day}T00:00:00Z"}
                workshop = open_workshop(Settings(f"{index.url}simple/", tmp_path / "cache", **told))
                workshop = replace(workshop, ports=replace(workshop.ports, interpreters=others))
                return workshop.rebuild(TargetName.parse("demo==1.0"), 120)

        return run

    def test_installed(self, rebuild, mirror, packed):
        mirror()
        report = rebuild(install_pythons=True)
        assert result_of(report) == "match"
        assert report.best.recipe.interpreter == packed.name
        assert "nearer" not in report.best.candidate.reasons[-1].because

    def test_not_without_leave(self, rebuild, mirror, packed, tmp_path):
        mirror()
        report = rebuild()
        assert result_of(report) == "match"
        assert report.best.recipe.interpreter != packed.name
        why = next(r.because for r in report.best.candidate.reasons if r.decision.startswith("Python 3"))
        assert f"Python {packed.minor} would be nearer, but is not on this machine" in why
        assert not directory_of(tmp_path / "cache").exists()

    def test_why_not(self, rebuild, mirror, packed):
        mirror(url="file:///nowhere/python.tar.gz")
        report = rebuild(install_pythons=True)
        assert result_of(report) == "match"
        why = next(r.because for r in report.best.candidate.reasons if r.decision.startswith("Python 3"))
        assert (
            f"Python {packed.minor} would be nearer, but could not be installed: uv python install failed"
            in why
        )


@pytest.mark.sandbox
def test_it_runs_in_the_sandbox(mirror, packed, tmp_path):
    found = mirror().install(packed.minor)
    workshop = open_workshop(Settings("http://127.0.0.1:9/simple/", tmp_path / "cache"))
    mounts = workshop.ports.environments.prepare(found, ())
    code = "import platform, ssl, sys; print(platform.python_version())"
    done = workshop.ports.sandbox.run(Job((PYTHON, "-c", code), mounts, variables=found.variables))
    assert done.output.decode().strip() == packed.version, done.log
    shutil.rmtree(tmp_path / "cache")
