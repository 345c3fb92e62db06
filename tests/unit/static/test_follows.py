"""What follows from an sdist without a build: each kind of derivation, and where it ends."""

import pytest

from rebuilders.static.check import static_rule_set_id
from tests.static_pairs import FLIT, HONEST, MAIN, METADATA, SCRIPTS, SETUPTOOLS, WHEEL, about, moved
from witness.compare.rules.catalogue import rule_set_id

SETUP = "from setuptools import setup\nsetup({})\n"
EGG = "demo.egg-info/"


def setup_py(arguments):
    return {"setup.py": SETUP.format(arguments).encode()}


def pyproject(text, base=SETUPTOOLS + SCRIPTS):
    return {"pyproject.toml": base + text.encode()}


AWAY = {"demo/__init__.py": None, "demo/main.py": None}
HATCH = b'[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n' + SCRIPTS
POETRY = b'[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n' + SCRIPTS
PDM = b'[build-system]\nrequires = ["pdm-backend"]\nbuild-backend = "pdm.backend"\n' + SCRIPTS
UV = b'[build-system]\nrequires = ["uv_build"]\nbuild-backend = "uv_build"\n' + SCRIPTS

# A root below which every member is, named by the configuration of each backend.
PLACES = {
    "the top": HONEST,
    "src": moved("src/"),
    "lib": moved("lib/"),
    "setup.py": moved("python/").sdist_with(setup_py("package_dir={'': 'python'}")),
    "setup.py by a name": moved("python/").sdist_with(
        {
            "setup.py": b"from setuptools import setup\nPLACES = {'demo': './python/demo'}\nsetup(package_dir=PLACES)\n"
        }
    ),
    "setup.cfg": moved("python/").sdist_with({"setup.cfg": b"[options]\npackage_dir =\n    = python\n"}),
    "setuptools' table": moved("python/").sdist_with(
        pyproject('[tool.setuptools]\npackage-dir = {"" = "python"}\n')
    ),
    "hatch, packages": moved("x/y/").sdist_with(
        pyproject('[tool.hatch.build.targets.wheel]\npackages = ["x/y/demo"]\n', HATCH)
    ),
    "hatch, sources": moved("x/").sdist_with(pyproject('[tool.hatch.build]\nsources = ["x"]\n', HATCH)),
    "hatch, renamed": moved("x/").sdist_with(
        pyproject('[tool.hatch.build]\nsources = {"x/demo" = "demo"}\n', HATCH)
    ),
    "hatch, forced": moved("x/").sdist_with(
        pyproject('[tool.hatch.build.targets.wheel.force-include]\n"x/demo" = "demo"\n', HATCH)
    ),
    "poetry": moved("x/").sdist_with(
        pyproject('[tool.poetry]\npackages = [{include = "demo", from = "x"}]\n', POETRY)
    ),
    "pdm": moved("x/").sdist_with(pyproject('[tool.pdm.build]\npackage-dir = "x"\n', PDM)),
    "uv": moved("x/").sdist_with(pyproject('[tool.uv.build-backend]\nmodule-root = "x"\n', UV)),
    "one that a file of the build names": moved("python3/").sdist_with(
        {
            "setup.py": b"import os\nfrom setuptools import setup\nsetup(package_dir={'': os.path.join('python3')})\n"
        }
    ),
}


@pytest.mark.parametrize("pair", PLACES.values(), ids=PLACES)
def test_places(pair):
    checked = pair.check()
    assert checked.open == ()
    assert (checked.result, checked.level) == ("match", "metadata")


SHIPPED = METADATA.replace(b"Requires-Dist: left-pad>=1\n", b"")
OLD = (
    b"Metadata-Version: 1.1\nName: demo\nVersion: 1.0\nDescription: A demo.\n"
    b"        \n          with more\n        of it\n"
)
NEW = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n\nA demo.\n\n  with more\nof it\n"


def metadata(ours, theirs, **egg):
    files = {f"{EGG}{name}.txt": text.encode() for name, text in egg.items()}
    return HONEST.wheel_with({about("METADATA"): ours}).sdist_with({"PKG-INFO": theirs, **files})


