"""Signing without a key: one certificate for many observations, and nothing lost whoever does not answer."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta

import pytest
from sigstore.models import Bundle

from rebuilders.node.apart import kept
from rebuilders.node.config import NodeConfig, SigstoreConfig
from rebuilders.node.signer import needed
from tests.integration.test_publish import Place, PowerCut, power_for
from tests.keyless.instance import AMBIENT, CERTIFICATES, REKOR_1, REKOR_2, STAMPS
from tests.keyless.signed import NAME, NODE, PAYLOAD
from tests.signed_log import observed
from witness import bundle, statement
from witness.entry import statement_in
from witness.errors import Incomplete, InputError
from witness.keyless.identity import KeylessIdentity
from witness.keyless.trust import authorities
from witness.limits import MAX_SHARD
from witness.log.reader import LogReader, fetch_from
from witness.signing.keyless import KeylessSealer, ambient_token
from witness.verification import verify_bundle

pytestmark = [pytest.mark.loopback, pytest.mark.enable_socket]


@pytest.fixture
def running(instance):
    """The instance, whole before and after."""
    yield instance
    instance.broken.clear()
    instance.spared.clear()
    instance.unstick.set()
    instance.stuck.clear()
    instance.issuing.lifetime = timedelta(minutes=10)


@pytest.fixture
def sealer(running, tmp_path):
    """What signs in the name `NAME`, unless told otherwise."""

    def made(*versions, name=NAME, issuer=running.url, rekor=1, stamps=True, **changes):
        path = tmp_path / "config.json"
        path.write_text(json.dumps(running.trust_config(*versions, stamps=stamps)), encoding="utf-8")
        given = {"token": lambda: running.token(NAME), **changes}
        return KeylessSealer(KeylessIdentity(name, issuer), path, rekor, **given)

    return made


@pytest.fixture
def opened(trust, running):
    def of(entry):
        identity = KeylessIdentity(NAME, running.url, trust.name)
        return authorities([("a", identity)], trust.parent)["a"].open(entry, 0).payload

    return of


@pytest.mark.parametrize("rekor", [1, 2])
def test_either_rekor(rekor, sealer, opened, running):
    before = len(running.asked)
    entry = sealer(rekor=rekor).seal(PAYLOAD)
    asked = running.asked[before:]
    assert opened(entry) == PAYLOAD
    assert (REKOR_1 in asked, REKOR_2 in asked, STAMPS in asked) == (rekor == 1, rekor == 2, True)


def test_nothing_is_asked_before_there_is_something_to_sign(sealer, running):
    before = len(running.asked)
    sealer()
    assert len(running.asked) == before


def requests(running, path):
    return running.asked.count(path)


def test_one_certificate_for_a_batch(sealer, opened, running):
    certificates, entries = requests(running, CERTIFICATES), requests(running, REKOR_1)
    held = sealer()
    payloads = [statement.encode(observed(number)) for number in range(5)]
    assert [opened(held.seal(payload)) for payload in payloads] == payloads
    assert requests(running, CERTIFICATES) == certificates + 1
    assert requests(running, REKOR_1) == entries + 5


def test_a_certificate_is_renewed_before_it_expires(sealer, opened, running):
    running.issuing.lifetime = timedelta(seconds=50)  # less than what must be left
    before, tokens = requests(running, CERTIFICATES), []

    def token():
        tokens.append(running.token(NAME))
        return tokens[-1]

    held = sealer(token=token)
    assert [opened(held.seal(PAYLOAD)) for _ in range(3)] == [PAYLOAD] * 3
    assert (requests(running, CERTIFICATES) - before, len(tokens)) == (3, 3)
    running.issuing.lifetime = timedelta(minutes=10)
    held.seal(PAYLOAD)
    held.clock = lambda: datetime.now(UTC) + timedelta(minutes=9, seconds=30)
    held.seal(PAYLOAD)
    assert requests(running, CERTIFICATES) - before == 5


@pytest.mark.parametrize("path", [CERTIFICATES, REKOR_1])
def test_services_that_are_down(path, sealer, opened, running):
    held = sealer()
    running.broken.add(path)
    with pytest.raises(Incomplete, match="Sigstore: not signed: "):
        held.seal(PAYLOAD)
    running.broken.clear()
    assert opened(held.seal(PAYLOAD)) == PAYLOAD


def test_without_a_time_stamp(sealer, opened, running):
    """Rekor 1 says when; Rekor 2 does not."""
    running.broken.add(STAMPS)
    assert opened(sealer().seal(PAYLOAD)) == PAYLOAD
    with pytest.raises(Incomplete, match="signed timestamp"):
        sealer(rekor=2).seal(PAYLOAD)
    with pytest.raises(Incomplete, match="signed timestamp"):
        sealer(rekor=2, stamps=False).seal(PAYLOAD)


@pytest.mark.parametrize("path", [CERTIFICATES, REKOR_1])
def test_services_that_never_answer(path, sealer, opened, running):
    running.unstick.clear()
    running.stuck.add(path)
    held = sealer(patience=0.3)
    with pytest.raises(Incomplete, match=r"no signature within 0\.3 s"):
        held.seal(PAYLOAD)
    running.stuck.clear()
    running.unstick.set()
    held.patience = 60.0
    assert opened(held.seal(PAYLOAD)) == PAYLOAD


def test_nobody_is_there(sealer, instance):
    held = sealer()
    config = json.loads(held.trust.read_text("utf-8"))
    for service in ("caUrls", "rekorTlogUrls", "tsaUrls"):
        config["signingConfig"][service] = [
            item | {"url": "http://127.0.0.1:9"} for item in config["signingConfig"][service]
        ]
    held.trust.write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(Incomplete, match="not signed"):
        held.seal(PAYLOAD)


def test_another_name_than_the_configured_one(sealer):
    with pytest.raises(InputError, match="not signed as ops@"):
        sealer(name="ops@node-a.example").seal(PAYLOAD)


def test_another_issuer_is_found_before_anybody_is_asked(sealer, running):
    before = len(running.asked)
    with pytest.raises(InputError, match=r"identity token: by http.*, not by https://token\.ci\.example"):
        sealer(issuer="https://token.ci.example").seal(PAYLOAD)
    assert len(running.asked) == before


@pytest.mark.parametrize(
    "token",
    [
        lambda running: "",
        lambda running: "secret",
        lambda running: "se.cr.et",
        lambda running: running.token(NAME, ttl=-100),
    ],
)
def test_tokens_that_are_none_are_not_shown(token, sealer, running):
    raw = token(running)
    with pytest.raises(Incomplete, match="identity token: ") as caught:
        sealer(token=lambda: raw).seal(PAYLOAD)
    assert not raw or raw not in str(caught.value)


def test_a_token_that_fulcio_refuses(sealer, running):
    held = sealer(token=lambda: running.token(NAME)[:-8] + "AAAAAAAA")
    with pytest.raises(Incomplete, match="not signed"):
        held.seal(PAYLOAD)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda config: config["signingConfig"].update(rekorTlogUrls=[]), "cannot sign with Rekor 1"),
        (lambda config: config["signingConfig"].update(caUrls=[]), "cannot sign with Rekor 1"),
        (lambda config: config.pop("signingConfig"), "no client trust config"),
        (lambda config: config.clear(), "no client trust config"),
    ],
)
def test_files_that_do_not_say_where_to_sign(change, problem, sealer):
    held = sealer()
    config = json.loads(held.trust.read_text("utf-8"))
    change(config)
    held.trust.write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(InputError, match=rf"config\.json: {problem}") as caught:
        held.seal(PAYLOAD)
    assert caught.value.hint


def test_rekor_2_must_be_in_the_file(sealer):
    with pytest.raises(InputError, match="cannot sign with Rekor 2"):
        sealer(1, rekor=2).seal(PAYLOAD)


class TestAmbientTokens:
    @pytest.fixture(autouse=True)
    def _none(self, monkeypatch):
        for name in ("GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI", "GOOGLE_SERVICE_ACCOUNT_NAME"):
            monkeypatch.delenv(name, raising=False)

    def test_github(self, monkeypatch, running, sealer, opened):
        running.ambient = NAME
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "let me")
        monkeypatch.setenv("ACTIONS_ID_TOKEN_REQUEST_URL", running.url + AMBIENT)
        assert opened(sealer(token=ambient_token).seal(PAYLOAD)) == PAYLOAD
        running.broken.add(AMBIENT)
        with pytest.raises(Incomplete, match="identity token: ") as caught:
            sealer(token=ambient_token).seal(PAYLOAD)
        assert "id-token: write" in caught.value.hint

    def test_gitlab(self, monkeypatch, running, sealer, opened):
        monkeypatch.setenv("GITLAB_CI", "true")
        with pytest.raises(Incomplete, match="SIGSTORE_ID_TOKEN not found"):
            ambient_token()
        monkeypatch.setenv("SIGSTORE_ID_TOKEN", running.token(NAME))
        assert opened(sealer(token=ambient_token).seal(PAYLOAD)) == PAYLOAD

    def test_github_without_permission(self, monkeypatch):
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        with pytest.raises(Incomplete, match="identity token: ") as caught:
            ambient_token()
        assert "id-token: write" in caught.value.hint

    def test_at_home(self, monkeypatch):
        monkeypatch.setattr("id._internal.oidc.ambient._GCP_PRODUCT_NAME_FILE", "/nonexistent")
        with pytest.raises(InputError, match="nothing here offers one") as caught:
            ambient_token()
        assert "token" in caught.value.hint


PRESENT = {
    name: f"value of {name}"
    for name in ("PATH", "HOME", "AWS_SECRET_ACCESS_KEY", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "GITHUB_TOKEN", "MY_TOKEN",
                 "ACTIONS_ID_TOKEN_REQUEST_URL", "GITHUB_ACTIONS", "SIGSTORE_ID_TOKEN", "HTTPS_PROXY", "SSL_CERT_FILE")
}  # fmt: skip


@pytest.mark.parametrize(
    ("table", "given"),
    [
        (None, {"PATH", "HOME"}),
        (
            SigstoreConfig(identity=NAME, issuer="https://i.example"),
            {"PATH", "HOME", "HTTPS_PROXY", "SSL_CERT_FILE", "GITHUB_ACTIONS", "SIGSTORE_ID_TOKEN"}
            | {"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_URL"},
        ),
        (
            SigstoreConfig(identity=NAME, issuer="https://i.example", token="MY_TOKEN"),
            {"PATH", "HOME", "HTTPS_PROXY", "SSL_CERT_FILE", "MY_TOKEN"},
        ),
    ],
)
def test_the_signer_gets_what_it_needs_of_the_environment(table, given):
    config = NodeConfig(version=1, name="node-a.example", operator="Operator A", sigstore=table)
    assert kept(PRESENT, needed(config)) == {name: f"value of {name}" for name in given}


class Logged:
    """What a place's log and shards have of observations, verified as consumers do."""

    def __init__(self, place, witness, authority):
        self.place, self.witness, self.authority = place, witness, authority

    def check(self, *said):
        reader = LogReader.open(fetch_from(self.place.site), NODE.log.key)
        entries = list(reader.entries())
        assert sorted(map(statement_in, entries)) == sorted(said)
        shown = []
        for path in {bundle.shard_path(statement.parse(item).sha256) for item in said}:
            for item in bundle.parse_shard(self.place.site.get(path, limit=MAX_SHARD)):
                verified = verify_bundle(item, self.witness, [], self.authority)
                shown.append(statement.encode(verified.statement))
                assert entries[verified.log_index] == item.entry
        assert sorted(shown) == sorted(said)


