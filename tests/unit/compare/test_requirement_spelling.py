"""Spellings of a requirement: what is one is one for `packaging` and uv too."""
# ruff: noqa: E501 - a row of a table is a line

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.wheels import File, recorded, zip_of
from witness.compare.rules.requirement import canonical
from witness.errors import Malformed

ALIKE = {
    "versions": ("dep>=1", "dep (>=1)", "dep( >= 1 )", "dep >=1", "DEP>=1"),
    "two versions": ("dep>=1,<9", "dep <9, >=1", "dep(<9 ,>=1)"),
    "every operator": ("dep~=1.0,!=1.1,>0.1,<=2", "dep (<= 2, > 0.1, != 1.1, ~= 1.0)"),
    "a prefix": ("dep==1.0.*", "dep (== 1.0.*)"),
    "suffixes": ("dep>=1.0a1.post2.dev3,<2rc1", "dep (<2rc1, >=1.0a1.post2.dev3)"),
    "a local version": ("dep!=1.0+a.b", "dep (!=1.0+a.b)"),
    "an epoch": ("dep!=1!1.0", "dep (!= 1!1.0)"),
    "extras": ("dep[b,a]>=1", "dep [a , b] >=1", "dep[a,b](>=1)"),
    "quotation marks": ("dep; python_version<'3.99'", 'dep ; python_version < "3.99"'),
    "parentheses": (
        "dep; python_version<'3.99' and extra=='x'",
        'dep ; (python_version < "3.99") and extra == "x"',
        "dep;((python_version<'3.99')) and (extra=='x')",
    ),
    "groups": (
        "dep;(os_name=='nt' or sys_platform!='x') and extra=='x'",
        "dep ; ( os_name == \"nt\" or (sys_platform != 'x') ) and (extra == 'x')",
    ),
    "not in": ("dep; 'in' not in platform_version", "dep ; ('in' not   in platform_version)"),
    "reversed": ("dep;'3'<python_version", "dep ; '3' < python_version"),
}


@pytest.mark.parametrize("spellings", ALIKE.values(), ids=ALIKE)
def test_spellings_that_are_one(spellings):
    assert len({canonical(text) for text in spellings}) == 1
    assert len({read_by_packaging(text) for text in spellings}) == 1


def read_by_packaging(text):
    read = Requirement(text)
    marker = "" if read.marker is None else str(read.marker)
    # What packaging keeps of parentheses around single comparisons depends on its release.
    marker = canonical(f"x;{marker}") if marker else ""
    return canonicalize_name(read.name), frozenset(read.extras), read.specifier, read.url, marker


@pytest.mark.parametrize("spellings", ALIKE.values(), ids=ALIKE)
def test_uv_reads_them_as_one(spellings, tmp_path):
    uv = Path(sys.executable).parent / "uv"
    program = str(uv) if uv.exists() else shutil.which("uv")
    resolved = {resolve(program, text, tmp_path / str(n)) for n, text in enumerate(spellings)}
    assert len(resolved) == 1
    assert "demo==1.0" in resolved.pop()


