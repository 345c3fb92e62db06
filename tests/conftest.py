"""What every test has."""

import signal

import pytest


def pytest_configure() -> None:
    """Started in the background, a shell leaves SIGINT ignored, and so would every program that a test interrupts."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _state(monkeypatch, tmp_path_factory):
    """No test remembers logs, or saves evidence, where the user does."""
    monkeypatch.setenv("WHEELWITNESS_STATE", str(tmp_path_factory.mktemp("state")))
