"""Policies fail closed, and every message names the file and the place in it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.trusted_nodes import ALPHA, BETA, GAMMA
from tests.rebuild_service import Service
from witness import policy
from witness.errors import InputError
from witness.keyless.identity import KeylessIdentity

HEAD = "version = 1\nthreshold = 2\n"
TWO = ALPHA.toml("https://alpha.example/") + BETA.toml("https://beta.example/")
PLACED = (
    ALPHA.toml("https://alpha.example/")
    + 'country = "NL"\n'
    + BETA.toml("https://beta.example/")
    + 'country = "JP"\nplatform = "linux-x86_64"\n'
)
KEYLESS = "".join(
    re.sub(
        r"keys = .*",
        f'sigstore = {{ identity = "{node.name}@ci.example", issuer = "https://ci.example" }}',
        toml,
    )
    for node, toml in ((ALPHA, ALPHA.toml("a")), (BETA, BETA.toml("b")))
)
EXEMPT = '\n[[exempt]]\npackage = "Internal_Thing"\nreason = "ours"\nexpires = 2027-06-01\n'


def test_a_policy_with_defaults():
    parsed = policy.parse(HEAD + TWO + EXEMPT, name="p.toml")
    assert (parsed.threshold, parsed.veto, parsed.cosigners, parsed.max_age_days) == (2, 1, 0, 400)
    assert parsed.accept == {"bitwise", "archive"}
    assert [item.identity for item in parsed.witnesses] == [ALPHA.identity, BETA.identity]
    assert parsed.operators == {"Operator A", "Operator B"}
    assert parsed.exemption("internal.thing").reason == "ours"
    assert parsed.exemption("other") is None
    assert parsed.cosigners_known[0] == ("Operator A", ALPHA.identity.cosigner_key)


def test_a_name_and_its_issuer_instead_of_keys():
    parsed = policy.parse(HEAD + KEYLESS.replace(" }", ', trust = "root.json" }', 1), name="p.toml")
    alpha, beta = (item.identity for item in parsed.witnesses)
    assert alpha.sigstore == KeylessIdentity("alpha@ci.example", "https://ci.example", "root.json")
    assert beta.sigstore == KeylessIdentity("beta@ci.example", "https://ci.example")
    assert alpha.keys == beta.keys == ()
    assert ALPHA.identity.sigstore is None


def test_everything_that_can_be_said():
    said = 'veto = 2\nmax-age-days = 30\ncosigners = 1\nindependent = 2\naccept = ["bitwise", "static"]\n'
    parsed = policy.parse(HEAD + said + TWO, name="p.toml")
    assert (parsed.veto, parsed.max_age_days, parsed.cosigners, parsed.independent) == (2, 30, 1, 2)
    assert parsed.accept == {"bitwise", "static"}


def test_where_witnesses_stand_is_what_the_policy_says():
    text = "max-attempts = 3\n" + PLACED + "[diversity]\ncountry = 2\nplatform = 1\n"
    parsed = policy.parse(HEAD + text, name="p.toml")
    assert (parsed.diversity, parsed.max_attempts) == ((("country", 2), ("platform", 1)), 3)
    assert parsed.traits_of("beta") == (("country", "JP"), ("platform", "linux-x86_64"))
    assert parsed.traits_of("nobody") == ()


def quorum(*nodes, lines=""):
    """A quorum of every one of `nodes`, each under its name as a cosigner."""
    named = "".join(f"witness {node.name} {node.identity.cosigner_key.text}\n" for node in nodes)
    members = " ".join(node.name for node in nodes)
    return f'cosigner-quorum = """\n{named}{lines or f"group q all {members}"}\nquorum q\n"""\n'


GROUP = "group q any alpha beta gamma"


def test_a_quorum_of_operators_and_others():
    parsed = policy.parse(HEAD + quorum(ALPHA, BETA, GAMMA, lines=GROUP) + TWO, name="p.toml")
    assert dict(parsed.cosigners_known) == {
        "Operator A": ALPHA.identity.cosigner_key,
        "Operator B": BETA.identity.cosigner_key,
        "gamma": GAMMA.identity.cosigner_key,  # no witness of this policy: a cosigner alone
    }
    assert parsed.is_cosigned(frozenset({"gamma"}))
    assert parsed.is_cosigned(frozenset({"Operator A"}))
    assert not parsed.is_cosigned(frozenset())


REFUSED = [
    (HEAD + 'cosigner-quorum = "quorum q"\n' + TWO, "cosigner-quorum: quorum policy: "),
    (HEAD + 'cosigner-quorum = "quorum none\\n"\n' + TWO, "cosigner-quorum: names a log, or no quorum"),
    (HEAD + 'cosigner-quorum = "log x+y+z\\nquorum none\\n"\n' + TWO, "cosigner-quorum: "),
    (HEAD + "cosigner-quorum = 1\n" + TWO, "cosigner-quorum: not a text"),
    (HEAD + "cosigners = 1\n" + quorum(GAMMA) + TWO, "cosigners: a number and a quorum"),
    (HEAD + quorum(ALPHA, BETA) + TWO, "cosigner-quorum: the logs of 0 operators can have it"),
    (HEAD + quorum(ALPHA) + TWO, "cosigner-quorum: the logs of 1 operators can have it"),
    (
        HEAD + quorum(GAMMA) + TWO.replace("Operator B", "gamma"),
        "cosigner-quorum: 'gamma' with two keys, or somebody else under that name",
    ),
    (
        HEAD
        + quorum(ALPHA, BETA, lines="group q any alpha beta")
        + TWO.replace("Operator B", "Operator A")
        + GAMMA.toml("https://gamma.example/"),
        "cosigner-quorum: 'Operator A' with two keys",
    ),
    ("", "version: missing"),
    ("version = 2\nthreshold = 1\n" + TWO, "version: this program reads version 1"),
    ("version = true\nthreshold = 1\n" + TWO, "version: not a whole number"),
    ("version = 1\n" + TWO, "threshold: missing"),
    ("version = 1\nthreshold = true\n" + TWO, "threshold: not a whole number"),
    ('version = 1\nthreshold = "2"\n' + TWO, "threshold: not a whole number"),
    ("version = 1\nthreshold = 0\n" + TWO, "threshold: 0 is not from 1"),
    ("version = 1\nthreshold = 3\n" + TWO, "threshold: 3 operators are asked for, and 2 named"),
    (HEAD + "veto = 0\n" + TWO, "veto: 0"),
    (HEAD + "veto = 3\n" + TWO, "veto: 3 operators"),
    (HEAD + "cosigners = -1\n" + TWO, "cosigners: -1"),
    (HEAD + "cosigners = 2\n" + TWO, "cosigners: no 2 operators can have 2 others"),
    (HEAD + "max-age-days = 0\n" + TWO, "max-age-days: 0"),
    (HEAD + "max-age-days = 999999999999\n" + TWO, "max-age-days: 999999999999"),
    (HEAD + "max_age_days = 3\n" + TWO, "max_age_days: unknown key"),
    (HEAD + 'accept = "bitwise"\n' + TWO, "accept: not a list of strings"),
    (HEAD + "accept = []\n" + TWO, "accept: empty"),
    (HEAD + 'accept = ["bitwise", "bitwise"]\n' + TWO, "accept: empty, or an item twice"),
    (HEAD + 'accept = ["near"]\n' + TWO, "accept: no such level: 'near'"),
    (HEAD + 'accept = ["static"]\n' + TWO, "accept: names no level"),
    (HEAD + 'lookup = "anyhow"\n' + TWO, "lookup: no such way: 'anyhow'"),
    (HEAD, "witness: no witness is named"),
    (HEAD + "witness = 3\n", "witness: not a list of tables"),
    (HEAD + TWO + 'colour = "red"\n', "witness[2].colour: unknown key"),
    (HEAD + TWO + ALPHA.toml("https://a.example/"), "witness[3].name: the same name as witness[1]"),
    (HEAD + TWO + ALPHA.toml("x").replace('"alpha"', '"delta"'), "witness[3].log-key: the log of witness[1]"),
    (HEAD + TWO.replace("https://beta.example/", "ftp://beta.example/"), "witness[2].url: not http or https"),
    (HEAD + TWO.replace('url = "https://beta.example/"', "url = 3"), "witness[2].url: not a string"),
    (HEAD + TWO.replace('operator = "Operator B"', 'operator = " "'), "witness[2].operator: empty"),
    (HEAD + TWO.replace("ed25519:", "rsa:"), "witness[1].keys: key: begins neither"),
    (HEAD + re.sub(r"log-key = .*", 'log-key = "nothing"', TWO), "witness[1].log-key: "),
    (HEAD + re.sub(r"cosigner-key = .*", 'cosigner-key = "x+y+z"', TWO), "witness[1].cosigner-key: "),
    (HEAD + TWO + GAMMA.toml("g").replace("Operator C", "operator  a"), "'operator  a' is also written"),
    (HEAD + TWO + EXEMPT + EXEMPT, "exempt[2].package: internal-thing twice"),
    (HEAD + TWO + EXEMPT.replace("2027-06-01", '"2027-06-01"'), "exempt[1].expires: not a date"),
    (HEAD + TWO + EXEMPT.replace("2027-06-01", "2027-06-01T00:00:00Z"), "exempt[1].expires: not a date"),
    (HEAD + TWO + EXEMPT.replace('reason = "ours"', ""), "exempt[1].reason: missing"),
    (HEAD + "independent = -1\n" + TWO, "independent: -1"),
    (HEAD + "independent = true\n" + TWO, "independent: not a whole number"),
    (HEAD + "independent = 3\n" + TWO, "independent: 3 are asked for, of 2 operators"),
    (
        HEAD + "independent = 2\n" + re.sub(r"cosigner-key = .*", "", TWO, count=1),
        "independent: the commitments of 1 operators can be proven by others",
    ),
    ("max-attempts = 0\n" + HEAD + TWO, "max-attempts: 0 is not from 1"),
    ("diversity = 2\n" + HEAD + TWO, "diversity: not a table"),
    (HEAD + TWO + "[diversity]\n", "diversity: not a table, or empty"),
    (HEAD + PLACED + "[diversity]\nplanet = 2\n", "diversity.planet: unknown key"),
    (HEAD + PLACED + "[diversity]\ncountry = 0\n", "diversity.country: 0 is not from 1"),
    (HEAD + PLACED + "[diversity]\ncountry = 3\n", "diversity.country: 3 are asked for, of 2 operators"),
    (HEAD + PLACED + "[diversity]\nhosting = 2\n", "operators have 0"),
    (HEAD + PLACED.replace("JP", "NL") + "[diversity]\ncountry = 2\n", "operators have 1"),
    (HEAD + PLACED.replace("JP", "nl"), "witness[2].country: 'nl' is also written 'NL'"),
    (HEAD + PLACED.replace('"JP"', "3"), "witness[2].country: not a string"),
    (
        HEAD + KEYLESS.replace("sigstore =", 'keys = ["x"]\nsigstore =', 1),
        "witness[1].keys: besides sigstore",
    ),
    (HEAD + re.sub(r"sigstore = .*", "", KEYLESS, count=1), "witness[1].keys: missing"),
    (
        HEAD + re.sub(r"sigstore = .*", "sigstore = true", KEYLESS, count=1),
        "witness[1].sigstore: not a table",
    ),
    (HEAD + KEYLESS.replace(" }", ', more = "x" }', 1), "witness[1].sigstore.more: unknown key"),
    (HEAD + KEYLESS.replace(', issuer = "https://ci.example"', "", 1), "witness[1].sigstore.issuer: missing"),
    (HEAD + KEYLESS.replace('"alpha@ci.example"', '""'), "witness[1].sigstore.identity: empty"),
    (
        HEAD + KEYLESS.replace('"https://ci.example"', '"ci.example"', 1),
        "sigstore.issuer: not a URL: 'ci.example'",
    ),
    (HEAD + KEYLESS.replace("beta@", "ALPHA@"), "witness[2].sigstore: an identity that witness[1] has too"),
    (
        HEAD
        + KEYLESS.replace("beta@", "alpha@").replace('example" }', 'example/", trust = "other.json" }', 1),
        "witness[2].sigstore: an identity that witness[1] has too",
    ),
    ("version = ", "not valid TOML"),
    ("#" * 2_000_000, "larger than any policy"),
]


@pytest.mark.parametrize(("text", "problem"), REFUSED, ids=[problem for _, problem in REFUSED])
def test_what_is_refused(text, problem):
    with pytest.raises(InputError) as caught:
        policy.parse(text, name="p.toml")
    assert str(caught.value).startswith("p.toml: ")
    assert problem in str(caught.value)
    assert caught.value.hint


def _with_key_of_alpha(field):
    own = re.search(rf"^{field} = (.*)$", GAMMA.toml("g"), re.MULTILINE).group(1)
    alphas = re.search(rf"^{field} = (.*)$", ALPHA.toml("g"), re.MULTILINE).group(1)
    return HEAD + TWO + GAMMA.toml("g").replace(own, alphas)


@pytest.mark.parametrize("field", ["keys", "cosigner-key"])
def test_one_key_never_has_two_votes(field):
    with pytest.raises(InputError, match=rf"witness\[3\]\.{field}: a key that"):
        policy.parse(_with_key_of_alpha(field), name="p.toml")


SERVICE = Service()
REBUILDS = SERVICE.toml("https://rebuilds.example/", "bitwise")


def test_an_instance_of_oss_rebuild_counts_as_an_operator():
    parsed = policy.parse(HEAD + ALPHA.toml("a/") + REBUILDS + 'country = "US"\n', name="p.toml")
    (service,) = parsed.services
    assert (service.identity, service.accept) == (SERVICE.identity, {"bitwise"})
    assert [witness.name for witness in parsed.witnesses] == ["alpha"]
    assert parsed.operators == {"Operator A", "Google"}
    assert parsed.traits_of("oss-rebuild") == (("country", "US"),)
    assert parsed.cosigners_known == (("Operator A", ALPHA.identity.cosigner_key),)


def test_its_builder_can_be_another():
    text = HEAD + ALPHA.toml("a/") + REBUILDS + 'builder = "https://elsewhere.example/"\n'
    assert policy.parse(text, name="p.toml").services[0].identity.builder == "https://elsewhere.example/"


def test_its_vote_needs_no_cosigners_and_those_of_nodes_do():
    text = "version = 1\nthreshold = 3\ncosigners = 1\n" + TWO + REBUILDS
    assert policy.parse(text, name="p.toml").cosigners == 1


ONE = "version = 1\nthreshold = 1\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ONE + REBUILDS, "no node is named, and nobody else can dissent"),
        (HEAD + REBUILDS + ALPHA.toml("a/"), "a node after other kinds"),
        (
            HEAD + ALPHA.toml("a/") + REBUILDS.replace("oss-rebuild", "other", 1),
            "kind: no such kind: 'other'",
        ),
        (HEAD + ALPHA.toml("a/") + REBUILDS.replace('accept = ["bitwise"]\n', ""), "accept: missing"),
        (HEAD + ALPHA.toml("a/") + REBUILDS.replace('"bitwise"', ""), "accept: empty"),
        (HEAD + ALPHA.toml("a/") + REBUILDS.replace('"bitwise"', '"archive"'), "no such level: 'archive'"),
        (HEAD + 'accept = ["stabilized"]\n' + TWO, "accept: no such level: 'stabilized'"),
        (HEAD + ALPHA.toml("a/") + REBUILDS + 'log-key = "x"\n', "log-key: unknown key"),
        (HEAD + ALPHA.toml("a/") + REBUILDS + 'cosigner-key = "x"\n', "cosigner-key: unknown key"),
        (HEAD + ALPHA.toml("a/") + REBUILDS.replace("ecdsa-p256:", "ed25519:"), "witness[2].keys"),
        (HEAD + ALPHA.toml("a/") + REBUILDS.replace("https:", "ftp:"), "not http or https"),
        (HEAD + ALPHA.toml("a/") + REBUILDS + REBUILDS, "witness[3].name: the name of another"),
        (
            HEAD + ALPHA.toml("a/") + REBUILDS + REBUILDS.replace('name = "oss', 'name = "x-oss'),
            "a key of another",
        ),
        (HEAD + ALPHA.toml("a/") + REBUILDS.replace("Google", "OPERATOR  a"), "is also written 'Operator A'"),
        (
            HEAD + ALPHA.toml("a/") + REBUILDS.replace('"oss-rebuild"\nop', '"alpha"\nop'),
            "the name of another",
        ),
        ("max-attempts = 3\n" + HEAD + ALPHA.toml("a/") + REBUILDS, "does not say how many attempts"),
        ("veto = 2\n" + HEAD + ALPHA.toml("a/") + REBUILDS, "1 named that can dissent"),
        (
            HEAD.replace("threshold = 2", "threshold = 3") + ALPHA.toml("a/") + REBUILDS,
            "3 operators are asked for",
        ),
        ("cosigners = 1\n" + HEAD + ALPHA.toml("a/") + REBUILDS, "no 2 operators can have 1 others"),
        (
            HEAD + ALPHA.toml("a/") + 'country = "us"\n' + REBUILDS + 'country = "US"\n',
            "is also written 'us'",
        ),
    ],
)
def test_what_an_instance_of_oss_rebuild_cannot_be(text, words):
    with pytest.raises(InputError, match=re.escape(words)):
        policy.parse(text, name="p.toml")


def test_what_the_how_to_says_of_oss_rebuild():
    """The policy there is one, and its key is what the code there makes of the service's own form."""
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "name-oss-rebuild.md").read_text(encoding="utf-8")
    (toml,) = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    (service,) = policy.parse(toml, name="p.toml").services
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == service.identity.keys[0].text
    assert (service.accept, service.operator) == ({"bitwise"}, "Google")
