"""A node that signs without a key, through its commands, and a consumer of it through his. Builds nothing."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rebuilders.cli.doctor import _signing
from rebuilders.cli.main import app as rebuilder
from rebuilders.config import Settings
from rebuilders.node.config import NodeDirectory
from rebuilders.node.once import publish_outbox, try_to_publish
from tests.integration.trusted_nodes import ALPHA, BETA, WHEEL, Node, stated, wheel
from tests.keyless.instance import Instance
from tests.keyless.signed import NAME, Signed
from tests.package_index import serving as serving_index
from tests.releases import SDIST as SDIST_NAME
from tests.releases import WHEEL as WHEEL_NAME
from tests.signed_log import put_in
from tests.static_pairs import HONEST
from witness import bundle, canonical, statement
from witness.cli.main import app
from witness.digest import sha256_hex
from witness.errors import Incomplete, InputError
from witness.observation import PREDICATE_TYPE

pytestmark = [pytest.mark.loopback, pytest.mark.enable_socket]

GOOD = sha256_hex(wheel())
CARL = Node("carl", "Operator C")
SEEN = datetime.now(UTC) - timedelta(days=1)
TOKEN = "WITNESS_TOKEN"


@dataclass
class Place:
    """A node's directory, what its operator was told, and how to give commands."""

    root: Path
    instance: Instance
    told: str

    @property
    def node(self) -> Path:
        return self.root / "node"

    @property
    def site(self) -> Path:
        return self.node / "site"

    @property
    def log_key(self) -> str:
        return re.search(r'log-key = "(.*?)"', self.told).group(1)

    def shard(self, sha256=GOOD) -> Path:
        return self.site / bundle.shard_path(sha256)

    def say(self, *said) -> None:
        for item in said:
            put_in(self.node / "outbox", statement.encode(item))

    def publish(self, expect=0):
        return run("publish", self.node, expect=expect, **{TOKEN: self.instance.token(NAME)})

    def policy(self, *changes, threshold=2, more="") -> Path:
        """Trusts the node and `ALPHA`; `changes` are pairs of what stands in the node's lines, and what should."""
        lines = self.told[self.told.index("[[witness]]") :]
        for old, new in changes:
            assert old in lines
            lines = lines.replace(old, new)
        path = self.root / "policy.toml"
        head = f"version = 1\nthreshold = {threshold}\n{more}"
        path.write_text(f"{head}\n{lines}\n{ALPHA.toml('alpha-site')}", encoding="utf-8")
        return path

    def check(self, *arguments, policy=None):
        """Exit code and what a consumer's report says of the one wheel."""
        chosen = ["--policy", str(policy or self.policy()), "--format", "json"]
        result = CliRunner().invoke(app, ["check", str(self.root / WHEEL), *chosen, *arguments])
        assert result.exit_code in (0, 1, 3), result.output
        return result.exit_code, json.loads(result.stdout)["artifacts"][0]

    def log(self, policy=None):
        chosen = ["--policy", str(policy or self.policy())]
        return CliRunner().invoke(app, ["log", "check", "carl", *chosen])


def run(*arguments, expect=0, **environment):
    """What `rebuilder` wrote."""
    done = CliRunner().invoke(rebuilder, list(map(str, arguments)), env=environment)
    assert done.exit_code == expect, done.output
    return done.output


def new_place(root, instance):
    """A node that signs as `NAME`, with a token from a variable."""
    (root / "config.json").write_text(json.dumps(instance.trust_config()), encoding="utf-8")
    sigstore = ("--sigstore", NAME, instance.url, "--trust", root / "config.json")
    told = run("init", root / "node", "--name", "carl", "--operator", "Operator C", *sigstore)
    config = root / "node" / "node.toml"
    config.write_text(config.read_text("utf-8").replace('token = ""', f'token = "{TOKEN}"'), "utf-8")
    return Place(root, instance, told)


