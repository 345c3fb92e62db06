"""The tables of what comes first, and of what is done again."""

import hashlib
from datetime import timedelta
from typing import get_args

import pytest

from rebuilders.node import again
from rebuilders.node.priorities import PRIORITIES, WITHOUT_WORKER, is_event, within

DAY = timedelta(days=1)


def sha(number):
    return hashlib.sha256(str(number).encode()).hexdigest()


def test_the_order_of_reasons():
    order = sorted(PRIORITIES, key=lambda why: PRIORITIES[why].within)
    assert order[0] == "added"
    assert order[-2:] == ["backlog", "again"]
    assert [within(why) for why in ("new", "backlog")] == [timedelta(hours=1), timedelta(days=21)]
    assert set(PRIORITIES) > WITHOUT_WORKER


def test_another_nodes_share_waits_behind_everything_of_ones_own():
    assert min(within(why, "later") for why in PRIORITIES) > max(within(why) for why in PRIORITIES)
    assert within("new", "later") < within("backlog", "later")


def test_events_are_what_the_index_says():
    assert {why for why in PRIORITIES if not is_event(why)} == {"added", "pinned", "backlog", "again"}
    assert not is_event("who knows")


def test_every_reason_fits_its_column():
    assert all(len(why) <= 40 for why in PRIORITIES)


@pytest.mark.parametrize("cause", get_args(again.Cause))
def test_pauses_grow_to_a_bound_and_end_where_the_table_says(cause):
    retry = again.RETRIES[cause]
    waits = [again.retry_after(failures, 0.5, cause) for failures in range(60)]
    tried = [wait for wait in waits if wait is not None]
    assert tried[0] == retry.first
    assert tried == sorted(tried)
    assert max(tried) <= retry.most <= again.MAX_RETRY
    assert len(tried) == (60 if retry.tries is None else retry.tries - 1)
    assert waits == tried + [None] * (60 - len(tried))


@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_what_failed_together_is_spread(chance):
    assert abs(again.retry_after(3, chance) - timedelta(minutes=8)) == timedelta(minutes=2)


def test_an_outage_of_a_week_leaves_nothing_stuck():
    waits = [again.retry_after(failures, 0.0, "index") for failures in range(59)]
    assert sum((wait for wait in waits if wait), timedelta()) > 7 * DAY


def days(result, **told):
    """After how many days, rounded, a file that is chosen is observed again and again."""
    number = next(n for n in range(1000) if int(sha(n)[:8], 16) % 20 == 0)
    found = []
    while (wait := again.observe_again(sha(number), result, repeats=len(found), **told)) is not None:
        found.append(wait / DAY)
    return found


@pytest.mark.parametrize(
    ("result", "told", "expected"),
    [
        ("match", {}, [180]),
        ("mismatch", {}, [30, 180]),
        ("build-failed", {"phase": "resolve", "cause": "no-such-requirement"}, [1, 7, 30, 90]),
        ("build-failed", {"phase": "build", "cause": "memory-limit"}, [7, 30, 90]),
        ("build-failed", {"phase": "build", "cause": "exit"}, [7, 30, 90]),
        ("not-attempted", {"phase": "read", "cause": "size-limit"}, [7, 30, 90]),
        ("not-attempted", {"phase": "locate", "cause": "no-sdist"}, []),
        ("not-attempted", {"phase": "locate", "cause": "withdrawn"}, []),
        ("not-observed", {}, []),
    ],
)
def test_second_looks(result, told, expected):
    found = days(result, **told)
    assert len(found) == len(expected)
    assert all(0.95 * want <= have <= 1.05 * want for have, want in zip(found, expected, strict=True))


def test_of_matches_one_in_twenty_is_looked_at_again_and_always_the_same():
    chosen = [n for n in range(4000) if again.observe_again(sha(n), "match") is not None]
    assert 140 <= len(chosen) <= 260
    assert [again.observe_again(sha(n), "match") for n in chosen] == [
        again.observe_again(sha(n), "match") for n in chosen
    ]
    assert len({again.observe_again(sha(n), "match") for n in chosen}) > 100  # not all on one day
    assert all(again.observe_again(sha(n), "mismatch") is not None for n in range(100))
