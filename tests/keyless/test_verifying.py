"""A Sigstore bundle counts if the name, its issuer, the instance and everything signed are as they must be."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.keyless.instance import Instance
from tests.keyless.signed import FORMS, NAME, PAYLOAD, logged
from tests.mangling import flips, prefixes
from tests.signed_log import observed
from witness import bundle, canonical, statement
from witness.base64text import encode_base64
from witness.entry import kind_of, statement_in
from witness.errors import Incomplete, InputError, Malformed, Unverified
from witness.keyless import form
from witness.keyless.identity import KeylessIdentity
from witness.keyless.trust import authorities, load_config, load_verifier
from witness.verification import verify_bundle

pytestmark = [pytest.mark.loopback, pytest.mark.enable_socket]


@pytest.fixture
def authority(signed, trust):
    """Who may speak for a witness: whoever has this name, unless another identity is given."""

    def of(name=NAME, issuer=signed.instance.url):
        identity = KeylessIdentity(name, issuer, trust.name)
        return authorities([("node-a", identity), ("node-b", None)], trust.parent)["node-a"]

    return of


@pytest.mark.parametrize("form_", FORMS)
def test_what_sigstore_signed_verifies_without_network(form_, signed, authority, offline_after_signing):
    entry = offline_after_signing(form_)
    assert (kind_of(entry), statement_in(entry)) == ("sigstore", PAYLOAD)
    opened = authority().open(entry, 0)
    assert (opened.payload, opened.signer) == (PAYLOAD, f"{NAME} (by {signed.instance.url})")
    item = logged(entry)
    assert bundle.parse(bundle.encode(item)) == item
    verified = verify_bundle(item, signed.witness, [], authority())
    assert (verified.statement, verified.log_index) == (observed(1), 1)


@pytest.fixture
def offline_after_signing(signed, request):
    def entry(form_):
        made = signed.entry(form_)
        request.getfixturevalue("offline")
        return made

    return entry


def test_a_client_trust_config_will_do_as_well(signed, instance, tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(instance.trust_config()), encoding="utf-8")
    found = authorities([("a", KeylessIdentity(NAME, instance.url, "config.json"))], tmp_path)
    assert found["a"].open(signed.entry(), 0).payload == PAYLOAD


def test_without_the_authority_nobody_may_sign(signed):
    with pytest.raises(Malformed):
        verify_bundle(logged(signed.entry()), signed.witness, [])


@pytest.mark.parametrize(
    ("name", "issuer"),
    [
        (NAME[:-1], None),
        (NAME + "2", None),
        (NAME.upper(), None),
        ("ops@node-a.example", None),
        (NAME, "https://token.ci.example"),
        (NAME, "http://127.0.0.1"),
    ],
)
def test_another_name_or_issuer(name, issuer, signed, authority):
    with pytest.raises(Unverified):
        authority(name, issuer or signed.instance.url).open(signed.entry(), 0)


def test_an_email_address_is_a_name(signed, authority):
    entry = signed.entry(name="ops@node-a.example")
    assert authority("ops@node-a.example").open(entry, 0).payload == PAYLOAD
    with pytest.raises(Unverified, match="SANs do not match"):
        authority().open(entry, 0)


@pytest.mark.parametrize("form_", FORMS)
def test_another_instance(form_, signed, tmp_path):
    other = Instance(signed.instance.url)
    (tmp_path / "other.json").write_text(json.dumps(other.trusted_root()), encoding="utf-8")
    foreign = authorities([("a", KeylessIdentity(NAME, other.url, "other.json"))], tmp_path)
    with pytest.raises(Unverified):
        foreign["a"].open(signed.entry(form_), 0)
    public = authorities([("a", KeylessIdentity(NAME, other.url))], tmp_path)
    with pytest.raises(Unverified):
        public["a"].open(signed.entry(form_), 0)


def changed(entry, *path_and_value):
    """`entry` with the value at a path replaced."""
    value = json.loads(entry)
    *path, last, new = path_and_value
    inner = value
    for key in path:
        inner = inner[key]
    inner[last] = new
    return canonical.dumps(value)


def at(entry, *path):
    inner = json.loads(entry)
    for key in path:
        inner = inner[key]
    return inner


LOGGED = ("verificationMaterial", "tlogEntries", 0)
STAMPS = ("verificationMaterial", "timestampVerificationData", "rfc3161Timestamps")
# What of another entry by the same name is put in place of one's own.
SWAPPED = [
    LOGGED,
    (*LOGGED, "canonicalizedBody"),
    (*LOGGED, "inclusionProof"),
    (*LOGGED, "inclusionProof", "checkpoint"),
    ("verificationMaterial", "certificate"),
    ("dsseEnvelope", "payload"),
    ("dsseEnvelope", "signatures"),
    ("dsseEnvelope",),
    ("verificationMaterial",),
]


@pytest.mark.parametrize("form_", FORMS)
@pytest.mark.parametrize("path", SWAPPED, ids=lambda path: ".".join(map(str, path)))
def test_parts_of_two_signatures_make_none(form_, path, signed, authority):
    other = signed.entry(form_, statement.encode(observed(2)))
    with pytest.raises(Unverified):
        authority().open(changed(signed.entry(form_), *path, at(other, *path)), 0)


@pytest.mark.parametrize(("form_", "path"), [("rekor 2", STAMPS), ("rekor 1", (*LOGGED, "integratedTime")),
    ("rekor 1", (*LOGGED, "inclusionPromise"))])  # fmt: skip
def test_the_time_of_another_signature(form_, path, signed, authority):
    other = signed.entry(form_, statement.encode(observed(2)))
    new = "1" if path[-1] == "integratedTime" else at(other, *path)
    with pytest.raises(Unverified):
        authority().open(changed(signed.entry(form_), *path, new), 0)


def without(entry, *path):
    value = json.loads(entry)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return canonical.dumps(value)


ENTRY_FIELDS = ("canonicalizedBody", "inclusionProof", "kindVersion", "logId", "logIndex")
WHOLE = ("dsseEnvelope", "mediaType", "verificationMaterial")


@pytest.mark.parametrize(
    "path",
    [*((name,) for name in WHOLE), *((*LOGGED, name) for name in ENTRY_FIELDS)],
    ids=lambda path: path[-1],
)
def test_nothing_may_be_missing(path, signed, authority):
    with pytest.raises(Malformed):
        authority().open(without(signed.entry(), *path), 0)


def test_a_time_is_needed(signed, authority):
    """Rekor's promise, or a time stamp: without either nobody knows that the certificate was valid."""
    for entry in (
        without(signed.entry(), *LOGGED, "inclusionPromise"),
        without(signed.entry(), *LOGGED, "integratedTime"),
        changed(signed.entry("rekor 2"), *STAMPS, []),
    ):
        with pytest.raises(Unverified):
            authority().open(entry, 0)