@pytest.fixture(scope="module")
def published(instance, tmp_path_factory):
    """A node that saw the wheel come out the same, as another one with a key did."""
    root = tmp_path_factory.mktemp("published")
    place = new_place(root, instance)
    other = stated(CARL, sha256=sha256_hex(b"another"), filename="demo-2.0-py3-none-any.whl", finished=SEEN)
    place.say(stated(CARL, sha256=GOOD, finished=SEEN), other)
    assert "published 2 observations; the log has 2" in place.publish()
    ALPHA.publish(root, [stated(ALPHA, sha256=GOOD, finished=SEEN)])
    (root / WHEEL).write_bytes(wheel())
    return place


@pytest.fixture
def place(published, tmp_path):
    """A copy of it, to be damaged."""
    root = tmp_path / "place"
    shutil.copytree(published.root, root)
    told = published.told.replace(str(published.root), str(root))
    return replace(published, root=root, told=told)


class TestNode:
    def test_it_has_no_key_for_observations(self, published):
        assert sorted(path.name for path in (published.node / "keys").iterdir()) == [
            "cosigner.pem",
            "log.pem",
        ]
        told = json.loads((published.site / "node.json").read_bytes())
        assert told["sigstore"] == {"identity": NAME, "issuer": published.instance.url}
        assert "keys" not in told
        assert (
            f'sigstore = {{ identity = "{NAME}", issuer = "{published.instance.url}", trust = '
            in published.told
        )

    @pytest.mark.parametrize("words", [["list"], ["rotate"], ["revoke", ALPHA.identity.keys[0].text]])
    def test_there_is_no_key_to_change(self, published, words):
        command, *more = words
        told = run("keys", command, published.node, *more, expect=2)
        assert "signs its observations without a key" in told

    def test_the_default_is_a_key(self, tmp_path):
        told = run("init", tmp_path / "plain", "--name", "n", "--operator", "o")
        assert "keys = [" in told
        assert "[sigstore]" not in (tmp_path / "plain" / "node.toml").read_text("utf-8")
        told = run("init", tmp_path / "x", "--name", "n", "--operator", "o", "--trust", "f", expect=2)
        assert "--trust without --sigstore" in told
        told = run("init", tmp_path / "x", "--name", "n", "--operator", "o", "--sigstore", "a", "b", expect=2)
        assert "sigstore.issuer" in told
        assert not (tmp_path / "x").exists()

    def test_without_a_token_it_waits_in_the_outbox(self, place):
        place.say(stated(CARL, finished=SEEN))
        told = run("publish", place.node, expect=2)
        assert f"rebuilder: identity token: the variable {TOKEN} is not set\n  Set it, for this" in told
        assert "the log has 3" in place.publish()

    def test_nothing_to_sign_needs_no_token(self, place):
        assert "published 0 observations; the log has 2" in run("publish", place.node)

    def test_when_rekor_is_down_it_waits_in_the_outbox(self, place):
        place.say(stated(CARL, finished=SEEN))
        place.instance.broken.add("/api/v1/log/entries")
        try:
            assert "Sigstore: not signed: " in place.publish(expect=5)
        finally:
            place.instance.broken.clear()
        assert len(list((place.node / "outbox").glob("*.json"))) == 1
        assert "the log has 3" in place.publish()

    def test_a_node_goes_on_while_rekor_is_down(self, place, monkeypatch):
        """Only the last time of a run that is to end is it an error."""
        monkeypatch.setenv(TOKEN, place.instance.token(NAME))
        directory, told = NodeDirectory(place.node), []
        place.say(stated(CARL, finished=SEEN))
        place.instance.broken.add("/api/v2/signingCert")
        try:
            try_to_publish(directory, told.append)
            assert told[0].startswith("not published: Sigstore: not signed: ")
            with pytest.raises(Incomplete, match="not signed") as caught:
                publish_outbox(directory, told.append)
            assert caught.value.hint == "It stays in the outbox."
        finally:
            place.instance.broken.clear()
        publish_outbox(directory, told.append)
        assert told[1:] == ["published 1 observations; the log has 3"]

    def test_rekor_2_by_configuration(self, place):
        config = place.node / "node.toml"
        config.write_text(config.read_text("utf-8").replace("rekor = 1", "rekor = 2"), "utf-8")
        before = place.instance.asked.count("/api/v2/log/entries")
        place.say(stated(CARL, sha256=GOOD, finished=SEEN + timedelta(hours=1)))
        assert "the log has 3" in place.publish()
        assert place.instance.asked.count("/api/v2/log/entries") == before + 1
        assert place.check()[0] == 0

    @pytest.mark.parametrize(
        ("old", "new", "problem"),
        [
            ("rekor = 1", "rekor = 3", "sigstore.rekor"),
            ("rekor = 1", 'rekor = "1"', "sigstore.rekor"),
            ("[sigstore]", "[sigstore]\ncolour = 1", "sigstore.colour"),
            (f'token = "{TOKEN}"', 'token = "A=B"', "sigstore.token"),
            (f'identity = "{NAME}"', 'identity = ""', "sigstore.identity"),
            (f'identity = "{NAME}"', "", "sigstore.identity"),
        ],
    )
    def test_mistakes_in_node_toml(self, old, new, problem, place):
        config = place.node / "node.toml"
        text = config.read_text("utf-8")
        assert old in text
        config.write_text(text.replace(old, new), "utf-8")
        assert problem in run("publish", place.node, expect=2)

    def test_doctor_tries_all_that_leaves_no_trace(self, place, monkeypatch):
        before = len(place.instance.asked)
        given = ("doctor", str(place.node), "--json", "--index", "http://127.0.0.1:9/simple/")
        result = CliRunner().invoke(rebuilder, given, env={"PATH": "", TOKEN: place.instance.token(NAME)})
        signing = json.loads(result.stdout)["checks"][-1]
        assert (signing["name"], signing["ok"], NAME in signing["says"]) == ("signing", True, True)
        with pytest.raises(InputError, match=f"the variable {TOKEN} is not set"):
            _signing(place.node, False, Settings())
        assert "not tried" in _signing(place.node, True, Settings())
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sys.modules, "sigstore.verify", None)
            with pytest.raises(InputError, match="cannot be loaded"):
                _signing(place.node, True, Settings())
        (place.node / "keys" / "log.pem").chmod(0o644)
        with pytest.raises(InputError, match="open to others than its owner"):
            _signing(place.node, True, Settings())
        assert len(place.instance.asked) == before

    def test_a_node_at_work(self, instance, tmp_path):
        """From the queue to a verdict: what follows without building, signed without a key."""
        place = new_place(tmp_path, instance)
        config = place.node / "node.toml"
        config.write_text(
            config.read_text("utf-8").replace('method = "rebuild"', 'method = "static"'), "utf-8"
        )
        with serving_index() as index:
            index.files["demo"] = {WHEEL_NAME: HONEST.wheel_bytes, SDIST_NAME: HONEST.sdist_bytes}
            asked = {"WHEELWITNESS_INDEX": index.url + "simple/"}
            run("add", place.node, "demo==1.0")
            told = run("run", place.node, "--once", "--no-publish", **asked)
            assert "demo==1.0: match (metadata)" in told
            assert not (place.site / "checkpoint").exists()
            instance.broken.add("/api/v1/log/entries")
            token = {TOKEN: instance.token(NAME)}
            try:
                assert "Sigstore: not signed" in run("run", place.node, "--once", **asked, **token, expect=5)
            finally:
                instance.broken.clear()
            told = run("run", place.node, "--once", **asked, **token)
        assert "published 1 observations; the log has 1" in told
        (tmp_path / WHEEL_NAME).write_bytes(HONEST.wheel_bytes)
        policy = place.policy(threshold=1, more='accept = ["metadata", "static"]\n')
        result = CliRunner().invoke(app, ["check", str(tmp_path / WHEEL_NAME), "--policy", str(policy)])
        assert (result.exit_code, "1 equivalent" in result.stdout) == (0, True)


