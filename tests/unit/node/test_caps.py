"""When a node may start something, and with how much of the machine."""

from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from rebuilders.node.caps import Caps, Day, LimitsConfig, within
from rebuilders.node.config import parse
from witness.errors import InputError
from witness.limits import MIB

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
NODE = 'version = 1\nname = "node-a.example"\noperator = "A"\n'


@pytest.mark.parametrize(
    ("hours", "inside", "outside"),
    [
        ("22:00-06:00", ("22:00", "23:59", "00:00", "05:59"), ("06:00", "12:00", "21:59")),
        ("09:30-17:00", ("09:30", "12:00", "16:59"), ("09:29", "17:00", "00:00")),
        ("00:00-00:00", ("00:00", "12:00", "23:59"), ()),
        ("", ("00:00", "12:00"), ()),
    ],
)
def test_hours(hours, inside, outside):
    assert all(within(hours, time.fromisoformat(text)) for text in inside)
    assert not any(within(hours, time.fromisoformat(text)) for text in outside)


def test_hours_are_those_of_the_zone():
    caps = Caps(LimitsConfig(hours="13:30-15:00", zone="Europe/Vienna"), ())
    assert caps.why_not(NOON, Day("", 0)) == ""  # 14:00 in summer
    assert "outside of the hours" in caps.why_not(NOON.replace(month=1), Day("", 0))  # 13:00 in winter


def test_disk():
    limits = LimitsConfig.model_validate({"free-mb": 100})
    places = (Path("/state"), Path("/cache"))
    free = {Path("/state"): 100 * MIB, Path("/cache"): 100 * MIB - 1}
    assert Caps(limits, places, free.__getitem__).why_not(NOON, Day("", 0)) == (
        "/cache: 99 MB are free, less than 100"
    )
    assert Caps(limits, places[:1], free.__getitem__).why_not(NOON, Day("", 0)) == ""


def test_downloads():
    caps = Caps(LimitsConfig.model_validate({"download-mb": 2, "free-mb": 0}), ())
    day = Day.parse("", NOON)
    text = day.plus(2 * MIB - 1)
    assert caps.why_not(NOON, Day.parse(text, NOON)) == ""
    text = Day.parse(text, NOON).plus(1)
    assert caps.why_not(NOON, Day.parse(text, NOON)) == "2 MB have been downloaded today"
    assert caps.why_not(NOON, Day.parse(text, NOON.replace(day=2))) == ""  # the next day
    assert Day.parse("2026-07-01 nonsense", NOON).received == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('hours = "25:00-06:00"', "limits.hours"),
        ('hours = "22-6"', "limits.hours"),
        ('zone = "Europe/Nowhere"', "no such time zone"),
        ('zone = "../../etc/passwd"', "no such time zone"),
        ("cache-mb = -1", "limits.cache-mb"),
        ("nice = 20", "limits.nice"),
        ("memory = 3", "limits.memory"),
    ],
)
def test_what_cannot_be_used(line, message):
    with pytest.raises(InputError, match=message):
        parse(f"{NODE}[limits]\n{line}\n", "node.toml")


def test_what_reaches_the_workers():
    config = parse(f"{NODE}[limits]\ncache-mb = 7\nmemory-mb = 3\ncores = 1.5\nnice = 4\n", "node.toml")
    told = config.terms.settings
    assert (told.quota, told.memory, told.cores, told.nice) == (7 * MIB, 3 * MIB, 1.5, 4)