@pytest.fixture
def keyless_place(sealer, signed, trust, running):
    identity = KeylessIdentity(NAME, running.url, trust.name)
    authority = authorities([("a", identity)], trust.parent)["a"]

    def at(root):
        place = Place(root, dataclasses.replace(NODE, observations=sealer()))
        return place, Logged(place, signed.witness, authority)

    return at


def test_rekor_fails_in_the_middle_of_a_batch(keyless_place, tmp_path, running):
    place, logged = keyless_place(tmp_path / "node")
    data = [statement.encode(observed(number)) for number in range(5)]
    place.say(*(observed(number) for number in range(5)))
    running.broken.add(REKOR_1)
    running.spared[REKOR_1] = 3
    with pytest.raises(Incomplete, match="not signed"):
        place.publish()
    logged.check(*data[:3])
    assert len(place.waiting()) == 2
    with pytest.raises(Incomplete, match="not signed"):
        place.publish()
    running.broken.clear()
    assert (place.publish().count, place.waiting()) == (2, [])
    logged.check(*data)


def test_every_interruption_is_made_good_though_no_signature_is_made_twice(
    keyless_place, tmp_path, monkeypatch
):
    monkeypatch.setattr("os.fsync", lambda _: None)
    said = [statement.encode(observed(n, artifact=a)) for n, a in ((0, 0), (1, 0), (2, 2))]
    steps, survived = 0, False
    while not survived:
        steps += 1
        place, logged = keyless_place(tmp_path / str(steps))
        place.say(observed(0, artifact=0))
        place.publish()
        place.say(observed(1, artifact=0), observed(2, artifact=2))
        try:
            with power_for(steps):
                place.publish()
            survived = True
        except PowerCut:
            pass
        done = place.publish()
        assert (done.size, place.waiting()) == (3, [])
        logged.check(*said)
    assert steps > 20


def test_entries_are_what_sigstore_reads(sealer):
    entry = sealer(rekor=2).seal(PAYLOAD)
    assert json.loads(Bundle.from_json(entry).to_json()) == json.loads(entry)