class TestConsumer:
    def test_reproduced_without_asking_sigstore(self, published, offline):
        code, artifact = published.check()
        assert (code, artifact["verdict"], artifact["agreeing"]) == (0, "reproduced", ["alpha", "carl"])

    def test_show(self, published, offline):
        shown = CliRunner().invoke(
            app, ["show", str(published.root / WHEEL), "--policy", str(published.policy())]
        )
        assert shown.exit_code == 0
        assert "carl (Operator C)" in shown.stdout

    def test_from_bundles_alone(self, place, offline):
        evidence = place.root / "evidence.jsonl"
        alpha = place.root / "alpha-site" / bundle.shard_path(GOOD)
        evidence.write_bytes(place.shard().read_bytes() + alpha.read_bytes())
        shutil.rmtree(place.site)
        shutil.rmtree(place.root / "alpha-site")
        code, artifact = place.check("--bundle", str(evidence))
        assert (code, artifact["agreeing"]) == (0, ["alpha", "carl"])

    def test_the_whole_log(self, published, offline):
        result = published.log()
        assert (result.exit_code, result.stdout) == (
            0, "carl/log: 2 entries about 2 files, 2 bundles, 1 lookup files, verified\n",
        )  # fmt: skip

    def test_the_whole_log_without_a_policy(self, place):
        who = ["--sigstore", NAME, place.instance.url, "--trust", str(place.root / "config.json")]
        given = ["log", "check", str(place.site), "--log-key", place.log_key, "--name", "carl"]
        assert CliRunner().invoke(app, [*given, *who]).exit_code == 0
        other = CliRunner().invoke(app, [*given, "--sigstore", NAME, "https://token.ci.example", *who[3:]])
        assert (other.exit_code, "AGAINST  entry 0" in other.stdout) == (1, True)
        for wrong in ([], [*who, "--key", ALPHA.identity.keys[0].text]):
            result = CliRunner().invoke(app, [*given, *wrong])
            assert (result.exit_code, "either --key or --sigstore" in result.stderr) == (2, True)

    def test_a_mirror(self, place):
        run("mirror", place.site, place.root / "copy", "--log-key", place.log_key)
        old = f'url = "{place.site}"'
        policy = place.policy((old, 'url = "copy/site"'))
        shutil.rmtree(place.node)
        code, artifact = place.check(policy=policy)
        assert (code, artifact["agreeing"]) == (0, ["alpha", "carl"])
        assert place.log(policy).exit_code == 0

    def test_a_wheel_that_differs(self, place):
        place.say(stated(CARL, "mismatch", sha256=GOOD, finished=SEEN + timedelta(hours=1)))
        place.publish()
        code, artifact = place.check(policy=place.policy(threshold=1))
        assert (code, artifact["verdict"], artifact["dissenting"]) == (1, "disputed", ["carl"])


