"""Signed summaries: what is signed is what is read, and nothing else is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.integration.trusted_nodes import NOW, WHEEL, key_file
from tests.mangling import flips, prefixes
from witness import canonical, dsse, summary
from witness.errors import Malformed, Unverified
from witness.limits import MAX_ENTRY
from witness.summary import Accepted, Summary, open_summary

KEY = key_file("a gate")
POLICIES = (("policy.toml", "a" * 64), ("pyproject.toml", "c" * 64))
TOLD = Summary(NOW, POLICIES, (Accepted(WHEEL, "b" * 64, "reproduced", "bitwise"),))


def signed(told=TOLD, key=KEY):
    return summary.sign(told, key.public_key, key.sign)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=50)


@given(st.lists(st.tuples(TEXT, st.integers(0, 2**256 - 1)), min_size=1, max_size=5))
def test_what_is_read_is_what_was_signed(files):
    told = Summary(
        NOW,
        POLICIES,
        tuple(Accepted(name, f"{number:064x}", "equivalent", "metadata") for name, number in files),
    )
    assert open_summary(signed(told), [KEY.public_key]) == told


def test_it_is_an_in_toto_statement_with_a_simple_verification_result():
    statement = json.loads(dsse.parse(signed()).payload)
    assert statement == {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "https://in-toto.io/attestation/svr/v0.2",
        "subject": [
            {
                "name": WHEEL,
                "digest": {"sha256": "b" * 64},
                "annotations": {"verdict": "reproduced", "level": "bitwise"},
            }
        ],
        "predicate": {
            "verifier": {
                "id": "https://wheelwitness.example/verifier/v1",
                "policies": [
                    {"name": "policy.toml", "digest": {"sha256": "a" * 64}},
                    {"name": "pyproject.toml", "digest": {"sha256": "c" * 64}},
                ],
            },
            "timeCreated": "2026-06-01T00:00:00Z",
            "properties": ["WHEELWITNESS:POLICY_SATISFIED"],
        },
    }


def test_it_may_be_larger_than_an_entry_of_a_log():
    many = tuple(Accepted(WHEEL, f"{number:064x}", "reproduced", "bitwise") for number in range(1000))
    data = signed(Summary(NOW, POLICIES, many))
    assert len(data) > MAX_ENTRY
    assert open_summary(data, [KEY.public_key]).accepted == many


def test_nothing_accepted_is_nothing_to_sign():
    with pytest.raises(Malformed):
        signed(Summary(NOW, POLICIES, ()))


def test_another_key_is_refused():
    other = key_file("another")
    with pytest.raises(Unverified):
        open_summary(signed(key=other), [KEY.public_key])
    assert open_summary(signed(key=other), [KEY.public_key, other.public_key]) == TOLD


def test_no_byte_can_be_changed_or_left_out():
    data = signed()
    hint = data.index(b'"keyid"'), data.index(b'"sig"')  # says which key to try first, and is not believed
    for mangled in (*prefixes(data), *flips(data)):
        if mangled[: hint[0]] == data[: hint[0]] and mangled[hint[1] :] == data[hint[1] :]:
            continue
        with pytest.raises((Malformed, Unverified)):
            open_summary(mangled, [KEY.public_key])


STATEMENT = json.loads(dsse.parse(signed()).payload)


@pytest.mark.parametrize(
    "change",
    [
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"predicateType": "https://in-toto.io/attestation/svr/v0.1"},
        {"subject": []},
        {"subject": [{"name": "x", "digest": {"sha256": "b" * 64}}]},
        {"predicate": STATEMENT["predicate"] | {"properties": []}},
        {"predicate": STATEMENT["predicate"] | {"timeCreated": "yesterday"}},
        {
            "predicate": STATEMENT["predicate"]
            | {"verifier": {"id": "https://other.example/", "policies": []}}
        },
        {"predicate": STATEMENT["predicate"] | {"verifier": {"id": summary.VERIFIER, "policies": []}}},
        {"extra": 1},
    ],
)
def test_another_statement_is_refused_though_it_is_signed(change):
    payload = canonical.dumps(STATEMENT | change)
    data = dsse.encode(dsse.seal(payload, KEY.public_key, KEY.sign))
    with pytest.raises(Malformed):
        open_summary(data, [KEY.public_key])