NSPKG_TOP = (
    b"import sys, types, os;has_mfs = sys.version_info > (3, 5);p = os.path.join(sys._getframe(1).f_locals['sitedir'], "
    b"*('demo',));importlib = has_mfs and __import__('importlib.util');has_mfs and __import__('importlib.machinery');"
    b"m = has_mfs and sys.modules.setdefault('demo', importlib.util.module_from_spec(importlib.machinery.PathFinder."
    b"find_spec('demo', [os.path.dirname(p)])));m = m or sys.modules.setdefault('demo', types.ModuleType('demo'));"
    b"mp = (m or []) and m.__dict__.setdefault('__path__',[]);(p not in mp) and mp.append(p)\n"
)
NSPKG_BELOW = (
    NSPKG_TOP.replace(b"('demo',)", b"('demo', 'sub')").replace(b"'demo'", b"'demo.sub'")
    .replace(b"('demo.sub', 'sub')", b"('demo', 'sub')")
    .replace(b"\n", b";m and setattr(sys.modules['demo'], 'sub', m)\n")
)  # fmt: skip
SPACES = {f"{EGG}namespace_packages.txt": b"demo\n"}
NSPKG = "demo-1.0-py3.9-nspkg.pth"
SCRIPT = "demo-1.0.data/scripts/run"

