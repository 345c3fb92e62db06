from datetime import UTC, datetime

import pytest

from rebuilders.plan.interpreters import RELEASED, rank

ALL = ("3.15", "3.14", "3.13", "3.12", "3.11", "3.10", "3.9", "3.8")


def day(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("available", "requires", "as_of", "expected"),
    [
        # The newest that was in use, which it is three months after its release.
        (ALL, "", "2024-06-01", ["3.12", "3.11", "3.10", "3.9", "3.8", "3.13", "3.14", "3.15"]),
        (("3.13", "3.12"), "", "2024-10-08", ["3.12", "3.13"]),
        (("3.13", "3.12"), "", "2025-02-01", ["3.13", "3.12"]),
        (("3.15", "3.14"), "", "2026-11-22", ["3.14", "3.15"]),
        # Before 3.12 came out, setup scripts might import distutils.
        (("3.13", "3.12", "3.11"), "", "2022-01-01", ["3.11", "3.12", "3.13"]),
        (("3.13", "3.12", "3.9"), "", "2019-01-01", ["3.9", "3.12", "3.13"]),
        # What the project asks for comes first.
        (("3.12", "3.11"), "<3.12", "2024-06-01", ["3.11", "3.12"]),
        (("3.12", "3.11", "3.10"), ">=3.8,!=3.11.*,<3.12", "2024-06-01", ["3.10", "3.12", "3.11"]),
        (("3.13", "3.12"), ">=3.13", "2024-06-01", ["3.13", "3.12"]),
        (("3.12", "3.11"), "this is no specifier", "2024-06-01", ["3.12", "3.11"]),
        # Nothing known of the time.
        (("3.11", "3.13"), "", None, ["3.13", "3.11"]),
        # Versions that the table does not have: very old ones, and those to come.
        (("3.99", "3.13"), "", "2025-06-01", ["3.13", "3.99"]),
        (("3.5", "3.99"), "", "2025-06-01", ["3.5", "3.99"]),
        # A machine with one takes that one.
        (("3.6",), ">=3.12", "2024-06-01", ["3.6"]),
        (("3.14",), "<3", "2012-06-01", ["3.14"]),
    ],
)
def test_rank(available, requires, as_of, expected):
    ranked = rank(available, requires, day(as_of) if as_of else None)
    assert [minor for minor, _ in ranked] == expected
    assert [reason.decision for _, reason in ranked] == [f"Python {minor}" for minor in expected]


@pytest.mark.parametrize(
    ("available", "requires", "as_of", "why"),
    [
        (("3.12",), "", "2024-06-01", "the newest here that was in use on 2024-06-01"),
        (("3.12",), "<3.12", "2024-06-01", "the project asks for Python <3.12"),
        (("3.12",), "", "2020-06-01", "distutils"),
        (("3.13",), "", "2024-06-01", "not yet in use"),
        (("3.12",), "", None, "in use on the build"),
    ],
)
def test_the_reason(available, requires, as_of, why):
    ((_, reason),) = rank(available, requires, day(as_of) if as_of else None)
    assert why in reason.because


@pytest.mark.parametrize(
    ("available", "as_of", "nearer"),
    [
        (("3.12", "3.11"), "2024-06-01", {"3.12": "", "3.11": ""}),
        (("3.11", "3.10"), "2024-06-01", {"3.11": "3.12", "3.10": "3.12"}),
        (("3.12", "3.10"), "2024-06-01", {"3.12": "", "3.10": "3.11"}),
        (("3.13",), "2020-06-01", {"3.13": "3.8"}),
        (("3.6",), "2016-06-01", {"3.6": ""}),  # of versions before the table nobody has one
        (("3.9", "3.11"), None, {"3.11": "", "3.9": ""}),  # nobody knows what would be nearer
    ],
)
def test_what_is_missing_is_named(available, as_of, nearer):
    ranked = rank(available, "", day(as_of) if as_of else None, "is out of print")
    for minor, reason in ranked:
        expected = f"; Python {nearer[minor]} would be nearer, but is out of print" if nearer[minor] else ""
        assert reason.because.partition("; ")[0] + expected == reason.because


def test_the_table_is_in_order():
    assert list(RELEASED.values()) == sorted(RELEASED.values())
    assert [int(minor.split(".")[1]) for minor in RELEASED] == list(range(6, 6 + len(RELEASED)))