def stray(text):
    return text[:8] + "\n" + text[8:]


KEY_ID = (*LOGGED, "logId", "keyId")
OLDER = "application/vnd.dev.sigstore.bundle+json"
OTHER_FORMS = {
    "a space": lambda e: e.replace(b":", b": ", 1),
    "a line feed": lambda e: e + b"\n",
    "keys in another order": lambda e: json.dumps(dict(reversed(json.loads(e).items()))).encode(),
    "an unknown key": lambda e: changed(e, "more", 1),
    "an unknown key of the entry": lambda e: changed(e, *LOGGED, "more", 1),
    "a null": lambda e: changed(e, "messageSignature", None),
    "the other spelling of a key": lambda e: changed(without(e, *LOGGED, "logIndex"), *LOGGED, "log_index", "2"),
    "a number of JSON": lambda e: changed(e, *LOGGED, "logIndex", 2),
    "a number with a zero before it": lambda e: changed(e, *LOGGED, "logIndex", "02"),
    "a number with a sign": lambda e: changed(e, *LOGGED, "logIndex", "+2"),
    "digits of another script": lambda e: changed(e, *LOGGED, "logIndex", "\u0662"),
    "a number too large": lambda e: changed(e, *LOGGED, "integratedTime", "9" * 19),
    "a number far too large": lambda e: changed(e, *LOGGED, "integratedTime", "9" * 5000),
    "a stray character in Base64": lambda e: changed(e, *KEY_ID, stray(at(e, *KEY_ID))),
    "Base64 without its end": lambda e: changed(e, *KEY_ID, at(e, *KEY_ID).rstrip("=")),
    "no signature": lambda e: changed(e, "dsseEnvelope", "signatures", []),
    "two signatures": lambda e: changed(e, "dsseEnvelope", "signatures", at(e, "dsseEnvelope", "signatures") * 2),
    "an empty signature": lambda e: changed(e, "dsseEnvelope", "signatures", [{"sig": ""}]),
    "a key id": lambda e: changed(e, "dsseEnvelope", "signatures", 0, "keyid", ""),
    "another payload type": lambda e: changed(e, "dsseEnvelope", "payloadType", "text/plain"),
    "two entries of a log": lambda e: changed(e, "verificationMaterial", "tlogEntries", [at(e, *LOGGED)] * 2),
    "no entry of a log": lambda e: changed(e, "verificationMaterial", "tlogEntries", []),
    "too many time stamps": lambda e: changed(e, *STAMPS, [{"signedTimestamp": "AAAA"}] * 5),
    "a longer proof than any": lambda e: changed(e, *LOGGED, "inclusionProof", "hashes", ["AAAA"] * 65),
    "an older version": lambda e: changed(e, "mediaType", f"{OLDER};version=0.2"),
    "the other name of the version": lambda e: changed(e, "mediaType", f"{OLDER};version=0.3"),
    "a public key": lambda e: changed(e, "verificationMaterial", "publicKey", {"hint": "k"}),
    "larger than an entry": lambda e: changed(e, "dsseEnvelope", "payload", encode_base64(b" " * 60_000)),
    "an array": lambda e: b"[]",
    "nothing": lambda e: b"",
}  # fmt: skip