OTHERS = {
    "line ends": metadata(METADATA.replace(b"\n", b"\r\n"), METADATA),
    "fields in another order": metadata(
        b"Metadata-Version: 2.1\nVersion: 1.0\nName: demo\nRequires-Dist: left-pad>=1\n\nA demo.\n", METADATA
    ),
    "requirements from requires.txt": metadata(METADATA, SHIPPED, requires="left-pad>=1\n"),
    "extras and markers from requires.txt": metadata(
        METADATA.replace(
            b"Requires-Dist: left-pad>=1\n",
            b'Requires-Dist: a (>=1)\nRequires-Dist: b ; os_name == "nt"\nProvides-Extra: x\n'
            b"Requires-Dist: c ; (os_name == 'nt') and extra == 'x'\nRequires-Dist: d[e] ; extra == 'x'\n",
        ),
        SHIPPED,
        requires='a>=1\n\n[:os_name == "nt"]\nb\n\n[x]\nd[e]\n\n[x:os_name == "nt"]\nc\n',
    ),
    "a description in a field": metadata(NEW, OLD),
    "a name in another case": metadata(METADATA, METADATA.replace(b"Name: demo", b"Name: Demo")),
    "no UNKNOWN": metadata(METADATA, METADATA.replace(b"Requires", b"License: UNKNOWN\nRequires")),
    "entry points of setup.cfg": HONEST.sdist_with(
        {
            "pyproject.toml": SETUPTOOLS,
            "setup.cfg": b"[options.entry_points]\nconsole_scripts =\n    demo = demo.main:run\n",
        }
    ),
    "entry points of setup.py": HONEST.sdist_with(
        {
            "pyproject.toml": SETUPTOOLS,
            **setup_py("entry_points={'console_scripts': ['demo=demo.main : run']}"),
        }
    ),
    "entry points of setup.py as a text": HONEST.sdist_with(
        {"pyproject.toml": SETUPTOOLS, **setup_py("entry_points='[console_scripts]\\ndemo=demo.main:run'")}
    ),
    "entry points of the egg-info": HONEST.sdist_with(
        {
            "pyproject.toml": SETUPTOOLS,
            **setup_py("entry_points=compute()"),
            f"{EGG}entry_points.txt": b"[console_scripts]\n\ndemo=demo.main:run\n",
        }
    ),
    "no entry points in so many words": HONEST.sdist_with({"pyproject.toml": SETUPTOOLS}).wheel_with(
        {about("entry_points.txt"): b"[console_scripts]\n\n"}
    ),
    "entry points of poetry": HONEST.sdist_with(
        {
            "pyproject.toml": POETRY.replace(SCRIPTS, b"")
            + b'[tool.poetry.scripts]\ndemo = {reference = "demo.main:run", type = "console"}\n'
        }
    ),
    "entry points of flit": HONEST.sdist_with(
        {"pyproject.toml": FLIT + b'[tool.flit.scripts]\ndemo = "demo.main:run"\n'}
    ),
    "a license at the top of .dist-info": HONEST.wheel_with({about("LICENSE"): b"A license.\n"}),
    "a license that METADATA names": metadata(
        METADATA.replace(b"\n\n", b"\nLicense-File: legal/NOTICE\n\n"),
        METADATA.replace(b"\n\n", b"\nLicense-File: legal/NOTICE\n\n"),
    )
    .sdist_with({"legal/NOTICE": b"Notice.\n"})
    .wheel_with({about("NOTICE"): b"Notice.\n"}),
    "zip-safe": HONEST.wheel_with({about("zip-safe"): b"\n"}),
    "top_level.txt in another order": HONEST.wheel_with(
        {"x/__init__.py": b"1\n", about("top_level.txt"): b"x\ndemo\n"}
    ).sdist_with({"x/__init__.py": b"1\n", f"{EGG}top_level.txt": b"demo\nx\n"}),
    "a namespace package": HONEST.wheel_with(
        {NSPKG: NSPKG_TOP, about("namespace_packages.txt"): b"demo\n"}
    ).sdist_with(SPACES),
    "a namespace package with a line too many": HONEST.wheel_with(
        {NSPKG: NSPKG_TOP + NSPKG_TOP, about("namespace_packages.txt"): b"demo\ndemo\n"}
    ).sdist_with({f"{EGG}namespace_packages.txt": b"demo\ndemo\n"}),
    "a namespace package below another": HONEST.wheel_with(
        {NSPKG: NSPKG_TOP + NSPKG_BELOW, about("namespace_packages.txt"): b"demo.sub\n"}
    ).sdist_with({f"{EGG}namespace_packages.txt": b"demo.sub\n"}),
    "two namespace packages with one parent": HONEST.wheel_with(
        {NSPKG: NSPKG_TOP + NSPKG_TOP + NSPKG_BELOW}
    ).sdist_with({f"{EGG}namespace_packages.txt": b"demo\ndemo.sub\n"}),
    "a namespace package without its module": HONEST.wheel_with(
        {NSPKG: NSPKG_TOP, "demo/__init__.py": None}
    ).sdist_with(SPACES),
    "a script": HONEST.wheel_with({SCRIPT: b"#!/bin/sh\n"}).sdist_with(
        {"bin/run": b"#!/bin/sh\n", **setup_py("scripts=['bin/run']")}
    ),
    "a script of Python": HONEST.wheel_with(
        {SCRIPT: b"#!python -E\nx\n"}, executable=frozenset({SCRIPT})
    ).sdist_with(
        {"bin/run": b"#!/usr/bin/env python3 -E\nx\n", **setup_py("scripts=['bin/run']")},
        modes={"bin/run": 0o755},
    ),
    "a data file": HONEST.wheel_with({"demo-1.0.data/data/share/man/demo.1": b"man\n"}).sdist_with(
        {"man/demo.1": b"man\n", **setup_py("data_files=[('share/man', ['man/demo.1'])]")}
    ),
    "an exec bit that the sdist has": HONEST.wheel_with(
        {}, executable=frozenset({"demo/main.py"})
    ).sdist_with({}, modes={"demo/main.py": 0o755}),
    "an exec bit that the wheel has lost": HONEST.sdist_with({}, modes={"demo/main.py": 0o755}),
    "a module": HONEST.wheel_with({"more.py": b"1\n", about("top_level.txt"): b"demo\nmore\n"}).sdist_with(
        {"more.py": b"1\n", f"{EGG}top_level.txt": b"demo\nmore\n"}
    ),
    "a module that is named as the project": HONEST.wheel_with({"demo.py": b"1\n"}).sdist_with(
        {"demo.py": b"1\n"}
    ),
    "an empty file": HONEST.wheel_with({"demo/py.typed": b""}).sdist_with({"demo/py.typed": b""}),
    "a build number": HONEST.wheel_with(
        {about("WHEEL"): WHEEL.replace(b"\n\n", b"\nBuild: 1\n\n")}, filename="demo-1.0-1-py3-none-any.whl"
    ),
    "several tags": HONEST.wheel_with(
        {about("WHEEL"): WHEEL.replace(b"\n\n", b"\nTag: py2-none-any\n\n")},
        filename="demo-1.0-py2.py3-none-any.whl",
    ),
}


@pytest.mark.parametrize("pair", OTHERS.values(), ids=OTHERS)
def test_others(pair):
    checked = pair.check()
    assert checked.open == ()
    assert checked.result == "match"


def test_a_match_says_by_which_rules():
    checked = HONEST.check()
    assert [use.id for use in checked.rules] == [
        "static-copied@1", "static-entry-points@1", "static-license@1", "static-metadata@1", "static-record@1",
        "static-top-level@1", "static-wheel@1",
    ]  # fmt: skip
    copied = checked.rules[0]
    assert (copied.path, copied.published, copied.rebuilt) == ("", "2 members", "the sdist, below its top")
    assert checked.comparison.rules == checked.rules
    assert checked.comparison.rule_set == static_rule_set_id() != rule_set_id()
    ours, theirs = checked.comparison.published, checked.comparison.rebuilt
    assert ours == theirs


