"""What is kept while there is room."""

from hypothesis import given
from hypothesis import strategies as st

from witness.proxy.keeping import Kept


def test_the_oldest_use_goes_first():
    kept = Kept(2)
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.get("a") == 1
    kept.put("c", 3)
    assert [kept.get(key) for key in "abc"] == [1, None, 3]


def test_what_is_too_large_is_not_kept_and_takes_the_old_one_along():
    kept = Kept(10)
    kept.put("a", 1, 5)
    kept.put("a", 2, 11)
    assert kept.get("a") is None
    kept.put("b", 3, 10)
    assert kept.get("b") == 3


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 7)), max_size=40))
def test_never_more_than_there_is_room_for(steps):
    kept, weights = Kept(10), {}
    for key, weight in steps:
        kept.put(key, key, weight)
        weights[key] = weight
        assert sum(weights[each] for each in range(6) if kept.get(each) is not None) <= 10
