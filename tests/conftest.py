"""What every test has."""

import signal

import pytest

from tests.postgres import ledger_url, postgres  # noqa: F401 - fixtures


def pytest_configure() -> None:
    """A shell in the background leaves SIGINT ignored, and nohup SIGHUP; so would every program that a test ends."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _state(monkeypatch, tmp_path_factory):
    """No test remembers logs, or saves evidence, where the user does."""
    monkeypatch.setenv("WHEELWITNESS_STATE", str(tmp_path_factory.mktemp("state")))
