"""A project's policy: whatever it says, the user's policy holds at least."""

import itertools

import pytest

from tests.integration.trusted_nodes import ALPHA, BETA, GAMMA, NOW, SHA, policy, stated
from witness.errors import InputError
from witness.evidence import Artifact, Evidence
from witness.outcome import DEFAULT_FAIL_ON, FAILURES
from witness.policy import ACCEPTABLE
from witness.tightening import KEYS, table_in, tightened
from witness.verdict import decide

USERS = policy(
    ALPHA,
    BETA,
    GAMMA,
    threshold=2,
    veto=2,
    cosigners=1,
    independent=1,
    max_age_days=100,
    max_attempts=3,
    accept=frozenset({"bitwise", "archive", "metadata"}),
    fail_on=frozenset({"divergent", "stale"}),
)


def asked(text, name="wheelwitness.toml"):
    table = table_in(text, name=name, pyproject=name == "pyproject.toml")
    return None if table is None else tightened(USERS, table, name=name)


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("threshold = 2", "threshold", 2),
        ("threshold = 3", "threshold", 3),
        ("veto = 1", "veto", 1),
        ("cosigners = 2", "cosigners", 2),
        ("independent = 2", "independent", 2),
        ("max-age-days = 30", "max_age_days", 30),
        ("max-attempts = 1", "max_attempts", 1),
        ('accept = ["bitwise"]', "accept", {"bitwise"}),
        ('fail-on = ["divergent", "stale", "unattempted"]', "fail_on", {"divergent", "stale", "unattempted"}),
    ],
)
def test_it_can_ask_for_more(text, field, value):
    result = asked(text)
    assert getattr(result, field) == value
    others = [name for name in USERS.__slots__ if name != field]
    assert [getattr(result, name) for name in others] == [getattr(USERS, name) for name in others]


def test_it_can_name_fewer_witnesses_for_agreement():
    result = asked('witnesses = ["gamma", "alpha"]')
    assert (result.witnesses, result.agreeing) == (USERS.witnesses, {"alpha", "gamma"})


@pytest.mark.parametrize(
    ("says", "outcome"),
    [
        (("match", "match", "match"), "reproduced"),
        (("match", "match", None), "insufficient"),
        (("match", None, "match"), "reproduced"),
        (("match", "mismatch", "match"), "disputed"),
        ((None, "mismatch", None), "divergent"),
    ],
)
def test_a_witness_that_the_project_does_not_name_can_still_dissent(says, outcome):
    users = policy(ALPHA, BETA, GAMMA)
    nodes = (ALPHA, BETA, GAMMA)
    heard = [node.verified(stated(node, said)) for node, said in zip(nodes, says, strict=True) if said]
    tighter = tightened(users, {"witnesses": ["alpha", "gamma"]}, name="x")
    assert decide(Artifact(SHA), Evidence(tuple(heard)), tighter, NOW).outcome == outcome


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("threshold = 1", "threshold"),
        ("veto = 3", "veto"),
        ("cosigners = 0", "cosigners"),
        ("independent = 0", "independent"),
        ("max-age-days = 101", "max-age-days"),
        ("max-attempts = 4", "max-attempts"),
        ('accept = ["bitwise", "content"]', "accept"),
        ('accept = ["metadata", "static"]', "accept"),
        ('fail-on = ["divergent"]', "fail-on"),
        ('fail-on = ["unattempted"]', "fail-on"),
        ('witnesses = ["alpha", "beta", "mallory"]', "witnesses"),
    ],
)
def test_it_cannot_ask_for_less(text, key):
    with pytest.raises(InputError, match=rf"wheelwitness\.toml: {key}: ") as caught:
        asked(text)
    assert "can only tighten" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "threshold = 4",
        'witnesses = ["alpha"]',
        "cosigners = 3",
        "[diversity]\ncountry = 2",
        'accept = ["static"]',
        'accept = ["exact"]',
        'fail-on = ["bad"]',
        'threshold = "2"',
        "threshold = true",
        "threshold = 0",
        "accept = []",
        "treshold = 3",
        "=",
        "[diversity]\nplanet = 2",
    ],
)
def test_what_is_no_policy_or_cannot_be_met_is_refused(text):
    with pytest.raises(InputError, match=r"wheelwitness\.toml: "):
        asked(text)