@pytest.mark.parametrize("case", OTHER_FORMS)
def test_one_text_for_each_value(case, signed, authority):
    damaged = OTHER_FORMS[case](signed.entry())
    assert damaged != signed.entry()
    with pytest.raises(Malformed):
        authority().open(damaged, 0)


TEXT = st.text(max_size=10).filter(str.isprintable)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e300, 1e300) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)


def places(value, *path):
    """The path of every value in `value`."""
    yield path
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in below:
        yield from places(inner, *path, key)


@given(data=st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_value_in_any_place_is_refused_or_means_the_same(data, signed, authority_once):
    entry = signed.entry()
    path = data.draw(st.sampled_from([path for path in places(json.loads(entry)) if path]))
    damaged = changed(entry, *path, data.draw(JSON))
    try:
        opened = authority_once.open(damaged, 0)
    except (Malformed, Unverified):
        return
    assert opened.payload == PAYLOAD


@pytest.fixture
def authority_once(authority):
    return authority()


def test_hostile_keys_are_not_shown_as_they_are(signed, authority):
    with pytest.raises(Malformed, match=r"\\x1b\[31m") as caught:
        authority().open(changed(signed.entry(), "\x1b[31m", 1), 0)
    assert str(caught.value).isprintable()


def test_the_signature_of_a_file_is_no_observation(signed):
    with pytest.raises(Malformed):
        form.check(canonical.dumps(json.loads(signed.artifact(PAYLOAD))))


@pytest.mark.parametrize("kind", ["hashedrekord", "intoto", "dsse"])
@pytest.mark.parametrize("version", ["0.0.1", "0.0.2", "0.0.3"])
def test_another_kind_of_entry(kind, version, signed, authority):
    entry = changed(signed.entry(), *LOGGED, "kindVersion", {"kind": kind, "version": version})
    if entry != signed.entry():
        with pytest.raises(Unverified):
            authority().open(entry, 0)


HOSTILE = {
    "no certificate at all": ("verificationMaterial", "certificate", "rawBytes"),
    "no log entry at all": (*LOGGED, "canonicalizedBody"),
    "no promise at all": (*LOGGED, "inclusionPromise", "signedEntryTimestamp"),
    "no root at all": (*LOGGED, "inclusionProof", "rootHash"),
    "no log at all": (*LOGGED, "logId", "keyId"),
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("data", [b"\0" * 3, b"\x30\x80" * 50, b"{}" * 3, b"\xff" * 600])
def test_errors_of_other_libraries_are_ours(case, data, signed, authority):
    with pytest.raises(Unverified):
        authority().open(changed(signed.entry(), *HOSTILE[case], encode_base64(data)), 0)


@pytest.mark.parametrize(
    "text", ["", "\n\n", "a\nb\nc\n\nd", "a\n-1\nAAAA\n\n\N{EM DASH} a AAAA\n", "\0" * 100]
)
def test_checkpoints_of_rekor_that_are_none(text, signed, authority):
    with pytest.raises(Unverified):
        authority().open(
            changed(signed.entry(), *LOGGED, "inclusionProof", "checkpoint", "envelope", text), 0
        )


def test_a_certificate_that_was_not_issued_for_signing(signed, instance, authority):
    der = encode_base64(instance.issuing.authority.chain[0].public_bytes(Encoding.DER))
    with pytest.raises(Unverified):
        authority().open(changed(signed.entry(), "verificationMaterial", "certificate", "rawBytes", der), 0)


def test_every_prefix(signed, authority):
    held = authority()
    for damaged in prefixes(signed.entry()):
        with pytest.raises(Malformed):
            held.open(damaged, 0)


@pytest.mark.parametrize(("form_", "step"), [("rekor 1", 1), ("rekor 2", 4)])
@pytest.mark.parametrize("part", range(2))
def test_every_flipped_byte(form_, step, part, signed, authority):
    """In the log, none is left. By itself, a flip is found, or was in a hint that Sigstore does not sign.

    Every byte with Rekor 1, and every fourth with Rekor 2, whose time stamps take longer.
    """
    item, held = logged(signed.entry(form_)), authority()
    tolerated = 0
    for number, damaged in enumerate(flips(item.entry, masks=(0x01,))):
        if number % (2 * step) != part * step:
            continue
        try:
            opened = held.open(damaged, 0)
        except (Malformed, Unverified):
            continue
        assert opened == held.open(item.entry, 0)
        tolerated += 1
        with pytest.raises(Unverified, match="proof"):
            verify_bundle(bundle.Bundle(damaged, item.proof), signed.witness, [], held)
    assert tolerated <= len(item.entry) // 100


def test_statements_of_another_type_are_none_of_ours(signed, authority):
    payload = PAYLOAD.replace(b"observation/v1", b"observation/v2")
    entry = signed.entry(payload=payload)
    assert authority().open(entry, 0).payload == payload
    with pytest.raises(Malformed, match="not of the types"):
        verify_bundle(logged(entry), signed.witness, [], authority())


def test_another_builder_may_not_be_named(signed, authority):
    entry = signed.entry(payload=statement.encode(observed(1, by="node-b")))
    with pytest.raises(Unverified, match="made by 'node-b'"):
        verify_bundle(logged(entry), signed.witness, [], authority())


def test_many_at_once(signed, authority):
    held, wrong = authority(), authority(NAME + "x")
    entries = [signed.entry(form_) for form_ in FORMS] * 20

    def ask(entry):
        with pytest.raises(Unverified):
            wrong.open(entry, 0)
        return held.open(entry, 0).payload

    with ThreadPoolExecutor(max_workers=8) as pool:
        assert set(pool.map(ask, entries)) == {PAYLOAD}


def test_the_verifier_is_made_once_for_each_file(signed, trust):
    names = [
        (name, KeylessIdentity(name, "https://i.example", trust.name))
        for name in ("a@b.example", "c@d.example")
    ]
    one, other = authorities(names, trust.parent).values()
    assert one._verifier is other._verifier


EMPTY_ROOT = {
    "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "tlogs": [], "certificateAuthorities": [], "ctlogs": [], "timestampAuthorities": [],
}  # fmt: skip
NO_TRUST = [
    b"", b"{}", b"[]", b"nothing", b"\xff\xfe", b'{"mediaType":"x"}', b" " * 2_000_000,
    json.dumps({"mediaType": EMPTY_ROOT["mediaType"]}).encode(),
    json.dumps(EMPTY_ROOT).encode(),
    b'{"mediaType":"application/vnd.dev.sigstore.clienttrustconfig.v0.1+json"}',
]  # fmt: skip


class TestFilesOfTrust:
    def test_the_public_root_comes_with_the_package(self, monkeypatch, tmp_path, offline):
        monkeypatch.setenv("HOME", str(tmp_path))
        assert load_verifier(None)
        assert list(tmp_path.iterdir()) == []

    def test_the_public_instance_out_of_reach(self, monkeypatch, tmp_path, offline):
        monkeypatch.setenv("HOME", str(tmp_path))
        with pytest.raises(Incomplete, match="public instance: Failed to refresh") as caught:
            load_config(None)
        assert caught.value.hint

    @pytest.mark.parametrize("content", NO_TRUST)
    def test_what_is_none(self, content, tmp_path):
        path = tmp_path / "root.json"
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"root\.json: ") as caught:
            load_verifier(path)
        assert caught.value.hint

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(InputError, match=r"none\.json: No such file"):
            load_verifier(tmp_path / "none.json")

    def test_without_sigstore_it_says_what_to_install(self, monkeypatch, trust):
        monkeypatch.setitem(sys.modules, "sigstore.verify", None)
        assert authorities([("a", None)], trust.parent) == {}
        with pytest.raises(InputError, match="cannot be loaded") as caught:
            authorities([("a", KeylessIdentity(NAME, "https://i.example"))], trust.parent)
        assert "wheelwitness[sigstore]" in caught.value.hint
