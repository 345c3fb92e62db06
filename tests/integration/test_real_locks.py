"""What the tools that people use have written, read: tests/fixtures/locks, and uv itself on demand."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from witness.pins.detect import Reading, read_input
from witness.pins.public import PublicIndexes, screened
from witness.pins.target import target_of

LOCKS = Path(__file__).resolve().parent.parent / "fixtures" / "locks"
PUBLIC = PublicIndexes(("https://index.example/simple", "https://files.example/packages"))
SIX = "4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274"
ATTRS = "427318ce031701fea540783410126f03899a97ffc6f61596ad581ac2e40e3bc3"
COLORAMA = "4f1d9991f5acc0ca119f9d443620b77f9d6b33703e51011c16baf57afb285fc6"
MARKUPSAFE = "c0ef13eaeee5b615fb07c9a7dadb38eac06a0608b41570d8ade51c56539e509d"
PURE = {"six": SIX, "attrs": ATTRS, "colorama": COLORAMA}
LINUX = target_of("3.12", "manylinux_2_28_x86_64")
WINDOWS = target_of("3.13", "win_amd64")
# file: format and version, whether files have names, whether it has the package in a directory and colorama
MADE = {
    "uv.lock": ("uv.lock", "1 (revision 5)", True, True, True),
    "pylock.uv.toml": ("pylock.toml", "1.0", True, True, True),
    "requirements.uv.txt": ("requirements", "", False, True, False),
    "uv.cdx.json": ("CycloneDX", "1.5", True, True, True),
    "pylock.pip.toml": ("pylock.toml", "1.0", True, False, False),
    "poetry-1.lock": ("poetry.lock", "2.0", True, False, True),
    "poetry-2.lock": ("poetry.lock", "2.1", True, False, True),
    "pdm.lock": ("pdm.lock", "4.5.0", True, True, True),
    "pdm.static.lock": ("pdm.lock", "4.5.0", True, True, True),
    "Pipfile.lock": ("Pipfile.lock", "6", False, False, True),
    "cyclonedx-1.4.json": ("CycloneDX", "1.4", False, False, True),
    "cyclonedx-1.6.json": ("CycloneDX", "1.6", False, False, True),
    "spdx-uv.json": ("SPDX", "2.3", True, False, False),
    "spdx-poetry.json": ("SPDX", "2.3", False, False, False),
    "spdx-tools.json": ("SPDX", "2.3", True, False, False),
}
ONE_PLATFORM = ("pylock.pip.toml", "spdx-uv.json", "spdx-poetry.json", "spdx-tools.json")
# They do not tell where packages are from: in SPDX what has no address is PyPI's, as package URLs are.
SILENT = ("requirements.uv.txt", "pdm.lock", "spdx-poetry.json")


def read(name, target=None):
    pins = read_input(str(LOCKS / name), Reading(target))
    return screened(pins, PUBLIC)


def test_every_fixture_is_read():
    assert {path.name for path in LOCKS.iterdir()} == {*MADE, "README.md"}


@pytest.mark.parametrize("name", MADE)
def test_what_real_tools_wrote(name):
    format_, version, has_names, has_local, has_colorama = MADE[name]
    pins = read(name)
    (told,) = pins.inputs
    assert (told.format, told.version) == (format_, version)
    digests = {project: set() for project in (*PURE, "markupsafe")}
    for pin in pins.pins:
        digests[pin.project] |= pin.sha256
        line = (LOCKS / name).read_text("utf-8").splitlines()[pin.origin.line - 1]
        assert (min(pin.sha256) in line) if has_names else (pin.project in line or max(pin.sha256) in line)
    for project, digest in PURE.items():
        assert (digest in digests[project]) is (has_colorama or project != "colorama")
    assert (len(digests["markupsafe"]) == 1) is (name in ONE_PLATFORM)
    assert {bool(pin.filename) for pin in pins.pins} == {has_names}
    assert [entry.kind for entry in pins.unpinned] == ["not-applicable"] * has_local


@pytest.mark.parametrize(
    "name", [name for name, made in MADE.items() if made[2] and name not in ONE_PLATFORM]
)
def test_one_environment(name):
    linux = {pin.filename.lower(): pin.sha256 for pin in read(name, LINUX).pins}
    (compiled,) = [file for file in linux if "markupsafe" in file]
    assert compiled == "markupsafe-3.0.2-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl"
    windows = [pin.filename.lower() for pin in read(name, WINDOWS).pins]
    assert "markupsafe-3.0.2-cp313-cp313-win_amd64.whl" in windows
    assert "colorama-0.4.6-py2.py3-none-any.whl" in windows


def test_a_lock_for_one_environment_is_an_error_in_another():
    pins = read("pylock.pip.toml", LINUX)
    assert [(entry.text, entry.kind) for entry in pins.unpinned] == [("markupsafe==3.0.2", "error")]


@pytest.mark.parametrize("name", MADE)
def test_nobody_is_asked_unless_the_index_is_public(name):
    pins = screened(read_input(str(LOCKS / name)), PublicIndexes())
    said = {pin.project for pin in pins.pins}
    assert said == ({"six", "attrs", "markupsafe", "colorama"} & said if name in SILENT else set())
    assert bool(said) == (name in SILENT)


@pytest.mark.network
@pytest.mark.enable_socket
@pytest.mark.parametrize("format_", ["uv.lock", "pylock.toml", "requirements.txt"])
def test_uv_itself(tmp_path, format_):
    uv = shutil.which("uv", path=str(Path(sys.executable).parent))
    assert uv, "uv is of the development environment"
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\nversion = "0"\nrequires-python = ">=3.11"\ndependencies = ["six==1.17.0"]\n'
    )
    run = [uv, "lock"] if format_ == "uv.lock" else [uv, "export", "--format", format_, "-o", format_]
    subprocess.run([*run, "--quiet"], cwd=tmp_path, check=True, timeout=120)
    pins = screened(read_input(str(tmp_path / format_)), PublicIndexes())
    (pin,) = pins.pins
    assert pin.project == "six"
    assert SIX in pin.sha256
    assert not pins.unpinned