def foreign(place):
    path = place.root / "foreign.json"
    path.write_text(json.dumps(Instance(place.instance.url).trusted_root()), encoding="utf-8")
    return ((str(place.root / "config.json"), "foreign.json"),)


WHO = {
    "another name": lambda place: ((NAME, NAME + "x"),),
    "another issuer": lambda place: ((f'issuer = "{place.instance.url}"', 'issuer = "https://token.ci.example"'),),
    "another instance": foreign,
    "the public instance": lambda place: ((f', trust = "{place.root / "config.json"}"', ""),),
}  # fmt: skip


@pytest.mark.parametrize("case", WHO)
def test_whom_the_policy_does_not_name(case, place, offline):
    policy = place.policy(*WHO[case](place))
    code, artifact = place.check(policy=policy)
    assert (code, artifact["verdict"], artifact["agreeing"]) == (1, "insufficient", ["alpha"])
    (rejected,) = artifact["rejected"]
    assert rejected["witness"] == "carl"
    assert rejected["reason"].startswith("does not verify: Sigstore bundle: ")
    result = place.log(policy)
    assert (
        result.exit_code,
        "AGAINST  entry 0: no observation by carl: Sigstore bundle: " in result.stdout,
    ) == (1, True)


def changed_entry(change):
    """The shard with the entry of its only bundle changed by `change(entry, another entry in the same name)`."""

    def damage(place):
        (line,) = place.shard().read_bytes().splitlines()
        held = bundle.parse(line)
        entry = change(held.entry, Signed(place.instance).entry())
        place.shard().write_bytes(bundle.encode(bundle.Bundle(entry, held.proof)) + b"\n")

    return damage


def swapped(*path):
    def change(entry, other):
        value, instead = json.loads(entry), json.loads(other)
        inner = value
        for key in path[:-1]:
            inner, instead = inner[key], instead[key]
        inner[path[-1]] = instead[path[-1]]
        return canonical.dumps(value)

    return changed_entry(change)


