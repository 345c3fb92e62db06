"""Sdists whose archive attacks whoever unpacks it. Nothing is unpacked outside the sandbox, and nothing is written there."""
# ruff: noqa: E501 - a row of a table is a line

import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
import zipfile
import zlib
from dataclasses import replace

import pytest

from rebuilders.config import Settings
from rebuilders.result import to_json
from rebuilders.text import rendered
from rebuilders.wiring import open_workshop
from tests.releases import BACKEND, PYPROJECT, WHEEL, Publisher, member, sdist_bytes, wheel_bytes
from witness.names import TargetName

pytestmark = pytest.mark.sandbox

TOP = "demo-1.0"
LINK, HARD, FIFO, DEVICE, DIRECTORY = (
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.FIFOTYPE,
    tarfile.BLKTYPE,
    tarfile.DIRTYPE,
)


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Of the program: a cache and a home of its own."""
    kept = {name: os.environ[name] for name in ("PATH", "PYENV_ROOT") if name in os.environ}
    return {
        **kept,
        "HOME": str(tmp_path_factory.mktemp("home")),
        "PYTHONUTF8": "1",
        "WHEELWITNESS_CACHE": str(tmp_path_factory.mktemp("cache")),
        "WHEELWITNESS_INDEX": "http://127.0.0.1:9/simple/",
    }


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    opened = open_workshop(
        Settings(index="http://127.0.0.1:9/simple/", cache=tmp_path_factory.mktemp("cache"))
    )
    return replace(opened, ports=replace(opened.ports, interpreters=opened.ports.interpreters[:1]))


@pytest.fixture
def publisher(tmp_path):
    return Publisher(tmp_path / "releases")


@pytest.fixture
def rebuild(workshop, tmp_path):
    """Rebuilds a release: its JSON, after checking that nothing was left."""

    def run(release):
        before = sorted(tmp_path.rglob("*"))
        report = workshop.rebuild_files(release.wheel, release.sdist, 60)
        assert release.processes() == []
        assert sorted(tmp_path.rglob("*")) == before
        name = TargetName.parse(WHEEL)
        assert rendered(report, name).replace("\n", "").isprintable()
        return json.loads(json.dumps(to_json(report, name)))

    return run


def program(release, environment, *options):
    """Runs `rebuilder rebuild` on a release."""
    argv = [sys.executable, "-c", "from rebuilders.cli.main import main; main()", "rebuild", *options]
    argv += [str(release.wheel), "--sdist", str(release.sdist), "--timeout", "60"]
    done = subprocess.run(
        argv, capture_output=True, text=True, encoding="utf-8", env=environment, timeout=90, check=False
    )
    assert done.stderr == ""
    return done


def where(value):
    return value["result"], value["failure"] and (value["failure"]["phase"], value["failure"]["cause"])


def bomb(size):
    """A gzip file that holds more than `size` bytes, and is cut short after them."""
    state = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    mebibyte = state.compress(bytes(1 << 20)) + state.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08" + bytes(7) + mebibyte * (1 + (size >> 20))


def many(count):
    """An sdist of as many empty files."""
    block = bytearray(tarfile.TarInfo(f"{TOP}/{0:07}").tobuf(tarfile.USTAR_FORMAT))
    plain = io.BytesIO()
    at, digits, sums = len(TOP) + 1, 7, slice(148, 156)
    for number in range(count):
        block[at : at + digits] = b"%07d" % number
        block[sums] = b" " * 8
        block[sums] = b"%06o\0 " % sum(block)
        plain.write(block)
    return gzip.compress(plain.getvalue() + bytes(1024), 1)


def test_an_honest_one(publisher, environment):
    assert program(publisher.release(), environment).returncode == 0


def test_a_wheel_with_something_added(publisher, environment):
    release = publisher.release(wheel=wheel_bytes('\nMEMBERS["evil.py"] = b"import os\\n"\n'))
    done = program(release, environment, "--json")
    value = json.loads(done.stdout)
    assert (done.returncode, where(value)) == (1, ("mismatch", None))
    assert "evil.py" in {difference["path"] for difference in value["differences"]}


MALFORMED = {
    "traversal": sdist_bytes(after=(member("d/../../../../evil", b"x"),)),
    "absolute": sdist_bytes(after=(member("/tmp/evil", b"x"),)),
    "two tops": sdist_bytes(after=(member("other/evil", b"x"),)),
    "PAX path": sdist_bytes(after=(member("d/x", b"x", pax_headers={"path": "../../evil"}),)),
    "PAX size": sdist_bytes(after=(member("d/x", b"x" * 600, pax_headers={"size": "-600"}),)),
    "PAX time not a number": sdist_bytes(after=(member("demo-1.0/x", b"x", pax_headers={"mtime": "nan"}),)),
    "PAX time infinite": sdist_bytes(after=(member("demo-1.0/x", b"x", pax_headers={"mtime": "1e999"}),)),
    "bomb": bomb(520 << 20),
    "no gzip": b"\x1f\x8b" + b"x" * 100,
    "cut": sdist_bytes()[:-20],
    "empty": b"",
    "no tar": gzip.compress(b"x" * 10240),
    "no member": gzip.compress(bytes(10240)),
    "TOML broken": sdist_bytes(pyproject="[build-system"),
    "TOML deep": sdist_bytes(pyproject="a = " + "[" * 50_000),
    "an address": sdist_bytes(pyproject=PYPROJECT.replace("[]", '["x @ https://192.0.2.1/x.whl"]')),
    "no requirement": sdist_bytes(pyproject=PYPROJECT.replace("[]", '["--index-url http://192.0.2.1/"]')),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_refused_unbuilt(publisher, rebuild, name):
    value = rebuild(publisher.release(sdist=MALFORMED[name]))
    assert where(value) == ("not-attempted", ("read", "malformed-sdist"))
    assert value["attempts"] == 0


# What is unpacked inside as far as it goes: the members added, and the result.
ODD = {
    "a link within": ((member(f"{TOP}/x", type=LINK, linkname="backend.py"),), "match"),
    "a hanging link": ((member(f"{TOP}/x", type=LINK, linkname="nowhere"),), "match"),
    "a hard link within": ((member(f"{TOP}/z", b"x"), member(f"{TOP}/x", type=HARD, linkname=f"{TOP}/z"),), "match"),
    "set-uid": ((member(f"{TOP}/x", b"#!/bin/sh\n", mode=0o6777),), "match"),
    "no rights": ((member(f"{TOP}/x", b"x", mode=0), member(f"{TOP}/d", type=DIRECTORY, mode=0)), "match"),
    "a time before time": ((member(f"{TOP}/x", b"x", mtime=-1e12),), "match|build-failed"),
    "a time after time": ((member(f"{TOP}/x", b"x", mtime=1e20),), "build-failed"),
    "a name that is too long": ((member(f"{TOP}/{'x' * 400}", b"x"),), "build-failed"),
    "bytes that are no text": ((member(f"{TOP}/\udcff\x1b[31m", b"x"),), "match"),
    "names that differ by case": ((member(f"{TOP}/X", b"x"), member(f"{TOP}/x", b"y")), "match"),
}  # fmt: skip
# What no two unpackers agree on, or what leads out: the cause that is told.
REFUSED = {
    "a link out": ((member(f"{TOP}/x", type=LINK, linkname="/etc"),), "leads out"),
    "a link up": ((member(f"{TOP}/x", type=LINK, linkname="../../x"),), "leads out"),
    "a link that is written through": ((member(f"{TOP}/x", type=LINK, linkname="."), member(f"{TOP}/x/backend.py", b"x")), "below"),
    "a file that is a directory": ((member(f"{TOP}/x", b"x"), member(f"{TOP}/x/y", b"y")), "below"),
    "a backend replaced by a link": ((member(f"{TOP}/backend.py", type=LINK, linkname="/env/x"),), "twice"),
    "a hard link out": ((member(f"{TOP}/x", type=HARD, linkname="/etc/passwd"),), "unsafe path"),
    "a hard link up": ((member(f"{TOP}/x", type=HARD, linkname="../../etc/passwd"),), "unsafe path"),
    "a hard link to nowhere": ((member(f"{TOP}/x", type=HARD, linkname=f"{TOP}/nowhere"),), "no earlier file"),
    "a configuration by a link": ((member(f"{TOP}/setup.cfg", type=LINK, linkname="backend.py"),), "says how to build"),
    "a pipe": ((member(f"{TOP}/x", type=FIFO),), "neither a file"),
    "a device": ((member(f"{TOP}/x", type=DEVICE, devmajor=8, devminor=0),), "neither a file"),
    "a directory up": ((member("../../evil", type=DIRECTORY),), "unsafe path"),
    "a directory at the root": ((member("/evil", type=DIRECTORY),), "unsafe path"),
    "a sparse file": ((member(f"{TOP}/x", pax_headers={"GNU.sparse.realsize": str(1 << 40)}),), "sparse"),
    "an unknown type": ((member(f"{TOP}/x", b"x", type=b"Z"),), "unknown type"),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_what_is_odd(publisher, rebuild, name):
    members, results = ODD[name]
    value = rebuild(publisher.release(sdist=sdist_bytes(top=TOP, after=members)))
    assert value["result"] in results.split("|")
    if value["failure"]:
        assert value["failure"] == {"phase": "build", "cause": "backend-error"}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_ambiguous(publisher, workshop, name):
    members, told = REFUSED[name]
    release = publisher.release(sdist=sdist_bytes(top=TOP, after=members))
    report = workshop.rebuild_files(release.wheel, release.sdist, 60)
    assert (report.failure.result, report.failure.cause) == ("not-attempted", "malformed-sdist")
    assert told in str(report.failure)


def test_bytes_behind_the_archive(publisher, rebuild):
    for data in (sdist_bytes() + b"x", sdist_bytes() * 2, gzip.compress(gzip.decompress(sdist_bytes()) * 2)):
        assert where(rebuild(publisher.release(sdist=data))) == ("not-attempted", ("read", "malformed-sdist"))


def test_set_uid_is_not_kept(publisher, rebuild):
    check = "\nimport stat\nassert stat.S_IMODE(os.stat('x').st_mode) == 0o777\n"
    sdist = sdist_bytes(BACKEND + check, after=(member(f"{TOP}/x", b"x", mode=0o6777),))
    assert rebuild(publisher.release(sdist=sdist))["result"] == "match"


def test_a_hundred_thousand_members(publisher, rebuild):
    value = rebuild(publisher.release(sdist=many(100_001)))
    assert where(value) == ("not-attempted", ("read", "malformed-sdist"))


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("../evil", 0),
        ("/evil", 0),
        ("demo-1.0/../../evil", 0),
        (f"{TOP}/x", 0o120777),
        (f"{TOP}/x", 0o010644),
    ],
)
def test_zip_sdists(publisher, rebuild, name, mode):
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr(f"{TOP}/pyproject.toml", PYPROJECT)
        archive.writestr(f"{TOP}/backend.py", BACKEND)
        entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
        entry.external_attr = mode << 16
        archive.writestr(entry, "/etc/passwd")
    release = publisher.release(sdist=plain.getvalue())
    zipped = release.sdist.rename(release.sdist.with_name("demo-1.0.zip"))
    value = rebuild(replace(release, sdist=zipped))
    assert where(value) == ("not-attempted", ("read", "malformed-sdist"))


@pytest.mark.parametrize(
    "how",
    [
        "raise ValueError(TEXT)",
        "print(TEXT); os._exit(1)",
        "return TEXT",
        "return TEXT + '/demo-1.0-py3-none-any.whl'",
    ],
)
def test_a_terminal_is_told_nothing_by_the_build(publisher, environment, how):
    text = "\x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m\u202eevil\r"
    code = f"\ndef build_wheel(directory, *_, **__):\n    TEXT = {text!r}\n    {how}\n"
    done = program(publisher.release(code), environment)
    assert done.returncode == 3
    assert all(line.isprintable() for line in done.stdout.split("\n"))
    assert WHEEL in done.stdout
