"""A wheel that was tampered with, or an sdist that was made to excuse it: none of these is a match."""

from dataclasses import replace

import pytest

from rebuilders.facts.sdist import read_sdist
from rebuilders.static.check import check
from tests.static_pairs import FLIT, HONEST, INIT, MAIN, METADATA, SCRIPTS, SETUPTOOLS, WHEEL, about, moved
from tests.unit.static.test_follows import (
    AWAY,
    EGG,
    HATCH,
    NSPKG,
    NSPKG_TOP,
    SCRIPT,
    SPACES,
    metadata,
    setup_py,
)
from tests.wheels import FILENAME, File, zip_of
from witness.errors import Malformed
from witness.names import WheelName
from witness.wheel.reader import read_wheel

EVIL = b"import os\nos.system('evil')\n"
BASE = {"pyproject.toml": SETUPTOOLS}


def swapped(one, other):
    return HONEST.wheel_with({one: HONEST.wheel[other], other: HONEST.wheel[one]})


# (the pair, the member that is named, the reason)
ATTACKS = {
    # the payload
    "a module changed": (HONEST.wheel_with({"demo/main.py": EVIL}), "demo/main.py", "other-content"),
    "a module changed, size kept": (
        HONEST.wheel_with({"demo/main.py": MAIN.replace(b"1", b"2")}), "demo/main.py", "other-content"),
    "a module added": (HONEST.wheel_with({"demo/evil.py": EVIL}), "demo/evil.py", "not-in-sdist"),
    "two modules swapped": (swapped("demo/__init__.py", "demo/main.py"), "demo/main.py", "other-content"),
    "a test moved over a module": (
        HONEST.wheel_with({"demo/main.py": b"raise SystemExit\n"}), "demo/main.py", "other-content"),
    "a test moved into the package": (
        HONEST.wheel_with({"demo/evil.py": b"raise SystemExit\n"}), "demo/evil.py", "not-in-sdist"),
    "a module from the documentation": (HONEST.wheel_with({"conf.py": b"x = 1\n"}), "conf.py", "not-in-sdist"),
    "the tests as a package": (
        HONEST.wheel_with({"tests/test_main.py": b"raise SystemExit\n"}), "tests/test_main.py", "unexpected-at-top"),
    "setup.py as a module": (
        HONEST.wheel_with({"setup.py": HONEST.sdist["setup.py"]}), "setup.py", "unexpected-at-top"),
    "a module of the sdist's top, nothing declared": (
        HONEST.wheel_with({"sitecustomize.py": b"1\n"}).sdist_with(
            {"sitecustomize.py": b"1\n", "pyproject.toml": HATCH, "demo.egg-info/top_level.txt": None}),
        "sitecustomize.py", "unexpected-at-top"),
    "a file for setup at the wheel's top": (
        HONEST.wheel_with({"PKG-INFO": METADATA}), "PKG-INFO", "unexpected-at-top"),
    "the tests as a package, nothing declared": (
        HONEST.wheel_with({"tests/test_main.py": b"raise SystemExit\n"}).sdist_with(
            {"pyproject.toml": HATCH + b"# tests\n", "demo.egg-info/top_level.txt": None}),
        "tests/test_main.py", "unexpected-at-top"),
    "another directory of the sdist's top, nothing declared": (
        HONEST.wheel_with({"helper/x.py": b"1\n"}).sdist_with(
            {"helper/x.py": b"1\n", "pyproject.toml": HATCH, "demo.egg-info/top_level.txt": None}),
        "helper/x.py", "unexpected-at-top"),
    "nothing at all": (
        HONEST.wheel_with({"demo/main.py": None, "demo/__init__.py": None, about("top_level.txt"): None}),
        "demo", "left-out"),
    "nothing at all, nothing declared": (
        moved("src/").sdist_with({"demo.egg-info/top_level.txt": None}).wheel_with(
            {"demo/main.py": None, "demo/__init__.py": None, about("top_level.txt"): None}),
        "demo", "left-out"),
    "another case": (
        HONEST.wheel_with({"demo/main.py": None, "demo/Main.py": MAIN}), "demo/Main.py", "not-in-sdist"),
    "another case of the package": (
        HONEST.wheel_with({"Demo/main.py": MAIN}), "Demo/main.py", "not-in-sdist"),
    "two names that collide": (
        HONEST.wheel_with({"demo/MAIN.py": MAIN}).sdist_with({"demo/MAIN.py": MAIN}),
        "demo/main.py", "published-colliding-name"),
    "an exec bit": (
        HONEST.wheel_with({}, executable=frozenset({"demo/main.py"})), "demo/main.py", "executable-bit"),
    "an exec bit on METADATA": (
        HONEST.wheel_with({}, executable=frozenset({about("METADATA")})), about("METADATA"), "executable-bit"),
    "a module left out": (HONEST.wheel_with({"demo/main.py": None}), "demo/main.py", "left-out"),
    "compiled code beside its module": (
        HONEST.wheel_with({"demo/__pycache__/main.cpython-311.pyc": b"\0"}),
        "demo/__pycache__/main.cpython-311.pyc", "not-in-sdist"),
    "a line end changed": (
        HONEST.wheel_with({"demo/main.py": MAIN.replace(b"\n", b"\r\n")}), "demo/main.py", "other-content"),
    "an empty module added": (
        HONEST.wheel_with({"demo/evil/__init__.py": b""}), "demo/evil/__init__.py", "not-in-sdist"),
    # .pth files
    "a .pth file": (HONEST.wheel_with({"evil.pth": b"import os\n"}), "evil.pth", "pth-file"),
    "a .pth file that the sdist has": (
        HONEST.wheel_with({"demo.pth": b"import os\n"}).sdist_with({"demo.pth": b"import os\n"}),
        "demo.pth", "pth-file"),
    "a .pth file below src": (
        moved("src/").wheel_with({"demo.pth": b"import os\n"}).sdist_with({"src/demo.pth": b"import os\n"}),
        "demo.pth", "pth-file"),
    "a namespace file with more in it": (
        HONEST.wheel_with({NSPKG: NSPKG_TOP + b"import evil\n"}).sdist_with(SPACES), NSPKG, "pth-file"),
    "a namespace file with other code": (
        HONEST.wheel_with({NSPKG: NSPKG_TOP.replace(b"mp.append(p)", b"evil(p)")}).sdist_with(SPACES),
        NSPKG, "pth-file"),
    "a namespace file with a mark in it": (
        HONEST.wheel_with({NSPKG: NSPKG_TOP.replace(b"'demo'", b"%p")}).sdist_with(SPACES), NSPKG, "pth-file"),
    "a namespace file and another module of the package": (
        HONEST.wheel_with({NSPKG: NSPKG_TOP, "demo/__init__.py": EVIL}).sdist_with(SPACES),
        "demo/__init__.py", "other-content"),
    "a namespace file and a module left out": (
        HONEST.wheel_with({NSPKG: NSPKG_TOP, "demo/main.py": None}).sdist_with(SPACES),
        "demo/main.py", "left-out"),
    "a namespace file that nothing declares": (HONEST.wheel_with({NSPKG: NSPKG_TOP}), NSPKG, "pth-file"),
    "a namespace file under another name": (
        HONEST.wheel_with({"evil-nspkg.pth": NSPKG_TOP}).sdist_with(SPACES), "evil-nspkg.pth", "pth-file"),
    # places of the sdist
    "a package anywhere in the sdist": (moved("tools/vendored/"), "demo/main.py", "not-in-sdist"),
    "a package among the tests": (
        moved("tests/data/").sdist_with({"setup.py": b"# tests/data\n"}), "demo/main.py", "not-in-sdist"),
    "a package in the top and in src": (
        moved("src/").sdist_with({"demo/__init__.py": INIT, "demo/main.py": EVIL}), "demo/main.py", "ambiguous-place"),
    "a package beside the declared one": (
        HONEST.sdist_with({**setup_py("package_dir={'': 'python'}"), "python/demo/__init__.py": INIT,
                           "python/demo/main.py": EVIL}),
        "demo/main.py", "other-content"),
    "two roots that both have everything": (
        moved("a/").sdist_with({**setup_py("'a', 'b'"), "b/demo/__init__.py": INIT, "b/demo/main.py": MAIN}),
        "demo/main.py", "not-in-sdist"),
    "a declared place outside of the sdist": (
        moved("x/").sdist_with(setup_py("package_dir={'': '../x'}")), "demo/main.py", "not-in-sdist"),
    # METADATA
    "a requirement changed": (
        metadata(METADATA.replace(b"left-pad", b"evil-pad"), METADATA), about("METADATA"), "not-as-pkg-info-says"),
    "a requirement added": (
        metadata(METADATA.replace(b"\n\n", b"\nRequires-Dist: evil\n\n"), METADATA),
        about("METADATA"), "not-as-pkg-info-says"),
    "a requirement left away": (
        metadata(METADATA.replace(b"Requires-Dist: left-pad>=1\n", b""), METADATA),
        about("METADATA"), "not-as-pkg-info-says"),
    "a requirement without its marker": (
        metadata(METADATA, METADATA.replace(b"Requires-Dist: left-pad>=1\n", b""),
                 requires='[:os_name == "nt"]\nleft-pad>=1\n'), about("METADATA"), "not-as-pkg-info-says"),
    "a requirement that no file declares": (
        metadata(METADATA, METADATA.replace(b"Requires-Dist: left-pad>=1\n", b"")),
        about("METADATA"), "not-as-pkg-info-says"),
    "an index in a requirement": (
        metadata(METADATA.replace(b"left-pad>=1", b"left-pad @ https://evil.example/x.whl"), METADATA),
        about("METADATA"), "not-as-pkg-info-says"),
    "another description": (
        metadata(METADATA + b"Install evil.\n", METADATA), about("METADATA"), "not-as-pkg-info-says"),
    "a carriage return in a field": (
        metadata(METADATA.replace(b"left", b"le\rft"), METADATA), about("METADATA"), "not-as-pkg-info-says"),
    "lone carriage returns": (
        metadata(METADATA.replace(b"\n", b"\r\r\n"), METADATA.replace(b"\n", b"\r\n")),
        about("METADATA"), "not-as-pkg-info-says"),
    "another project's METADATA in both": (
        replace(HONEST, filename="other-1.0-py3-none-any.whl"), "demo-1.0.dist-info", "not-as-the-name-says"),
    "another version in both METADATA": (
        metadata(*[METADATA.replace(b"Version: 1.0", b"Version: 2.0")] * 2),
        "demo-1.0.dist-info", "not-as-the-name-says"),
    "a description twice": (
        metadata(b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nDescription: A demo.\n\nInstall evil.\n",
                 b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n\nA demo.\n"),
        about("METADATA"), "not-as-pkg-info-says"),
    "another value first": (
        metadata(METADATA.replace(b"\n\n", b"\nRequires-Python: >=2\nRequires-Python: >=3\n\n"),
                 METADATA.replace(b"\n\n", b"\nRequires-Python: >=3\nRequires-Python: >=2\n\n")),
        about("METADATA"), "not-as-pkg-info-says"),
    "more requirements than anyone has": (
        metadata(METADATA.replace(b"\n\n", b"\nRequires-Dist: a\n\n") + b"x",
                 METADATA.replace(b"\n\n", b"\nRequires-Dist: a\n" * 6000 + b"\n")),
        about("METADATA"), "not-as-pkg-info-says"),
    "no PKG-INFO": (HONEST.sdist_with({"PKG-INFO": None}), about("METADATA"), "not-as-pkg-info-says"),
    # the rest of .dist-info
    "an entry point added": (
        HONEST.wheel_with({about("entry_points.txt"): HONEST.wheel[about("entry_points.txt")] + b"pip = evil:run\n"}),
        about("entry_points.txt"), "not-as-declared"),
    "an entry point changed": (
        HONEST.wheel_with({about("entry_points.txt"): b"[console_scripts]\ndemo = demo.main:evil\n"}),
        about("entry_points.txt"), "not-as-declared"),
    "an entry point twice": (
        HONEST.wheel_with({about("entry_points.txt"): HONEST.wheel[about("entry_points.txt")] + b"demo = evil:run\n"}),
        about("entry_points.txt"), "not-as-declared"),
    "an entry point on a second line": (
        HONEST.wheel_with({about("entry_points.txt"): b"[console_scripts]\ndemo = demo.main:run\n  evil\n"}),
        about("entry_points.txt"), "not-as-declared"),
    "an entry point in another group": (
        HONEST.wheel_with({about("entry_points.txt"): b"[pytest11]\ndemo = demo.main:run\n"}),
        about("entry_points.txt"), "not-as-declared"),
    "an entry point behind a semicolon": (
        HONEST.wheel_with({about("entry_points.txt"): HONEST.wheel[about("entry_points.txt")] + b"; x = evil:run\n"}),
        about("entry_points.txt"), "not-as-declared"),
    "a group of entry points twice": (
        HONEST.wheel_with(
            {about("entry_points.txt"): b"[console_scripts]\n" + HONEST.wheel[about("entry_points.txt")]}),
        about("entry_points.txt"), "not-as-declared"),
    "a name of an entry point with a colon": (
        HONEST.wheel_with({about("entry_points.txt"): b"[console_scripts]\na:b = demo.main:run\n"}),
        about("entry_points.txt"), "not-as-declared"),
    "entry points that the egg-info excuses": (
        HONEST.wheel_with({about("entry_points.txt"): b"[console_scripts]\npip = evil:run\n"}).sdist_with(
            {f"{EGG}entry_points.txt": b"[console_scripts]\npip = evil:run\n"}),
        about("entry_points.txt"), "not-as-declared"),
    "entry points left out": (
        HONEST.wheel_with({about("entry_points.txt"): None}), about("entry_points.txt"), "left-out"),
    "a license swapped": (
        HONEST.wheel_with({about("licenses/LICENSE"): b"Another.\n"}), about("licenses/LICENSE"), "not-in-sdist"),
    "a file among the licenses": (
        HONEST.wheel_with({about("licenses/evil.py"): EVIL}), about("licenses/evil.py"), "not-in-sdist"),
    "a license from elsewhere in the sdist": (
        HONEST.wheel_with({about("LICENSE"): b"B\n"}).sdist_with({"x/LICENSE": b"B\n"}),
        about("LICENSE"), "not-in-sdist"),
    "a wrong RECORD": (
        replace(HONEST, record=False).wheel_with({about("RECORD"): b"demo/main.py,,\n"}),
        about("RECORD"), "record-wrong"),
    "no RECORD": (replace(HONEST, record=False), about("RECORD"), "absent"),
    "no WHEEL": (HONEST.wheel_with({about("WHEEL"): None}), about("WHEEL"), "absent"),
    "a control character in WHEEL": (
        HONEST.wheel_with({about("WHEEL"): WHEEL.replace(b"75.0.0)", b"75.0.0)\x0cRoot-Is-Purelib: false")}),
        about("WHEEL"), "not-as-the-name-says"),
    "other tags": (
        HONEST.wheel_with({about("WHEEL"): WHEEL.replace(b"py3-none-any", b"py2-none-any")}),
        about("WHEEL"), "not-as-the-name-says"),
    "a second tag": (
        HONEST.wheel_with({about("WHEEL"): WHEEL.replace(b"\n\n", b"\nTag: py2-none-any\n\n")}),
        about("WHEEL"), "not-as-the-name-says"),
    "no pure wheel": (
        HONEST.wheel_with({about("WHEEL"): WHEEL.replace(b"true", b"false")}), about("WHEEL"), "not-as-the-name-says"),
    "purelib twice": (
        HONEST.wheel_with({about("WHEEL"): WHEEL.replace(b"\n\n", b"\nRoot-Is-Purelib: false\n\n")}),
        about("WHEEL"), "not-as-the-name-says"),
    "another field in WHEEL": (
        HONEST.wheel_with({about("WHEEL"): WHEEL.replace(b"\n\n", b"\nInstall-Hook: evil\n\n")}),
        about("WHEEL"), "not-as-the-name-says"),
    "a build number of its own": (
        HONEST.wheel_with({about("WHEEL"): WHEEL.replace(b"\n\n", b"\nBuild: 9\n\n")}),
        about("WHEEL"), "not-as-the-name-says"),
    "a top-level name that nothing has": (
        HONEST.wheel_with({about("top_level.txt"): b"demo\nevil\n"}), about("top_level.txt"), "not-as-the-members-are"),
    "a signature": (HONEST.wheel_with({about("RECORD.jws"): b"{}"}), about("RECORD.jws"), "not-known"),
    "an address to install from": (
        HONEST.wheel_with({about("direct_url.json"): b"{}"}), about("direct_url.json"), "not-known"),
    "zip-safe with something in it": (HONEST.wheel_with({about("zip-safe"): EVIL}), about("zip-safe"), "other-content"),
    # .data
    "a script changed": (
        HONEST.wheel_with({SCRIPT: EVIL}).sdist_with({"bin/run": b"#!/bin/sh\n", **setup_py("scripts=['bin/run']")}),
        SCRIPT, "script-not-declared"),
    "a script of Python changed below its first line": (
        HONEST.wheel_with({SCRIPT: b"#!python\nevil\n"}).sdist_with(
            {"bin/run": b"#!/usr/bin/python\nx\n", **setup_py("scripts=['bin/run']")}), SCRIPT, "script-not-declared"),
    "another interpreter": (
        HONEST.wheel_with({SCRIPT: b"#!python\nx\n"}).sdist_with(
            {"bin/run": b"#!/bin/sh\nx\n", **setup_py("scripts=['bin/run']")}), SCRIPT, "script-not-declared"),
    "options of the interpreter": (
        HONEST.wheel_with({SCRIPT: b"#!python -c evil\nx\n"}).sdist_with(
            {"bin/run": b"#!/usr/bin/python\nx\n", **setup_py("scripts=['bin/run']")}), SCRIPT, "script-not-declared"),
    "a script that is not declared": (
        HONEST.wheel_with({SCRIPT: b"#!/bin/sh\n"}).sdist_with({"bin/run": b"#!/bin/sh\n"}),
        SCRIPT, "script-not-declared"),
    "a script beside the declared ones": (
        HONEST.wheel_with({SCRIPT: b"#!/bin/sh\n"}).sdist_with(
            {"bin/run": b"#!/bin/sh\n", "bin/x": b"", **setup_py("scripts=['bin/x']")}),
        SCRIPT, "script-not-declared"),
    "a module by way of .data": (
        HONEST.wheel_with({"demo-1.0.data/purelib/evil.py": EVIL}),
        "demo-1.0.data/purelib/evil.py", "data-not-declared"),
    "a module by way of another's .data": (
        HONEST.wheel_with({"Other.data/purelib/os.py": EVIL}).sdist_with(
            {"Other.data/purelib/os.py": EVIL, "demo.egg-info/top_level.txt": None}),
        "Other.data/purelib/os.py", "data-not-declared"),
    "a module of the sdist by way of .data": (
        HONEST.wheel_with({"demo-1.0.data/purelib/demo/main.py": MAIN}),
        "demo-1.0.data/purelib/demo/main.py", "data-not-declared"),
    "a data file that nothing declares": (
        HONEST.wheel_with({"demo-1.0.data/data/etc/profile": b"x\n"}).sdist_with({"etc/profile": b"x\n"}),
        "demo-1.0.data/data/etc/profile", "data-not-declared"),
    "a data file to another place": (
        HONEST.wheel_with({"demo-1.0.data/data/bin/sh": b"x\n"}).sdist_with(
            {"sh": b"x\n", **setup_py("data_files=[('share', ['sh'])]")}),
        "demo-1.0.data/data/bin/sh", "data-not-declared"),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_no_match(attack):
    pair, path, reason = attack
    checked = pair.check()
    assert checked.result != "match"
    assert checked.level is None
    assert (path, reason) in {(item.path, item.reason) for item in checked.open}


@pytest.mark.parametrize(
    "attack",
    [
        HONEST.sdist_with({}, links={"demo/main.py": "../tests/test_main.py"}),
        HONEST.sdist_with({}, links={"demo": "evil"}),
        HONEST.sdist_with({"demo/./main.py": EVIL}),
        HONEST.sdist_with({"demo//main.py": EVIL}),
        HONEST.sdist_with({}, links={"x/../demo": "evil"}),
    ],
)
def test_an_sdist_that_may_be_unpacked_in_two_ways(attack):
    with pytest.raises(Malformed):
        attack.check()


def test_there_are_enough_of_them():
    assert len(ATTACKS) >= 25
    assert HONEST.check().result == "match"


def test_what_another_reader_of_the_archive_might_see():
    wheel = read_wheel(zip_of([File(path, data) for path, data in HONEST.wheel.items()], comment=b"x"))
    sdist = read_sdist(HONEST.sdist_bytes, "demo-1.0.tar.gz", "0" * 64)
    checked = check(wheel, WheelName.parse(FILENAME), sdist)
    assert ("", "published-archive-comment") in {(item.path, item.reason) for item in checked.open}


HOSTILE = {
    "setup.py, deep": {"setup.py": b"x=" + b"-" * 100_000 + b"1\nsetup()\n"},
    "setup.py, brackets": {"setup.py": b"(" * 5000},
    "setup.py, attributes": {"setup.py": b"setup(x" + b".a" * 60_000 + b")\n"},
    "setup.py, bytes": {"setup.py": b"\xff\0"},
    "setup.py, a number": {"setup.py": b"setup(x=" + b"9" * 10_000 + b")\n"},
    "setup.py, other types": setup_py(
        "package_dir=[1], scripts={}, data_files=[1, ('x',), (1, 2)], entry_points=[1], **{1: 2}"
    ),
    "setup.py, twice": {"setup.py": b"setup()\nsetup(package_dir={'': 'x'})\n"},
    "setup.cfg": {"setup.cfg": b"[options\n"},
    "setup.cfg, twice": {"setup.cfg": b"[options]\nscripts=a\n[options]\n"},
    "tables of other types": {
        "pyproject.toml": SETUPTOOLS + b'project = 1\n[tool]\nsetuptools = []\n[tool.hatch]\nbuild = ["x"]\n'
    },
    "hatch, other types": {
        "pyproject.toml": HATCH
        + b'[tool.hatch.build]\nsources = 1\npackages = {a = 1}\nforce-include = ["x"]\n'
    },
    "poetry, other types": {
        "pyproject.toml": b'[build-system]\nrequires = []\nbuild-backend = "poetry.core"\n[tool.poetry]\n'
        b'packages = ["x", {include = 1, from = 2}]\nscripts = [1]\n'
    },
    "flit, other types": {"pyproject.toml": FLIT + b"[tool.flit]\nmodule = 1\nscripts = 2\nmetadata = []\n"},
    "egg-info": {"demo.egg-info/top_level.txt": b"\xff\xfe", "demo.egg-info/requires.txt": b"\xff["},
    "setup.py, names": {"setup.py": b"".join(b"a%d=1\n" % n for n in range(20_000)) + b"setup()\n"},
    "namespaces": {"demo.egg-info/namespace_packages.txt": b"a." * 100_000 + b"a\n"},
    "places": setup_py(
        f"package_dir={{str(x): 'x' for x in ()}}, **{ ({f'p{n}': 'x' for n in range(1000)})!r}"
    ),
    "places written out": setup_py(f"package_dir={ {f'p{n}': 'tests' for n in range(5000)}!r}"),
    "PKG-INFO": {"PKG-INFO": b"\xff"},
    "PKG-INFO, no fields": {"PKG-INFO": b"\n\n\n"},
    "PKG-INFO, a version": {"PKG-INFO": METADATA.replace(b"2.1", b"9" * 5000)},
    "PKG-INFO, a requirement": {"PKG-INFO": METADATA.replace(b"left-pad>=1", b"\x1b[2J")},
    "PKG-INFO, a nested marker": {
        "PKG-INFO": METADATA.replace(
            b"left-pad>=1", b"left-pad; " + b"(" * 3000 + b"os_name == 'nt'" + b")" * 3000
        )
    },
    "PKG-INFO, a long number": {"PKG-INFO": METADATA.replace(b">=1", b">=" + b"9" * 5000)},
    "pyproject.toml, a nested marker": {
        "pyproject.toml": FLIT.replace(
            b"flit_core>=3", b"flit_core; " + b"(" * 3000 + b"os_name == 'nt'" + b")" * 3000
        )
    },
    "requires.txt": {"demo.egg-info/requires.txt": b"[:]]\n[a:b:c]\nx;y;z\n[" + b"(" * 1000 + b"\n"},
}


@pytest.mark.parametrize("files", HOSTILE.values(), ids=HOSTILE)
def test_hostile_declarations_are_survived(files):
    """And excuse nothing: the changed module stays open whatever they say."""
    checked = HONEST.sdist_with(files).wheel_with({"demo/main.py": EVIL}).check()
    assert checked.result in ("not-attempted", "mismatch")
    assert "demo/main.py" in {item.path for item in checked.open}


HOSTILE_WHEEL = {
    about("entry_points.txt"): b"[\xff",
    about("WHEEL"): b"\xff\xfe",
    about("METADATA"): METADATA.replace(b"Version: 1.0", b"Version: " + b"9" * 5000),
    about("top_level.txt"): b"\xff",
    about("licenses/x"): b"",
}


@pytest.mark.parametrize("path", HOSTILE_WHEEL)
def test_hostile_members_are_survived(path):
    checked = HONEST.wheel_with({path: HOSTILE_WHEEL[path]}).check()
    assert checked.result != "match"
    assert path in {item.path for item in checked.open}


@pytest.mark.parametrize("tag", ["x", "-", "py3-none-any-any", "py3-none", ""])
def test_hostile_tags(tag):
    pair = HONEST.wheel_with({about("WHEEL"): WHEEL.replace(b"py3-none-any", tag.encode())})
    assert pair.check().result == "not-attempted"


def test_a_declared_package_does_not_excuse_an_undeclared_one():
    pair = HONEST.sdist_with(
        {
            **BASE,
            **AWAY,
            "x/demo/main.py": MAIN,
            "x/demo/__init__.py": INIT,
            **setup_py("package_dir={'demo': 'x/demo'}"),
        }
    )
    assert "demo/main.py" not in {item.path for item in pair.check().open}
    other = pair.wheel_with({"demo2/x.py": EVIL}).sdist_with(
        {"x/demo2/x.py": EVIL, f"{EGG}top_level.txt": b"demo\ndemo2\n"}
    )
    assert "demo2/x.py" in {item.path for item in other.check().open}


def test_scripts_of_a_project_are_read_even_if_another_table_has_none():
    assert SCRIPTS.startswith(b"[project]")
    assert HONEST.wheel_with({about("entry_points.txt"): b""}).check().result == "not-attempted"