@pytest.mark.parametrize("key", ["witness", "exempt", "version", "project-policy"])
def test_whom_to_believe_and_what_to_exempt_is_not_the_projects(key):
    with pytest.raises(InputError, match=f"'{key}' belongs into the policy of whoever installs"):
        tightened(USERS, {key: [{"package": "demo"}]}, name="wheelwitness.toml")


def test_dissent_by_static_checks_is_heard_whatever_the_project_accepts():
    users = policy(ALPHA, BETA, GAMMA, accept=frozenset({"bitwise", "metadata", "static"}))
    assert tightened(users, {"accept": ["bitwise"]}, name="x").accept == {"bitwise", "static"}


def test_diversity_can_grow_and_not_shrink():
    traits = (("country", "NL"),), (("country", "JP"),), (("country", "NL"),)
    spread_out = USERS.witnesses
    named = tuple(
        type(item)(item.identity, item.url, trait) for item, trait in zip(spread_out, traits, strict=True)
    )
    users = policy(ALPHA, BETA, GAMMA, witnesses=named, diversity=(("country", 1),))
    assert tightened(users, {"diversity": {"country": 2}}, name="x").diversity == (("country", 2),)
    stricter = policy(ALPHA, BETA, GAMMA, witnesses=named, diversity=(("country", 2),))
    with pytest.raises(InputError, match=r"diversity\.country: 1 is looser"):
        tightened(stricter, {"diversity": {"country": 1}}, name="x")


def test_pyproject_has_a_table_for_it():
    assert asked("[tool.wheelwitness]\nthreshold = 3\n[tool.other]\nx = 1", "pyproject.toml").threshold == 3
    assert asked("[project]\nname = 'demo'", "pyproject.toml") is None
    assert asked("tool = 1", "pyproject.toml") is None
    with pytest.raises(InputError, match=r"tool\.wheelwitness: not a table"):
        asked("[tool]\nwheelwitness = 1", "pyproject.toml")


def test_no_combination_is_looser_than_the_policy():
    """Every subset of what can be asked for: refused, or at least as strict in every field."""
    values = {
        "threshold": (1, 2, 3),
        "veto": (1, 2, 3),
        "max-age-days": (50, 150),
        "accept": tuple(itertools.combinations(ACCEPTABLE, 2)),
        "fail-on": (("divergent", "stale"), ("divergent",), tuple(FAILURES)),
    }
    accepted = 0
    for chosen in itertools.product(*values.values()):
        try:
            result = tightened(USERS, dict(zip(values, map(_listed, chosen), strict=True)), name="x")
        except InputError:
            continue
        accepted += 1
        assert result.threshold >= USERS.threshold
        assert result.veto <= USERS.veto
        assert result.max_age_days <= USERS.max_age_days
        assert result.accept <= USERS.accept
        assert result.fail_on >= USERS.fail_on
    assert accepted


def _listed(value):
    return list(value) if isinstance(value, tuple) else value


def test_the_default_is_what_a_policy_without_fail_on_stops_at():
    users = policy(ALPHA, BETA)
    with pytest.raises(InputError, match="leaves out"):
        tightened(users, {"fail-on": ["divergent"]}, name="x")
    more = [*sorted(DEFAULT_FAIL_ON), "equivalent"]
    assert tightened(users, {"fail-on": more}, name="x").fail_on == frozenset(more)


def test_every_key_is_one_that_a_policy_has_or_names_witnesses():
    numbers = {"threshold", "cosigners", "independent", "veto", "max-age-days", "max-attempts"}
    assert set(KEYS) - {"witnesses"} == numbers | {"accept", "fail-on", "diversity"}
