import pytest

from tests.mangling import flips, prefixes
from tests.signed_log import node
from witness import note
from witness.errors import Malformed, Unverified
from witness.note import Note
from witness.tlog import quorum
from witness.tlog.checkpoint import Checkpoint
from witness.tlog.quorum import Group, QuorumPolicy

LOG = node("node-a").log
COSIGNERS = {name: node(f"node-{name}").cosigner for name in "uvwxyz"}
LINES = [f"log {LOG.key.text} https://node-a.example/\n"]
LINES += [f"witness {name} {cosigner.key.text}\n" for name, cosigner in COSIGNERS.items()]
LINES += [
    "group first 2 u v w\n",
    "group second any x y z\n",
    "group both all first second\n",
    "quorum both\n",
]
TEXT = "".join(LINES)
POLICY = quorum.parse(TEXT.encode())


def signed(by, tree=None):
    text = (tree or Checkpoint(LOG.name, 5, bytes(32))).text
    return note.encode(Note(text, (LOG.sign(text), *(COSIGNERS[name].sign(text, 7) for name in by))))


def test_round_trip():
    assert [item.name for item in POLICY.cosigners] == list("uvwxyz")
    assert POLICY.groups[-1] == Group("both", 2, ("first", "second"))
    assert POLICY.logs[0].url == "https://node-a.example/"
    assert quorum.parse(POLICY.text.encode()) == POLICY


def test_layout_is_free():
    loose = TEXT.replace(" ", " \t ").replace("group first", "\n# comment\n  # another\n \t group first")
    assert quorum.parse(loose.encode()) == POLICY


def test_every_prefix_is_refused():
    for data in prefixes(TEXT.encode()):
        with pytest.raises(Malformed):
            quorum.parse(data)


def test_no_flipped_byte_gives_the_same_policy():
    for data in flips(TEXT.encode(), masks=(0x01, 0x80)):
        try:
            parsed = quorum.parse(data)
        except Malformed:
            continue
        assert parsed != POLICY
        assert quorum.parse(parsed.text.encode("utf-8", "surrogateescape")) == parsed


@pytest.mark.parametrize(
    ("by", "enough"),
    [
        ("", False),
        ("uvw", False),
        ("ux", False),
        ("uvx", True),
        ("vwz", True),
        ("xyz", False),
        ("uvwxyz", True),
    ],
)
def test_groups(by, enough):
    assert POLICY.satisfied_by({COSIGNERS[name].key.public_key for name in by}) is enough
    if enough:
        assert POLICY.open(signed(by)).checkpoint.size == 5
    else:
        with pytest.raises(Unverified, match="cosigned by too few"):
            POLICY.open(signed(by))


def test_one_cosigner_counts_once_however_often_it_signs():
    with pytest.raises(Unverified, match="too few"):
        POLICY.open(signed("uuux"))


def test_of_an_unknown_log():
    other = QuorumPolicy(tuple(quorum.parse(b"quorum none\n").logs), (), (), None)
    with pytest.raises(Unverified, match="names no log"):
        other.open(signed(""))
    elsewhere = signed("uvx", Checkpoint("node-b.example/log", 5, bytes(32)))
    with pytest.raises(Unverified, match="of the log"):
        POLICY.open(elsewhere)


def test_none_needs_no_cosigner():
    policy = quorum.parse(f"log {LOG.key.text}\nquorum none\n".encode())
    assert policy.quorum is None
    assert policy.open(signed("")).checkpoint.size == 5


KEYS = {name: cosigner.key.text for name, cosigner in COSIGNERS.items()}
U, V = f"witness u {KEYS['u']}\n", f"witness v {KEYS['v']}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "0 quorum lines"),
        ("quorum none\nquorum none\n", "2 quorum lines"),
        ("quorum none", "last line"),
        ("quorum none\r\n", "control character"),
        ("quorum u\n", "defined before"),
        (f"quorum u\n{U}", "defined before"),
        (f"{U}{U}quorum u\n", "name that is taken"),
        (f"{U}witness w {KEYS['u']}\nquorum u\n", "key twice"),
        (f"witness none {KEYS['u']}\nquorum none\n", "name that is taken"),
        (f"{U}group u any u\nquorum u\n", "name that is taken"),
        (f"{U}group g any none\nquorum g\n", "not defined before"),
        (f"{U}group g any g\nquorum g\n", "not defined before"),
        (f"{U}group g any u u\nquorum g\n", "one already"),
        (f"{U}group g any u\ngroup h any u\nquorum g\n", "one already"),
        (f"{U}group g 2 u\nquorum g\n", "beyond the number"),
        (f"{U}group g 0 u\nquorum g\n", "any, all or a number"),
        (f"{U}group g 01 u\nquorum g\n", "any, all or a number"),
        (f"{U}{V}group g all\nquorum g\n", "a threshold and members"),
        (f"witness u {LOG.key.text}\nquorum u\n", "not of algorithm"),
        (f"log {KEYS['u']}\nquorum none\n", "not of algorithm"),
        (f"log {LOG.key.text}\nlog {LOG.key.text}\nquorum none\n", "key twice"),
        ("witness u\nquorum none\n", "a name, a key"),
        ("log\nquorum none\n", "a log has a key"),
        ("mirror x\nquorum none\n", "neither a log"),
    ],
)
def test_what_is_no_policy(text, message):
    with pytest.raises(Malformed, match=message):
        quorum.parse(text.encode())
