"""Installed environments: the record digest of the wheel comes out again, and whatever was changed is found."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.pins.environments import PYTHON, install
from tests.wheels import DIST_INFO, FILES, File, recorded, zip_of
from witness.errors import InputError
from witness.pins.detect import Reading, read_input
from witness.pins.installed import environment_at, read_environment
from witness.pins.pin import Pin
from witness.wheel.reader import read_wheel

ENTRY_POINTS = File(
    f"{DIST_INFO}/entry_points.txt", b"[console_scripts]\ndemo = demo:main\n\n[other]\nx = y\n"
)
DATA = DIST_INFO.removesuffix(".dist-info") + ".data"
LEFT = "A" * 64
NAME = "demo-1.0-py3-none-any.whl"
WHEELS = {
    "pure": FILES,
    "with a script of an entry point": (*FILES, ENTRY_POINTS),
    "with a script": (*FILES, File(f"{DATA}/scripts/demo-run", b"#!python\nprint(1)\n", mode=0o100755)),
    "with a shell script": (*FILES, File(f"{DATA}/scripts/demo.sh", b"#!/bin/sh\necho 1\n", mode=0o100755)),
    "with a program": (*FILES, File(f"{DATA}/scripts/demo-bin", b"\x7fELF" + bytes(range(256)), mode=0o100755)),
    "with data": (*FILES, File(f"{DATA}/data/share/demo/x.txt", b"x")),
    "with its own installer's files": (*FILES, File("demo/INSTALLER", b"x"), File("demo/direct_url.json", b"{")),
}  # fmt: skip


def wheel(files):
    return zip_of(recorded(files))


def pin_of(installed):
    return Pin(
        installed.project, installed.version, frozenset({LEFT}), installed.origin, record=installed.record
    )


def read(path):
    return read_environment(path, lambda found: [pin_of(item) for item in found])


def installed_by(tool, data, tmp_path):
    """A virtual environment with the wheel `data`, installed by name, as from an index."""
    wheels, environment = tmp_path / "wheels", tmp_path / "venv"
    wheels.mkdir()
    (wheels / NAME).write_bytes(data)
    uv = str(Path(sys.executable).parent / "uv")
    find = ("--no-index", "--find-links", str(wheels), "demo==1.0")
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "UV_"))}
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(environment)], check=True, env=env)
    python = str(environment / "bin" / "python")
    run = {
        "uv": [uv, "pip", "install", "-q", "--offline", "--python", python, *find],
        "uv, with bytecode": [uv, "pip", "install", "-q", "--compile-bytecode", "--python", python, *find],
        "pip": [sys.executable, "-m", "pip", "-q", "--python", python, "install", *find],
    }[tool]
    subprocess.run(run, check=True, capture_output=True, timeout=120, env=env)
    return environment


@pytest.mark.parametrize("tool", ["uv", "uv, with bytecode", "pip"])
@pytest.mark.parametrize("files", WHEELS.values(), ids=WHEELS)
def test_the_wheels_record_digest_comes_out_again(tmp_path, tool, files):
    data = wheel(files)
    pins = read(installed_by(tool, data, tmp_path))
    (pin,) = pins.pins
    assert (pin.project, pin.version) == ("demo", "1.0")
    assert pin.record == read_wheel(data).record_digest
    assert pin.origin.file.endswith(f"{DIST_INFO}/RECORD")
    assert [(item.format, item.version) for item in pins.inputs] == [("environment", "")]
    assert not [entry for entry in pins.unpinned if "_virtualenv" not in entry.reason]


def test_tags_are_those_of_the_wheel(tmp_path):
    install(wheel(FILES), tmp_path)
    seen = []
    read_environment(tmp_path, lambda found: seen.extend(found) or [])
    assert {str(tag) for tag in seen[0].tags} == {"py3-none-any"}


def test_detected_by_its_configuration(tmp_path):
    install(wheel(FILES), tmp_path)
    reading = Reading(find_installed=lambda found: [pin_of(item) for item in found])
    assert len(read_input(str(tmp_path), reading).pins) == 1
    with pytest.raises(InputError, match="no index was given"):
        read_input(str(tmp_path))


def test_a_directory_of_packages(tmp_path):
    install(wheel(FILES), tmp_path / "v")
    assert environment_at(tmp_path / "v" / PYTHON).prefix == tmp_path / "v"
    assert len(read(tmp_path / "v" / PYTHON).pins) == 1
    (tmp_path / "v" / PYTHON).rename(tmp_path / "target")
    assert len(read(tmp_path / "target").pins) == 1


@pytest.mark.parametrize("make", [lambda path: None, Path.mkdir, Path.touch])
def test_where_there_is_none(tmp_path, make):
    make(tmp_path / "x")
    with pytest.raises(InputError, match="no environment"):
        read(tmp_path / "x")


def change(name, content):
    return lambda info: (info.parent / name).write_bytes(content)


def record(edit):
    def do(info):
        path = info / "RECORD"
        path.write_bytes(edit(path.read_bytes()))

    return do


def instead(make):
    def do(info):
        path = info.parent / "demo" / "__init__.py"
        path.unlink()
        make(path)

    return do


def odd_tag(info):
    (info / "WHEEL").write_text("Tag: x\n")
    (info / "RECORD").write_text("")


TAMPERED = {
    "a changed file": (change("demo/__init__.py", b"evil"), "demo/__init__.py is not what RECORD says"),
    "changed METADATA": (change(f"{DIST_INFO}/METADATA", b"x"), "METADATA is not what RECORD says"),
    "a missing file": (instead(lambda path: None), "listed in RECORD, and not there"),
    "a directory": (instead(Path.mkdir), "no regular file"),
    "a pipe": (instead(os.mkfifo), "no regular file"),
    "a device": (instead(lambda path: path.symlink_to("/dev/zero")), "no regular file"),
    "a loop": (instead(lambda path: path.symlink_to(path)), "cannot be read"),
    "no RECORD": (lambda info: (info / "RECORD").unlink(), "it has no RECORD"),
    "a RECORD of another shape": (record(lambda data: b"x\n"), "rows of three"),
    "a RECORD that is no CSV": (record(lambda data: b'"x'), "RECORD cannot be read"),
    "a RECORD that is no text": (record(lambda data: b"\xff"), "its RECORD cannot be read"),
    "a path outside": (record(lambda data: data + b"../../../../x,sha256=x,1\n"), "outside of the environment"),
    "an absolute path": (record(lambda data: data + b"/etc/passwd,,\n"), "outside of the environment"),
    "a path with NUL": (record(lambda data: data + b"x\0,sha256=x,1\n"), "RECORD"),
    "control characters": (record(lambda data: data + b"\x1b[31m,sha256=x,1\n"), "\\x1b[31m is listed"),
    "an odd hash": (record(lambda data: data.replace(b"sha256=", b"md5=")), "is not what RECORD says"),
    "a direct_url.json that is none": (change(f"{DIST_INFO}/direct_url.json", b"{"), "direct_url.json cannot be read"),
    "a tag that is none": (odd_tag, "a tag that is none"),
    "a version that is none": (lambda info: info.rename(info.parent / "demo-one.dist-info"), "demo"),
}  # fmt: skip


@pytest.mark.parametrize(("tamper", "problem"), TAMPERED.values(), ids=TAMPERED)
def test_what_was_changed_is_an_error(tmp_path, tamper, problem):
    tamper(install(wheel(FILES), tmp_path))
    pins = read(tmp_path)
    assert not pins.pins
    entry = pins.unpinned[0]
    assert entry.kind == "error"
    assert problem in f"{entry.text} {entry.reason}"
    assert "\x1b" not in f"{entry.text} {entry.reason}"


DIRECT = {
    b'{"url": "https://git.example/x", "vcs_info": {"vcs": "git", "commit_id": "0"}}': "version control",
    b'{"url": "file:///x", "dir_info": {"editable": true}}': "directory",
    b'{"url": "file:///x/demo-1.0-py3-none-any.whl", "archive_info": {}}': "path or URL",
    b'{"url": "https://x.example/demo.whl", "archive_info": {"hashes": {"sha256": "0"}}}': "path or URL",
    b"[]": "path or URL",
}


@pytest.mark.parametrize(("direct_url", "reason"), DIRECT.items(), ids=DIRECT.values())
def test_what_is_from_no_index(tmp_path, direct_url, reason):
    install(wheel(FILES), tmp_path, more={f"{DIST_INFO}/direct_url.json": direct_url})
    (entry,) = read(tmp_path).unpinned
    assert (entry.text, entry.kind) == ("demo==1.0", "not-applicable")
    assert reason in entry.reason


def test_eggs_and_files_of_nobody(tmp_path):
    info = install(wheel(FILES), tmp_path)
    (info.parent / "old-1.0.egg-info").mkdir()
    (info.parent / "sitecustomize.py").write_text("evil")
    (info.parent / "demo" / "more\x1b.py").write_text("evil")
    (info.parent / "demo" / "__pycache__").mkdir()
    (info.parent / "demo" / "__pycache__" / "x.cpython-312.pyc").write_bytes(b"")
    pins = read(tmp_path)
    assert len(pins.pins) == 1
    assert [(entry.text, entry.kind) for entry in pins.unpinned] == [
        ("old-1.0.egg-info", "not-applicable"),
        ("2 files more", "not-applicable"),
    ]
    assert "such as more\\x1b.py, sitecustomize.py" in pins.unpinned[1].reason


def test_a_file_added_to_the_record_changes_the_digest(tmp_path):
    info = install(wheel(FILES), tmp_path, more={"demo/evil.py": b"evil"})
    (pin,) = read(tmp_path).pins
    assert pin.record != read_wheel(wheel(FILES)).record_digest
    assert info.exists()
