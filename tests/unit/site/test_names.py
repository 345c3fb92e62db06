"""The tree of prefixes: every name is in one list, no list is too long, and a new name changes only its own way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebuilders.site import names

NAMES = st.sets(st.from_regex(r"[abc-]{1,14}", fullmatch=True), max_size=60)


class Held:
    def __init__(self, held):
        self.held = held

    def count(self, prefix, most):
        return min(most, sum(name.startswith(prefix) for name in self.held))


def leaves(held):
    return {names.way_to(name, Held(held)).leaf for name in held}


@pytest.fixture(scope="module", autouse=True)
def _short_lists():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(names, "MOST", 4)
        yield


@given(NAMES)
def test_every_name_is_in_one_list_that_is_not_too_long(held):
    counted = Held(held)
    for name in held:
        way = names.way_to(name, counted)
        assert all(name.startswith(prefix) and not names.is_leaf(prefix, counted) for prefix in way.inner)
        # What is the whole of an inner prefix is told there.
        assert name.startswith(way.leaf)
        assert names.is_leaf(way.leaf, counted) or name == way.leaf
        listed = [other for other in held if other.startswith(way.leaf)]
        assert len(listed) <= names.MOST or len(way.leaf) == names.DEEPEST or name == way.leaf


@given(NAMES, st.from_regex(r"[abc-]{1,14}", fullmatch=True))
def test_a_new_name_leaves_the_other_lists(held, new):
    before, after = leaves(held), leaves(held | {new})
    way = set(names.way_to(new, Held(held | {new})))
    # What changed lies on the way to the new name, or below the list that was divided for it.
    divided = names.way_to(new, Held(held)).leaf if held else ""
    assert all(leaf in way or leaf.startswith(divided) for leaf in before ^ after)


def test_words():
    assert names.words_of("zope-interface") == ["zope-interface", "interface"]
    assert names.words_of("a--b") == ["a--b", "b"]
    assert names.words_of("?") == ["?"]
