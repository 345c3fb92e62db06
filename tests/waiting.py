"""Waiting for what other processes do, on a machine that others may keep busy."""

import time


def wait_until(holds, seconds=120.0):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)