def flipped(part):
    """One character of a value changed into another that Base64 has."""

    def change(entry, other):
        at = entry.index(part) + len(part) + 200
        return entry[:at] + (b"A" if entry[at : at + 1] != b"A" else b"B") + entry[at + 1 :]

    return changed_entry(change)


def cut(place):
    place.shard().write_bytes(place.shard().read_bytes()[:-1000] + b"\n")


def respelled(place):
    line = place.shard().read_bytes()
    place.shard().write_bytes(line.replace(b'"kind":"sigstore"', b'"kind":"dsse"'))


DAMAGE = {
    "another entry of Rekor": swapped("verificationMaterial", "tlogEntries"),
    "another certificate": swapped("verificationMaterial", "certificate"),
    "another payload": swapped("dsseEnvelope", "payload"),
    "another signature": swapped("dsseEnvelope", "signatures"),
    "another envelope": swapped("dsseEnvelope"),
    "another bundle whole": changed_entry(lambda entry, other: other),
    "a byte of the payload": flipped(b'"payload":"'),
    "a byte of the certificate": flipped(b'"rawBytes":"'),
    "a byte of Rekor's entry": flipped(b'"canonicalizedBody":"'),
    "a line that ends early": cut,
    "a kind that it has not": respelled,
}


@pytest.mark.parametrize("case", DAMAGE)
def test_what_was_changed_on_the_way(case, place, request):
    DAMAGE[case](place)
    request.getfixturevalue("offline")
    code, artifact = place.check()
    assert (code, artifact["verdict"], artifact["agreeing"]) == (1, "insufficient", ["alpha"])
    assert artifact["rejected"][0]["witness"] == "carl"
    assert artifact["rejected"][0]["reason"].startswith("does not verify: ")


class TestPolicy:
    def refused(self, policy):
        result = CliRunner().invoke(app, ["check", "x.whl", "--policy", str(policy)])
        assert result.exit_code == 2
        return result.stderr

    def test_without_the_extra(self, place, monkeypatch):
        monkeypatch.setitem(sys.modules, "sigstore.verify", None)
        told = CliRunner().invoke(app, ["check", str(place.root / WHEEL), "--policy", str(place.policy())])
        assert (told.exit_code, "pip install 'wheelwitness[sigstore]'" in told.stderr) == (2, True)
        path = place.root / "keys.toml"
        path.write_text(f"version = 1\nthreshold = 1\n{ALPHA.toml('alpha-site')}", encoding="utf-8")
        assert place.check(policy=path)[0] == 0

    def test_a_file_of_trust_that_is_not_there(self, place):
        policy = place.policy((str(place.root / "config.json"), "none.json"))
        told = CliRunner().invoke(app, ["check", str(place.root / WHEEL), "--policy", str(policy)])
        assert (told.exit_code, "none.json: No such file or directory" in told.stderr) == (2, True)

    def test_two_witnesses_in_one_name(self, place):
        policy = place.policy()
        lines = re.sub(
            r"keys = .*",
            f'sigstore = {{ identity = "{NAME}", issuer = "{place.instance.url}" }}',
            BETA.toml("beta-site"),
        )
        policy.write_text(policy.read_text("utf-8") + lines, "utf-8")
        told = CliRunner().invoke(app, ["check", str(place.root / WHEEL), "--policy", str(policy)])
        assert (told.exit_code, "an identity that witness[1] has too" in told.stderr) == (2, True)


@pytest.mark.skipif(shutil.which("cosign") is None, reason="no cosign on PATH")
def test_cosign_verifies_our_entries(published, tmp_path):
    (line,) = published.shard().read_bytes().splitlines()
    (tmp_path / "bundle.json").write_bytes(bundle.parse(line).entry)
    (tmp_path / "root.json").write_text(json.dumps(published.instance.trusted_root()), encoding="utf-8")
    done = subprocess.run(
        [
            "cosign", "verify-blob-attestation", "--new-bundle-format", "--bundle", "bundle.json",
            "--trusted-root", "root.json", "--use-signed-timestamps",
            "--certificate-identity", NAME, "--certificate-oidc-issuer", published.instance.url,
            "--type", PREDICATE_TYPE, str(published.root / WHEEL),
        ],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Verified OK" in done.stdout + done.stderr