def resolve(program, requirement, directory):
    """What uv resolves `demo[x]` to, whose wheel has the requirement, for every platform at once."""
    directory.mkdir()
    for name, more in (
        ("dep", "Provides-Extra: a\nProvides-Extra: b\n"),
        ("demo", f"Provides-Extra: x\nRequires-Dist: {requirement}\n"),
    ):
        about = f"{name}-1.0.dist-info"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{more}"
        wheel = b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        files = [
            File(f"{about}/METADATA", metadata.encode()),
            File(f"{about}/WHEEL", wheel),
            File(f"{about}/RECORD"),
        ]
        (directory / f"{name}-1.0-py3-none-any.whl").write_bytes(zip_of(recorded(files)))
    (directory / "asked.in").write_text("demo[x]\n")
    done = subprocess.run(
        [program, "pip", "compile", "--quiet", "--universal", "--no-cache", "--no-index", "--no-config", "--find-links", ".",
         "--no-header", "--no-annotate", "--python", sys.executable, "asked.in"],
        cwd=directory, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout


DIFFERENT = [
    ("dep>=1", "dep>1"), ("dep>=1", "dep"), ("dep>=1", "dep>=1,<2"), ("dep>=1", "dop>=1"), ("dep>=1", "dep>=1.0"),
    ("dep[a]", "dep"), ("dep[a]", "dep[b]"), ("dep[a]", "dep[A]"), ("dep[a-b]", "dep[a_b]"), ("dep==1.*", "dep==1"),
    ("dep==1.0a1", "dep==1.0b1"), ("dep==1!1.0", "dep==1.0"), ("dep==1.0+a", "dep==1.0"), ("dep;extra=='x'", "dep;extra=='X'"),
    ("dep;extra=='a-b'", "dep;extra=='a_b'"), ("dep;extra=='x'", "dep"), ("dep;os_name=='x'", "dep;os_name!='x'"),
    ("dep;os_name=='x'", "dep;'x'==os_name"), ("dep;os_name=='os_name'", "dep;os_name==os_name"),
    ("dep;os_name=='x y'", "dep;os_name=='x  y'"), ("dep;os_name==' x'", "dep;os_name=='x'"),
    ("dep;os_name=='x' and extra=='y' or extra=='z'", "dep;os_name=='x' and (extra=='y' or extra=='z')"),
    ("dep;(os_name=='x' and extra=='y') or extra=='z'", "dep;os_name=='x' and (extra=='y' or extra=='z')"),
    ("dep;os_name in 'x'", "dep;os_name not in 'x'"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_requirements_that_are_not_one(one, other):
    assert canonical(one) != canonical(other)


UNUSUAL = [
    "", " dep", "dep ", "dep\t>=1", "dep\n", "-dep", "dep-", "d\u00e9p", "dep dop", "dep ()", "dep (>=1", "dep >=1)", "dep ((>=1))",
    "dep>=", "dep=>1", "dep=1", "dep===1", "dep>=1,", "dep,>=1", "dep>=1 <2", "dep(>=1)(<2)", "dep>=1,(<2)", "dep>=1;", "dep;",
    "dep;;os_name=='x'", "dep @ https://host.example/x.whl", "dep@ file:x", "dep[]", "dep[a", "dep[a]]", "dep[a,]", "dep[a b]",
    "dep[a][b]", "dep>=*", "dep>=1..2", "dep>=1-", "dep>=1.*", "dep>=1+a", "dep~=1", "dep==1.0A1", "dep==1.0-1", "dep==1.0.a1", "dep==v1", "dep==1.0a1.*", "dep==1.x", "dep>=$1", "dep>='1'",
    "dep;os_name", "dep;os_name==", "dep;os_name=='x", "dep;os_name=='x\"", "dep;os_name=='\\x'", "dep;os_name=='\u00e9'",
    "dep;os_name=='x'and extra=='y'", "dep;os_name=='x' andextra=='y'", "dep;os_name=='x' and", "dep;and os_name=='x'",
    "dep;(os_name=='x'", "dep;os_name=='x')", "dep;()", "dep;os_name=='x' extra=='y'", "dep;os_name 'x'", "dep;os_name===x",
    "dep;os_name==='x'", "dep;os.name=='x'", "dep;evil=='x'", "dep;os_name not 'x'", "dep;os_name not == 'x'", "dep;not os_name in 'x'",
    "dep;os_name in'x'", "dep;os_name notin 'x'", "dep;os_name == 'x' # c", "dep;" + "(" * 30 + "os_name=='x' and os_name=='y'" + ")" * 30,
    "dep;" + " or ".join(["os_name=='x'"] * 100),
]  # fmt: skip


@pytest.mark.parametrize("text", UNUSUAL)
def test_unusual_forms_are_refused(text):
    with pytest.raises(Malformed):
        canonical(text)


def test_no_pattern_has_a_possessive_group():
    """Python before 3.11.5 matches them wrongly (gh-106052), and Debian 12 has 3.11.2."""
    root = Path(__file__).parents[3]
    paths = [path for room in ("witness", "rebuilders") for path in (root / room).rglob("*.py")]
    assert len(paths) > 100
    for path in paths:
        assert not re.search(r"\)(?:[*+?]|\{\d*,?\d*\})\+", path.read_text("utf-8")), path