GENERATED = HONEST.wheel_with({"demo/_version.py": b"version = '1.0'\n"})
COPIES = {"pyproject.toml": FLIT + SCRIPTS, "setup.py": None}


def test_what_a_build_may_generate_is_open_and_no_accusation():
    checked = GENERATED.check()
    assert (checked.result, checked.level, checked.comparison) == ("not-attempted", None, None)
    assert [(item.path, item.reason, item.foreign) for item in checked.open] == [
        ("demo/_version.py", "not-in-sdist", True)
    ]
    assert checked.foreign == {"demo/_version.py"}


@pytest.mark.parametrize(
    ("pair", "path", "kind"),
    [
        (GENERATED.sdist_with(COPIES), "demo/_version.py", "only-in-published"),
        (HONEST.sdist_with(COPIES).wheel_with({"demo/main.py": b"evil\n"}), "demo/main.py", "content"),
        (GENERATED.sdist_with({"pyproject.toml": HATCH}), "demo/_version.py", "only-in-published"),
        (GENERATED.sdist_with({"pyproject.toml": POETRY}), "demo/_version.py", "only-in-published"),
        (GENERATED.sdist_with({"pyproject.toml": PDM}), "demo/_version.py", "only-in-published"),
        (
            moved("src/", GENERATED).sdist_with({"pyproject.toml": UV}),
            "demo/_version.py",
            "only-in-published",
        ),
        (GENERATED.sdist_with({"setup.py": None}), "demo/_version.py", "only-in-published"),
    ],
)
def test_what_no_build_that_only_copies_can_have_made(pair, path, kind):
    checked = pair.check()
    assert checked.result == "mismatch"
    assert [(item.path, item.kind) for item in checked.differences] == [(path, kind)]
    assert checked.comparison.rules == ()


WINDOWS = HONEST.wheel_with({"demo/main.py": MAIN.replace(b"\n", b"\r\n")}).sdist_with(COPIES)


def test_no_contradiction_is_claimed_where_an_honest_build_may_have_made_it():
    """A checkout on Windows has other line ends."""
    checked = WINDOWS.check()
    assert checked.result == "not-attempted"
    assert checked.open


RUNS = {
    "a plugin": {"pyproject.toml": HATCH.replace(b'"hatchling"]', b'"hatchling", "hatch-vcs"]')},
    "a hook": {"pyproject.toml": HATCH + b"[tool.hatch.build.hooks.custom]\n"},
    "another file of hatch": {"pyproject.toml": HATCH, "hatch.toml": b""},
    "a build script": {"pyproject.toml": POETRY + b'[tool.poetry]\nbuild = "build.py"\n'},
    "a backend in the tree": {
        "pyproject.toml": FLIT.replace(b"requires", b'backend-path = ["."]\nrequires') + SCRIPTS
    },
    "an unknown backend": {"pyproject.toml": FLIT.replace(b"flit_core.buildapi", b"x") + SCRIPTS},
    "setup.py": {},
}


@pytest.mark.parametrize("files", RUNS.values(), ids=RUNS)
def test_a_build_that_runs_code_may_have_made_it(files):
    assert GENERATED.sdist_with(files).check().result == "not-attempted"


BINDING = METADATA.replace(b"2.1", b"2.2")


@pytest.mark.parametrize(
    ("ours", "theirs", "result"),
    [
        (BINDING.replace(b"left-pad", b"right-pad"), BINDING, "mismatch"),
        (
            BINDING.replace(b"left-pad", b"right-pad"),
            BINDING.replace(b"\n\n", b"\nDynamic: Requires-Dist\n\n"),
            "not-attempted",
        ),
        (METADATA.replace(b"left-pad", b"right-pad"), METADATA, "not-attempted"),
        (BINDING.replace(b"\n\n", b"\nRequires-Python: >=3\n\n"), BINDING, "mismatch"),
        (BINDING.replace(b"\n\n", b"\nSummary: x\n\n"), BINDING, "not-attempted"),
        (BINDING.replace(b"left-pad>=1", b"Left.Pad (>=1)"), BINDING, "match"),
    ],
)
def test_fields_that_an_sdist_fixes_for_every_wheel(ours, theirs, result):
    """PEP 643: what is not Dynamic in PKG-INFO is the same in every wheel."""
    assert metadata(ours, theirs).check().result == result
