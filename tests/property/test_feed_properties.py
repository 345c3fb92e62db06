"""Whatever an index does with a project's files: what is remembered is what was listed, and each is wanted once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from rebuilders.index.interface import IndexFile
from rebuilders.node.feed.changes import GRACE, compare
from rebuilders.node.feed.choice import Rules, choose
from rebuilders.node.priorities import PRIORITIES

START = datetime(2026, 3, 2, tzinfo=UTC)
NAMES = [
    "demo-1.0-py3-none-any.whl",
    "demo-1.0-py2-none-any.whl",
    "demo-1.0-cp311-cp311-linux_x86_64.whl",
    "demo-1.0.tar.gz",
    "demo-2.0-py3-none-any.whl",
    "demo-2.0rc1-py3-none-any.whl",
    "demo-2.0.tar.gz",
    "other-1.0-py3-none-any.whl",
    "demo.exe",
]

files = st.builds(
    IndexFile,
    filename=st.sampled_from(NAMES),
    url=st.just("https://files.example/x"),
    sha256=st.sampled_from(["aa" * 32, "bb" * 32, "cc" * 32]),
    size=st.none() | st.integers(-1, 2**60),
    upload_time=st.none() | st.integers(-800, 800).map(lambda hours: START + timedelta(hours=hours)),
    yanked=st.booleans(),
)
looks = st.lists(
    st.tuples(
        st.none() | st.lists(files, max_size=8),  # None: the page has not changed
        st.integers(-5, 300),  # hours since the look before; clocks are put back, too
        st.sampled_from(["active", "archived", "quarantined"]),
    ),
    max_size=8,
)
rules = st.builds(
    Rules,
    versions=st.sampled_from(["latest", "all", "new"]),
    pure_only=st.booleans(),
    pinned=st.sets(st.sampled_from(["aa" * 32, "bb" * 32])).map(frozenset),
    duty=st.sampled_from(["mine", "later", "never"]).map(lambda duty: lambda _name, _sha256: duty),
)


@given(looks, rules, st.sets(st.sampled_from(["aa" * 32, "cc" * 32])).map(frozenset))
def test_whatever_the_index_does(looks, rules, observed):
    known, now = {}, START
    for listed, hours, status in looks:
        now += timedelta(hours=hours)
        told = None if listed is None else tuple(listed)
        changes = compare("demo", known, told, now, START)
        assert changes.touched == {name for name in changes.files if known.get(name) != changes.files[name]}
        assert set(known) <= set(changes.files)
        assert all(name.startswith("demo-") for name in changes.files)
        there = None if told is None else {file.filename for file in told} & set(changes.files)
        for name, file in changes.files.items():
            assert not file.gone or file.missing is not None
            if there is not None:
                assert (file.missing is None) == (name in there)
            if file.gone and not (name in known and known[name].gone):
                assert now - file.missing >= GRACE
                assert name in known

        choice = choose(changes, rules, since=START, now=now, status=status, observed=observed)
        wanted = [str(want.target) for want in choice.wants]
        assert len(wanted) == len(set(wanted))
        assert not set(wanted) & {str(target) for target in choice.drops}
        for want in choice.wants:
            file = changes.files[str(want.target)]
            assert want.why in PRIORITIES
            if want.why in ("deleted", "quarantined"):
                assert (file.gone, file.sha256 in observed, file.size is not None) == (True, True, True)
            else:
                assert file.missing is None
                assert rules.duty("", "") != "never"
                assert not rules.pure_only or want.target.wheel.is_pure
            if want.why in ("new", "late", "backlog", "pinned"):
                late_sdist = known.get(str(want.target)) is not None and want.why == "late"
                assert late_sdist or not file.wanted
        settled = {name: replace(changes.files[name], wanted=True) for name in choice.settled}
        known = {**changes.files, **settled}

        # The same page once more says nothing new.
        again = compare("demo", known, told, now, START)
        assert (again.touched, again.events) == (frozenset(), ())
        more = choose(again, rules, since=START, now=now, status=status, observed=observed)
        assert (more.wants, more.drops, more.settled) == ((), (), frozenset())
