"""Whose share a file is, in a table; what cannot be a `[share]`; and what node.toml makes of it."""

import json

import pytest

from rebuilders.node.config import parse
from rebuilders.node.shares import Shares, duty, share_key
from witness.digest import sha256_hex
from witness.errors import InputError

ABCD = ("node-a.example", "node-b.example", "node-c.example", "node-d.example")
KEY = sha256_hex(b"a published file")
HEAD = 'version = 1\nname = "node-a.example"\noperator = "Operator A"\n'


def test_what_every_node_must_find_alike_in_every_version():
    """Nodes of different versions agree only as long as these do not change."""
    order = Shares(ABCD, 2).order
    assert [order(str(number)).index("node-a.example") for number in range(8)] == [2, 2, 1, 2, 2, 2, 3, 1]
    assert Shares(ABCD, 2, {"node-a.example": 3}, "salt").owners(KEY) == ("node-c.example", "node-a.example")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"members": ()}, "share.members: 0 names, and not 1 to 10000"),
        ({"members": ABCD * 3000}, "share.members: 12000 names, and not 1 to 10000"),
        ({"members": (*ABCD, "node-b.example")}, "share.members: 'node-b.example' is named twice"),
        ({"redundancy": 5}, "share.redundancy: 5, and not 1 to 4, the number of members"),
        ({"redundancy": 0}, "share.redundancy: 0, and not 1 to 4, the number of members"),
        ({"weights": {"node-z": 2}}, "share.weights: 'node-z' is not among the members"),
        ({"weights": {"node-a.example": 0}}, "share.weights: 'node-a.example' has 0, and not 1 to 100"),
        ({"weights": {"node-a.example": 101}}, "share.weights: 'node-a.example' has 101, and not 1 to 100"),
        ({"weights": {"node-a.example": True}}, "share.weights: 'node-a.example' has True, and not 1 to 100"),
    ],
)
def test_what_makes_no_sense(changes, message):
    with pytest.raises(InputError) as raised:
        Shares(**({"members": ABCD, "redundancy": 2} | changes))
    assert str(raised.value) == message
    assert "node.toml" in raised.value.hint


def test_a_node_that_is_no_member_is_told_so():
    with pytest.raises(InputError, match=r"share.members: 'node-\\\\u202ez', this node's name, is not among"):
        Shares(ABCD, 2).mine("node-\u202ez", KEY)


def test_a_file_is_known_by_its_digest_or_else_its_name():
    assert share_key("demo-1.0-py3-none-any.whl", KEY) == KEY
    assert share_key("demo-1.0-py3-none-any.whl", None) == "demo-1.0-py3-none-any.whl"


def test_names_and_keys_do_not_run_into_each_other():
    """What is hashed is the same for no two of (salt, key, name)."""
    pairs = [("ab", "c"), ("a", "bc"), ("a\n", "bc"), ("", "abc"), ("abc", "")]
    orders = [Shares(tuple(map(str, range(40))), 1, salt=salt).order(key) for salt, key in pairs]
    assert len(set(orders)) == len(pairs)


def test_a_file_name_that_no_encoding_has_is_somebodys_all_the_same():
    assert len(Shares(ABCD, 2).owners("\udc80.whl")) == 2


def test_what_a_node_does():
    shares = Shares(ABCD, 2)
    for name in ABCD:
        for rest in ("later", "never"):
            expected = "mine" if name in shares.owners(KEY) else rest
            assert duty(shares, name, KEY, rest) == expected
    assert duty(None, "anybody", KEY) == "mine"


def config(share: str):
    return parse(f"{HEAD}\n[share]\nmembers = {json.dumps(ABCD)}\n{share}", "node.toml")


def test_a_node_by_its_configuration():
    keys = [sha256_hex(b"%d" % number) for number in range(40)]
    for share, expected in (
        ('redundancy = 2\nrest = "never"', Shares(ABCD, 2)),
        ('redundancy = 3\nsalt = "s"\nrest = "never"', Shares(ABCD, 3, salt="s")),
        (
            'redundancy = 1\nweights = {"node-a.example" = 9}\nrest = "never"',
            Shares(ABCD, 1, {"node-a.example": 9}),
        ),
    ):
        found = [config(share).duty("demo.whl", key) == "mine" for key in keys]
        assert found == [expected.mine("node-a.example", key) for key in keys]
        assert True in found
        assert False in found
    assert {config("redundancy = 2").duty("demo.whl", key) for key in keys} == {"mine", "later"}
    assert parse(HEAD, "node.toml").duty("demo.whl", KEY) == "mine"


@pytest.mark.parametrize(
    ("share", "message"),
    [
        ("redundancy = 5", "node.toml: share.redundancy: 5, and not 1 to 4"),
        ('rest = "perhaps"', "node.toml: share.rest: Input should be 'later' or 'never'"),
        ("redundancy = 2.0", "node.toml: share.redundancy: Input should be a valid integer"),
        ("who = 1", "node.toml: share.who: Extra inputs are not permitted"),
        ('weights = { "node-z" = 1 }', "node.toml: share.weights: 'node-z' is not among the members"),
    ],
)
def test_a_configuration_that_makes_no_sense(share, message):
    with pytest.raises(InputError) as raised:
        config(share)
    assert message in str(raised.value)


def test_a_configuration_without_this_node():
    text = HEAD.replace("node-a.example", "node-x.example") + f"[share]\nmembers = {json.dumps(ABCD)}\n"
    with pytest.raises(InputError, match=r"node.toml: share.members: 'node-x.example', this node's name"):
        parse(text, "node.toml")
