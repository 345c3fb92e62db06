"""How often the index is asked, on a clock that moves only when somebody waits."""

import pytest

from rebuilders.node.feed.intervals import ABSENT, FIRST, MISSING, interval_after, jittered, pause_after
from rebuilders.node.feed.pace import Pace


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def wait(self, seconds):
        assert seconds >= 0
        self.now += seconds


@pytest.mark.parametrize("rate", [0.01, 1.0, 2.5, 20.0])
def test_never_more_than_the_rate_and_a_burst(rate):
    clock = Clock()
    pace = Pace(rate, clock=clock, wait=clock.wait)
    taken = []
    for number in range(200):
        pace.turn()
        taken.append(clock.now)
        clock.now += 30 / rate if number % 41 == 40 else (0.0, 0.3 / rate)[number % 2]
    for start in range(len(taken)):
        span = taken[-1] - taken[start]
        assert len(taken) - start <= span * rate + 5 + 1e-6


def test_there_is_no_burst_at_the_start():
    clock = Clock()
    pace = Pace(2.0, clock=clock, wait=clock.wait)
    for _ in range(11):
        pace.turn()
    assert clock.now == pytest.approx(1005.0)


def test_a_pause_is_never_made_shorter():
    clock = Clock()
    pace = Pace(2.0, clock=clock, wait=clock.wait)
    assert pace.resting() == 0
    pace.pause(60)
    pace.pause(5)
    assert pace.resting() == 60
    clock.now += 61
    assert pace.resting() == 0


@pytest.mark.parametrize(
    ("answer", "before", "most", "missing", "expected"),
    [
        ("changed", 40_000, 86_400, False, FIRST),
        ("changed", 40_000, 60, False, 60),
        ("unchanged", 0, 86_400, False, FIRST),
        ("unchanged", FIRST, 86_400, False, 2 * FIRST),
        ("unchanged", 80_000, 86_400, False, 86_400),
        ("unchanged", 80_000, 86_400, True, MISSING),
        ("absent", ABSENT, 3600, False, ABSENT),
        ("absent", 3600, 3600, True, 7200),
    ],
)
def test_intervals(answer, before, most, missing, expected):
    assert interval_after(answer, before, most, missing=missing) == expected


def test_pauses_and_jitter():
    assert [pause_after(n) for n in (1, 2, 3, 100)] == [60, 120, 240, 21_600]
    assert [jittered(100, chance) for chance in (0.0, 0.5, 1.0)] == pytest.approx([80, 100, 120])
