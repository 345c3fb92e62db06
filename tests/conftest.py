"""What every test has."""

import pytest


@pytest.fixture(autouse=True)
def _state(monkeypatch, tmp_path_factory):
    """No test remembers logs, or saves evidence, where the user does."""
    monkeypatch.setenv("WHEELWITNESS_STATE", str(tmp_path_factory.mktemp("state")))
