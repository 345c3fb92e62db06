"""`node.json` of strangers: read strictly where it matters, and never believed."""

import json

import pytest

from tests.integration.trusted_nodes import ALPHA
from tests.mangling import prefixes
from witness import policy
from witness.errors import InputError, Malformed, Unverified
from witness.nodeinfo import MAX_NODE, fingerprint, parse, software_of
from witness.policyfile import with_witness
from witness.trusting import expect


def node_json(node=ALPHA, **changes):
    """As `rebuilder init` writes it."""
    identity = node.identity
    value = {
        "schema": "node/1",
        "name": node.name,
        "operator": node.operator,
        "url": f"https://{node.name}.example/",
        "keys": [key.text for key in identity.keys],
        "logKey": identity.log_key.text,
        "cosignerKey": identity.cosigner_key.text,
        "software": {"name": "wheelwitness", "version": "0.1.0"},
        "lookupWidth": 2,
    }
    value |= changes
    return (
        json.dumps({key: item for key, item in value.items() if item is not None}, indent=2).encode() + b"\n"
    )


def test_what_init_writes_is_read():
    node = parse(node_json())
    assert (node.identity, node.url) == (ALPHA.identity, "https://alpha.example/")
    assert len(node.keys) == 3


@pytest.mark.parametrize(
    "changes", [{"later": {"key": [1]}}, {"cosignerKey": None}, {"url": None}, {"url": 1}]
)
def test_what_can_be_missing_or_new(changes):
    assert parse(node_json(**changes)).identity.log_key == ALPHA.identity.log_key


SIGSTORE = {"identity": "ci@operator.example", "issuer": "https://issuer.example"}


def test_a_node_that_signs_in_a_name():
    node = parse(node_json(keys=None, sigstore=SIGSTORE))
    assert (node.identity.keys, node.identity.sigstore.name) == ((), "ci@operator.example")
    assert node.keys[0] == "sigstore:ci@operator.example https://issuer.example"
    text = with_witness("version = 1\nthreshold = 1\n", node.identity, "https://a.example/", name="p")
    assert policy.parse(text, name="p").witnesses[0].identity == node.identity


@pytest.mark.parametrize(
    "changes",
    [
        {"sigstore": SIGSTORE},
        {"keys": None},
        {"keys": None, "sigstore": {}},
        {"keys": None, "sigstore": SIGSTORE | {"issuer": "a\x1b"}},
        {"keys": None, "sigstore": "ci@operator.example"},
        {"schema": "node/2"},
        {"name": ""},
        {"name": " "},
        {"name": "a\x1b[2J"},
        {"name": "\u202enode"},
        {"name": "a" * 201},
        {"name": 1},
        {"operator": None},
        {"operator": "a\nb"},
        {"keys": []},
        {"keys": "ed25519:AAAA"},
        {"keys": ["ed25519:AAAA"]},
        {"keys": [1]},
        {"keys": [ALPHA.identity.keys[0].text] * 21},
        {"logKey": None},
        {"logKey": "x"},
        {"logKey": {}},
        {"cosignerKey": "x"},
        {"later": "x" * MAX_NODE},
    ],
)
def test_what_is_no_node(changes):
    with pytest.raises(Malformed, match=r"node\.json"):
        parse(node_json(**changes))


def test_half_a_file_is_none():
    for data in prefixes(node_json().rstrip()):
        with pytest.raises(Malformed):
            parse(data)


def test_fingerprints_can_be_compared_by_people():
    shown = fingerprint("ed25519:x")
    assert len(shown.split(" ")) == 16
    assert shown != fingerprint("ed25519:y")


def test_expected_keys():
    node = parse(node_json())
    expect(node, (), every=False)
    expect(node, node.keys[:1], every=False)
    expect(node, node.keys, every=True)
    for missing in range(3):
        keys = [key for place, key in enumerate(node.keys) if place != missing]
        with pytest.raises(InputError, match="--yes trusts only keys that you expect") as caught:
            expect(node, keys, every=True)
        assert node.keys[missing] in caught.value.hint
    for every in (False, True):
        with pytest.raises(Unverified, match="not the node that you expect"):
            expect(node, [*node.keys, "ed25519:other"], every=every)


@pytest.mark.parametrize(
    ("software", "told"),
    [
        ({"name": "wheelwitness", "version": "0.1.0"}, "wheelwitness 0.1.0"),
        ({"name": "x" * 100, "version": "\x1b[31m"}, "x" * 60),
        ({"name": ["x"], "version": 1}, ""),
        ({"name": "x"}, ""),
        ("wheelwitness", ""),
        (None, ""),
    ],
)
def test_the_software_that_a_node_names(software, told):
    assert software_of(node_json(software=software)) == told


def test_the_software_of_what_is_no_node():
    assert [software_of(data) for data in (b"", b"[]", b"\xff", b"{" * 99)] == [""] * 4
