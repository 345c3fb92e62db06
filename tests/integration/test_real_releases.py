"""Releases of PyPI, pinned. Asks the index that the user's installers are set up to use, and keeps what it gave."""

import io
import zipfile
from dataclasses import replace

import pytest

from rebuilders.config import Settings
from rebuilders.deadline import Deadline
from rebuilders.inputs import Target, from_index
from rebuilders.pipeline import rebuild
from rebuilders.wiring import open_workshop
from witness.digest import sha256_hex
from witness.names import TargetName

pytestmark = [pytest.mark.network, pytest.mark.sandbox, pytest.mark.enable_socket]


@pytest.fixture(scope="module")
def workshop():
    opened = open_workshop(Settings())  # with the user's cache, so that it is fetched once
    yield opened
    opened.fetcher.close()


def rebuilt(workshop, name):
    report = workshop.rebuild(TargetName.parse(name), 300)
    assert report.best is not None, report.failure
    return report.best.outcome


def test_bitwise(workshop):
    assert rebuilt(workshop, "requests==2.34.2").level == "bitwise"


def test_bitwise_or_exact(workshop):
    outcome = rebuilt(workshop, "six==1.17.0")
    assert outcome.level in ("bitwise", "archive")
    assert outcome.comparison.archive_exact


@pytest.mark.parametrize(
    ("name", "built"),
    [("jsonschema==2.6.0", {"vcversioner"}), ("backoff==1.10.0", {"cachecontrol", "pyrsistent"})],
)
def test_requirements_that_are_only_sdists(workshop, name, built):
    report = workshop.rebuild(TargetName.parse(name), 300)
    assert report.best is not None, report.failure
    assert report.best.outcome.comparison.archive_exact
    assert {item.name for item in report.best.recipe.requirements if item.source} == built


def test_published_by_the_backend_that_pyproject_does_not_name(workshop):
    assert rebuilt(workshop, "graphql-core==3.1.2").comparison.archive_exact


def test_one_changed_byte_of_code(workshop):
    name = TargetName.parse("six==1.17.0")
    honest = from_index(name, workshop.index)
    data = with_changed_byte(honest.data, "six.py")
    target: Target = replace(honest, data=data, sha256=sha256_hex(data))
    workshop.fetcher.expires = (deadline := Deadline.after(300)).at
    report = rebuild(lambda: target, workshop.ports, deadline)
    assert report.best is not None, report.failure
    outcome = report.best.outcome
    assert outcome.level is None
    assert "six.py" in {difference.path for difference in outcome.comparison.differences}


def with_changed_byte(wheel, path):
    """The wheel with one byte of the member `path` changed, and nothing else that zipfile can keep."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(wheel)) as source, zipfile.ZipFile(changed, "w") as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == path:
                content = content[:-2] + bytes([content[-2] ^ 1]) + content[-1:]
            target.writestr(entry, content, compress_type=entry.compress_type)
    return changed.getvalue()
