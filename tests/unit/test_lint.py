"""What is unwise in a policy is said, and a wise one has nothing said about it."""

from datetime import date

import pytest

from tests.integration.trusted_nodes import ALPHA, BETA, GAMMA, policy
from witness.lint import lint
from witness.policy import Exemption, TrustedWitness

TODAY = date(2026, 6, 1)
HOSTS = ("Cloud A", "Cloud B", "own machine")


def placed(*hosts, url="https://{}.example/"):
    return tuple(
        TrustedWitness(node.identity, url.format(node.name), (("hosting", host),) if host else ())
        for node, host in zip((ALPHA, BETA, GAMMA), hosts, strict=True)
    )


def wise(**changes):
    values = {"cosigners": 1, "witnesses": placed(*HOSTS), "diversity": (("hosting", 2),)}
    return policy(ALPHA, BETA, GAMMA, **(values | changes))


def exempt(expires):
    return (Exemption("demo", "ours", expires),)


def test_a_wise_policy():
    assert lint(wise(exemptions=exempt(date(2026, 12, 1))), TODAY) == ()


@pytest.mark.parametrize(
    ("changes", "key", "says"),
    [
        ({"threshold": 1}, "threshold", "alone"),
        ({"threshold": 3}, "threshold", "when one is silent"),
        ({"veto": 2}, "veto", "2 operators must find"),
        ({"accept": frozenset({"bitwise", "content"})}, "accept", "'content'"),
        ({"accept": frozenset({"metadata", "static"})}, "accept", "'static'"),
        ({"max_age_days": 1000}, "max-age-days", "1000 days"),
        ({"cosigners": 0}, "cosigners", "nobody vouches"),
        ({"witnesses": placed("A", "A", "A")}, "hosting", "one company"),
        ({"witnesses": placed(None, None, None)}, "hosting", "not said"),
        ({"diversity": ()}, "diversity", "different places"),
        ({"fail_on": frozenset({"divergent"})}, "fail-on", "bad-signature, disputed"),
        ({"exemptions": exempt(date(2026, 5, 31))}, "exempt[1]", "ended"),
        ({"exemptions": exempt(date(2026, 6, 1))}, "exempt[1]", "ends on"),
        ({"exemptions": exempt(date(2026, 7, 1))}, "exempt[1]", "ends on"),
    ],
)
def test_what_is_unwise(changes, key, says):
    (advice,) = lint(wise(**changes), TODAY)
    assert advice.key == key
    assert says in advice.problem
    assert advice.advice


def test_addresses_without_tls():
    found = lint(wise(witnesses=placed(*HOSTS, url="http://{}.example/")), TODAY)
    assert [item.key for item in found] == ["witness[1].url", "witness[2].url", "witness[3].url"]
    for fine in ("http://127.0.0.1:8000/{}", "mirror/{}"):
        assert lint(wise(witnesses=placed(*HOSTS, url=fine)), TODAY) == ()
