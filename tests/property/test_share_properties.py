"""What splitting the work promises: enough owners, little movement, a fair part for each, and no need to talk."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from rebuilders.node.shares import Shares
from witness.digest import sha256_hex

NAMES = st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=30, unique=True).map(tuple)
KEYS = st.one_of(st.binary(max_size=8).map(sha256_hex), st.text(max_size=40))


@st.composite
def networks(draw, least=1):
    members = draw(NAMES.filter(lambda names: len(names) >= least))
    weights = draw(st.dictionaries(st.sampled_from(members), st.integers(1, 100), max_size=3))
    return Shares(members, draw(st.integers(1, len(members))), weights, draw(st.text(max_size=5)))


def without(shares: Shares, name: str) -> Shares:
    members = tuple(member for member in shares.members if member != name)
    weights = {member: weight for member, weight in shares.weights.items() if member != name}
    return Shares(members, min(shares.redundancy, len(members)), weights, shares.salt)


@given(networks(), KEYS)
def test_exactly_so_many_members_find_a_file_theirs(shares, key):
    mine = [name for name in shares.members if shares.mine(name, key)]
    assert len(mine) == shares.redundancy
    assert set(mine) == set(shares.owners(key))
    assert [shares.rank(name, key) for name in shares.order(key)] == list(range(len(shares.members)))


@given(networks(), KEYS, st.randoms(use_true_random=False))
def test_the_order_of_members_is_of_no_consequence(shares, key, random):
    members = random.sample(shares.members, len(shares.members))
    assert Shares(tuple(members), shares.redundancy, shares.weights, shares.salt).order(key) == shares.order(
        key
    )


@given(networks(least=2), KEYS, st.data())
def test_whoever_goes_leaves_the_others_in_their_order(shares, key, data):
    """So a file changes hands only if the one who goes had it, or, read backwards, the one who comes gets it."""
    gone = data.draw(st.sampled_from(shares.members))
    after = without(shares, gone)
    assert after.order(key) == tuple(name for name in shares.order(key) if name != gone)
    if after.redundancy == shares.redundancy:
        kept = set(shares.owners(key)) - {gone}
        assert kept <= set(after.owners(key))
        assert len(set(after.owners(key)) - kept) == (gone in shares.owners(key))


@given(networks(), KEYS, st.data())
def test_more_weight_takes_files_from_others_and_loses_none(shares, key, data):
    name = data.draw(st.sampled_from(shares.members))
    more = min(100, shares.weights.get(name, 1) + data.draw(st.integers(0, 20)))
    heavier = Shares(shares.members, shares.redundancy, {**shares.weights, name: more}, shares.salt)
    assert heavier.rank(name, key) <= shares.rank(name, key)
    rest = [other for other in shares.order(key) if other != name]
    assert [other for other in heavier.order(key) if other != name] == rest


@settings(deadline=None, max_examples=20)
@given(st.integers(1, 7), st.integers(7, 60), st.text(max_size=5))
def test_everybody_gets_a_fair_part(redundancy, count, salt):
    """Within six standard deviations: a bound that chance breaks in one of 500 million."""
    shares = Shares(tuple(f"node-{number}" for number in range(count)), redundancy, salt=salt)
    files = 400
    had = dict.fromkeys(shares.members, 0)
    for number in range(files):
        for name in shares.owners(sha256_hex(b"%d" % number)):
            had[name] += 1
    part = redundancy / count
    for number in had.values():
        assert abs(number - files * part) <= 6 * math.sqrt(files * part * (1 - part)) + 1


def test_the_parts_are_as_even_as_those_of_a_lottery():
    """Chi-square over 50 members and 20 000 files: its mean is 49, its standard deviation 9.9."""
    shares = Shares(tuple(f"node-{number}.example" for number in range(50)), 1)
    had = dict.fromkeys(shares.members, 0)
    for number in range(20_000):
        had[shares.owners(sha256_hex(b"%d" % number))[0]] += 1
    assert 49 - 4 * 9.9 < sum((number - 400) ** 2 / 400 for number in had.values()) < 49 + 4 * 9.9


def test_weights_are_parts():
    weights = {"a": 1, "b": 2, "c": 5, "d": 12}
    shares = Shares(tuple(weights), 1, weights)
    had = dict.fromkeys(weights, 0)
    files = 20_000
    for number in range(files):
        had[shares.owners(sha256_hex(b"%d" % number))[0]] += 1
    for name, weight in weights.items():
        part = weight / sum(weights.values())
        assert abs(had[name] - files * part) < 4 * math.sqrt(files * part * (1 - part))


def test_another_salt_deals_anew():
    names = tuple(f"node-{number}" for number in range(20))
    one, other = (Shares(names, 3, salt=salt) for salt in ("2026", "2027"))
    keys = [sha256_hex(b"%d" % number) for number in range(500)]
    common = sum(len(set(one.owners(key)) & set(other.owners(key))) for key in keys)
    assert 0.10 < common / (3 * len(keys)) < 0.20  # by chance 3 of 20
