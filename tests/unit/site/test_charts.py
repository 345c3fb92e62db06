"""Charts lose no number: what is drawn, and what the table beside it says, add up to what was counted."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebuilders.site.charts import HEIGHT, WIDTH, added_up, by_period, columns, share

KEYS = ("match", "mismatch", "build-failed")
COUNTS = st.dictionaries(
    st.tuples(st.sampled_from(KEYS), st.integers(20_000, 23_000)), st.integers(1, 10_000), max_size=40
)


@given(COUNTS)
def test_nothing_is_lost(counts):
    rows = by_period(counts, KEYS)
    chart = columns(rows, KEYS)
    for number, key in enumerate(KEYS):
        assert chart.totals[number] == sum(count for (own, _), count in counts.items() if own == key)
    labels = [label for label, _ in rows]
    assert labels == sorted(set(labels))
    assert len(rows) <= 60


@given(COUNTS)
def test_columns_stay_within_the_picture_and_off_each_other(counts):
    bars = columns(by_period(counts, KEYS), KEYS).bars
    for bar in bars:
        assert bar.x >= 0
        assert bar.x + bar.width <= WIDTH + 0.1
        assert bar.y >= 0
        assert bar.y + bar.height <= HEIGHT + 0.1
    for one, other in pairwise(bars):
        if one.x == other.x:
            assert other.y + other.height == pytest.approx(one.y, abs=0.05)


@given(COUNTS)
def test_shares_are_of_one_height(counts):
    chart = columns(by_period(counts, KEYS), KEYS, shares=True)
    heights: dict[float, float] = {}
    for bar in chart.bars:
        heights[bar.x] = heights.get(bar.x, 0) + bar.height
    assert all(height == pytest.approx(max(heights.values()), abs=0.05) for height in heights.values())
    assert [mark.text for mark in chart.lines] == ["0%", "50%", "100%"]


@given(COUNTS)
def test_what_is_added_up_never_falls(counts):
    rows = added_up(by_period(counts, KEYS))
    for (_, one), (_, other) in pairwise(rows):
        assert all(before <= after for before, after in zip(one, other, strict=True))
    if rows:
        assert sum(rows[-1][1]) == sum(counts.values())


@pytest.mark.parametrize(
    ("days", "labels"),
    [
        ([20_454, 20_456], ["2026-01-01", "2026-01-02", "2026-01-03"]),
        ([20_454, 20_513], ["2026-01", "2026-02", "2026-03"]),
        ([20_454, 22_000], ["2026", "2027", "2028", "2029", "2030"]),
        ([], []),
    ],
)
def test_periods(days, labels):
    assert [label for label, _ in by_period({("match", day): 1 for day in days}, KEYS)] == labels


@given(
    st.dictionaries(st.tuples(st.sampled_from(KEYS), st.integers(-(10**7), 10**7)), st.just(1), max_size=90)
)
def test_times_that_were_made_up_do_not_make_a_chart_endless(counts):
    rows = by_period(counts, KEYS)
    assert len(rows) <= 60
    assert sum(sum(row) for _, row in rows) == len(counts)


@given(st.lists(st.tuples(st.sampled_from(KEYS), st.integers(0, 1000)), max_size=5))
def test_shares_fill_the_whole(parts):
    placed = share(parts)
    assert [(key, count) for key, count, _, _ in placed] == [part for part in parts if part[1]]
    if placed:
        assert placed[0][2] == 0
        assert placed[-1][2] + placed[-1][3] == pytest.approx(100, abs=0.01)
