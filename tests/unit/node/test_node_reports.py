"""Reports are published with the observation that names them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from rebuilders.node import reports
from rebuilders.node.config import NodeDirectory
from tests.integration.trusted_nodes import ALPHA, NOW, stated
from witness.digest import sha256_hex
from witness.observation import DigestSet, Resource
from witness.store.directory import DirectoryStore

TOLD = b'{"schema": "report/1"}'
OTHER = b'{"schema": "report/1", "other": 1}'


def naming(told, **changes):
    statement = stated(ALPHA, "mismatch", **changes)
    named = Resource(name="report.json", digest=DigestSet(sha256=sha256_hex(told)))
    comparison = statement.observation.comparison.model_copy(update={"report": named})
    return replace(statement, observation=statement.observation.model_copy(update={"comparison": comparison}))


@pytest.fixture
def node(tmp_path):
    """A node whose site is the one that ALPHA publishes to."""
    directory = NodeDirectory(tmp_path / "node")
    directory.root.mkdir()

    class Node:
        path = f"{naming(TOLD).sha256[:2]}/{naming(TOLD).sha256}.json"

        def keep(self, told):
            DirectoryStore(directory.reports).put(self.path, told)

        def publish(self, *statements):
            directory.site.unlink(missing_ok=True)
            directory.site.symlink_to(ALPHA.publish(tmp_path, statements))

        def told(self):
            reports.publish(directory)
            path = directory.site / "reports" / self.path
            return path.read_bytes() if path.exists() else None

        def waits(self):
            return (directory.reports / self.path).exists()

    return Node()


def test_not_before_the_observation(node):
    """As on a node that commits first."""
    node.keep(TOLD)
    assert (node.told(), node.waits()) == (None, True)
    node.publish(naming(TOLD))
    assert (node.told(), node.waits()) == (TOLD, False)
    assert node.told() == TOLD


def test_not_one_that_no_observation_names(node):
    node.keep(OTHER)
    node.publish(naming(TOLD))
    assert (node.told(), node.waits()) == (None, True)


def test_not_one_that_a_newer_observation_has_replaced(node):
    first, second = (
        naming(told, finished=NOW - timedelta(days=age)) for told, age in ((TOLD, 2), (OTHER, 1))
    )
    node.publish(first, second)
    node.keep(TOLD)
    assert (node.told(), node.waits()) == (None, False)
    node.keep(OTHER)
    assert node.told() == OTHER


def test_not_one_that_is_too_long(node):
    node.keep(b" " * (1024 * 1024 + 1))
    node.publish(naming(TOLD))
    assert node.told() is None


def test_names_that_are_none(node, tmp_path):
    folder = tmp_path / "node" / "reports"
    for name in ("ab/x.json", "zz/../../up.json", f"00/{'a' * 64}.json"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(TOLD)
    node.publish(naming(TOLD))
    assert node.told() is None
