"""A Sigstore instance for the tests of this directory, and what was signed with it."""

import json

import pytest
from pytest_socket import disable_socket, enable_socket

from tests.keyless.instance import serving
from tests.keyless.signed import Signed


@pytest.fixture(scope="session")
def instance():
    with serving() as running:
        yield running


@pytest.fixture(scope="session")
def signed(instance):
    return Signed(instance)


@pytest.fixture
def trust(instance, tmp_path):
    """A file with the instance's trusted root."""
    path = tmp_path / "root.json"
    path.write_text(json.dumps(instance.trusted_root()), encoding="utf-8")
    return path


@pytest.fixture
def offline(instance):
    """Nothing is asked, and nobody could be."""
    before = len(instance.asked)
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
    assert len(instance.asked) == before
