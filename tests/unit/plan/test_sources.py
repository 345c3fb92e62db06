"""How a requirement that is only an sdist is built: by what it says itself."""

from datetime import UTC, datetime

import pytest

from rebuilders.facts.sdist import sdist_facts
from rebuilders.plan.sources import source_candidate
from tests.releases import member, tar_gz
from witness.digest import sha256_hex
from witness.errors import Malformed

BEFORE, AFTER = datetime(2018, 1, 1, tzinfo=UTC), datetime(2020, 1, 1, tzinfo=UTC)
TABLE = b'[build-system]\nrequires = ["flit_core>=3"]\nbuild-backend = "flit_core.buildapi"\n'
IN_TREE = TABLE + b'backend-path = ["."]\n'
SETUP = b"from setuptools import setup\nsetup(setup_requires=['vcs>=2', \"other\"])\n"


def candidate(files, as_of):
    data = tar_gz(*(member(f"demo-1.0/{path}", content) for path, content in files.items()))
    return source_candidate(sdist_facts(data, "demo-1.0.tar.gz", sha256_hex(data)), "3.9", as_of)


@pytest.mark.parametrize(
    ("files", "as_of", "requirements", "frontend", "asks"),
    [
        ({"pyproject.toml": TABLE}, AFTER, ("flit_core>=3",), "pep517", True),
        ({"pyproject.toml": TABLE}, BEFORE, ("flit_core>=3",), "pep517", True),
        ({"pyproject.toml": IN_TREE}, AFTER, ("flit_core>=3",), "pep517-sys-path", True),
        ({"pyproject.toml": IN_TREE}, None, ("flit_core>=3",), "pep517", True),
        ({"setup.py": SETUP}, AFTER, ("setuptools>=40.8.0",), "pep517", True),
        ({"setup.py": SETUP}, None, ("setuptools>=40.8.0",), "pep517", True),
        ({"setup.py": SETUP}, BEFORE, ("setuptools", "wheel", "vcs>=2", "other"), "setup.py", False),
    ],
)
def test_by_what_it_says(files, as_of, requirements, frontend, asks):
    found = candidate(files, as_of)
    assert (found.python, found.as_of) == ("3.9", as_of)
    assert (found.requirements, found.frontend, found.ask_backend) == (requirements, frontend, asks)
    assert int(found.variables["SOURCE_DATE_EPOCH"]) >= 315_532_800


def test_what_is_no_requirement():
    table = TABLE.replace(b">=3", b" @ https://192.0.2.1/x.whl")
    with pytest.raises(Malformed, match="names an address"):
        candidate({"pyproject.toml": table}, AFTER)
