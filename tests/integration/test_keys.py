"""Keys that change, from the log to the verdict: what consumers believe, remember, are told, and do not fall for."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from tests.integration.trusted_nodes import ALPHA, SHA, WHEEL
from tests.keyed_log import FIRST, SECOND, THIRD, KeyedLog, pinning
from tests.signed_log import Log, key
from witness.bundle import shard_path
from witness.cli.main import app
from witness.digest import sha256_hex
from witness.log.location import fetch_at
from witness.mirror import mirror
from witness.signing.named import LogSigner

STRANGER = key("stranger")
OTHER = sha256_hex(b"another wheel")


class Consumer:
    """A policy that trusts the witness `alpha`, by `pins`, at a directory, and a memory of its own."""

    def __init__(self, root, *pins):
        self.root = root
        self.site = root / "site"
        self.state = root / "seen"
        self.policy = root / "policy.toml"
        self.trust(*pins)

    def trust(self, *pins):
        keys = ", ".join(f'"{key.text}"' for key in pinning(*pins).keys)
        lines = ALPHA.toml("site").replace(f'"{ALPHA.identity.keys[0].text}"', keys)
        self.policy.write_text("version = 1\nthreshold = 1\n" + lines)

    def run(self, *arguments):
        env = {"WHEELWITNESS_POLICY": str(self.policy), "WHEELWITNESS_STATE": str(self.state)}
        return CliRunner().invoke(app, list(arguments), env=env)

    def check(self, sha256=SHA, *more):
        """The exit code, the verdict, and why something was rejected."""
        pin = self.root / "requirements.txt"
        pin.write_text(f"demo==1.0 --hash=sha256:{sha256}\n")
        done = self.run("check", str(pin), "--format", "json", *more)
        (artifact,) = json.loads(done.stdout)["artifacts"]
        return done.exit_code, artifact["verdict"], " ".join(item["reason"] for item in artifact["rejected"])


@pytest.fixture
def log():
    return KeyedLog()


@pytest.fixture
def consumer(tmp_path):
    return Consumer(tmp_path)


def test_a_rotation_is_followed_without_a_new_policy(consumer, log):
    log.observe(FIRST, sha256=OTHER)
    log.rotate(FIRST, SECOND)
    log.observe(SECOND)
    log.publish(consumer.site)
    assert consumer.check() == (0, "reproduced", "")
    assert consumer.check(OTHER) == (0, "reproduced", "")
    done = consumer.run("log", "check", "alpha")
    assert (done.exit_code, "3 entries about 2 files, 3 bundles" in done.output) == (0, True), done.output


def test_a_stolen_old_key_cannot_speak(consumer, log):
    log.rotate(FIRST, SECOND)
    log.observe(FIRST)
    log.publish(consumer.site)
    code, verdict, why = consumer.check()
    assert (code, verdict) == (1, "insufficient")
    assert "rotated out by entry 0" in why
    done = consumer.run("log", "check", "alpha")
    assert done.exit_code == 1
    assert "entry 1: no observation by alpha" in done.output


def test_a_revoked_key_is_not_heard_and_nobody_is_accused(consumer, log):
    log.observe(FIRST)
    log.rotate(FIRST, SECOND)
    log.revoke(FIRST, 0, by=SECOND)
    log.publish(consumer.site)
    code, verdict, why = consumer.check()
    assert (code, verdict) == (3, "insufficient")
    assert "revoked from entry 0 on: stolen" in why
    log.observe(SECOND)
    log.publish(consumer.site)
    assert consumer.check()[:2] == (0, "reproduced")


@pytest.mark.parametrize("event", ["rotate", "revoke"])
def test_what_was_seen_once_holds_when_the_site_leaves_it_out(consumer, log, event):
    log.observe(FIRST)
    if event == "rotate":
        log.rotate(FIRST, SECOND)
    else:
        log.revoke(FIRST, 1, by=FIRST)
    log.observe(FIRST, sha256=OTHER)
    log.publish(consumer.site)
    assert consumer.check()[0] == 0
    (consumer.site / "keys.jsonl").unlink()
    code, verdict, why = consumer.check(OTHER)
    assert verdict == "insufficient"
    assert code == {"rotate": 1, "revoke": 3}[event]
    assert "leaves out key events that were seen before, entries 1; they hold all the same" in why
    # Somebody who sees the witness for the first time knows the policy alone.
    consumer.state = consumer.root / "nothing seen"
    assert consumer.check(OTHER) == (0, "reproduced", "")
    done = consumer.run("log", "check", "alpha")
    assert done.exit_code == 1
    assert "keys.jsonl: missing, though the log has 1 entries of it" in done.output


def test_an_event_that_the_log_does_not_have_is_not_believed(consumer, log, tmp_path):
    log.observe(FIRST)
    log.publish(consumer.site)
    own = replace(ALPHA.signers, log=LogSigner(ALPHA.signers.log.name, key("a log of the thief's")))
    liar = KeyedLog(Log.new(own))
    liar.rotate(FIRST, STRANGER)
    liar.publish(tmp_path / "liar")
    (consumer.site / "keys.jsonl").write_bytes((tmp_path / "liar/keys.jsonl").read_bytes())
    code, verdict, why = consumer.check()
    assert (code, verdict) == (1, "reproduced")
    assert "keys.jsonl: line 1 does not verify" in why
    assert consumer.run("log", "check", "alpha").exit_code == 1


@pytest.mark.parametrize(
    ("forge", "words"),
    [
        (lambda log: log.rotate(FIRST, STRANGER, by=STRANGER), "not proven"),
        (lambda log: log.revoke(FIRST, 0, by=STRANGER), "not signed by a key that speaks"),
    ],
)
def test_a_thief_of_the_logs_key_alone_changes_no_keys(consumer, log, forge, words):
    log.observe(FIRST)
    forge(log)
    log.observe(STRANGER, sha256=OTHER)
    log.publish(consumer.site)
    assert consumer.check()[:2] == (1, "reproduced")
    assert words in consumer.check()[2]
    assert consumer.check(OTHER)[:2] == (1, "insufficient")


def test_two_histories_of_keys_convict_the_log(consumer, log):
    """Whoever has the log's key and the old key can make another log, but not for who saw the first."""
    log.observe(FIRST)
    log.rotate(FIRST, SECOND)
    log.publish(consumer.site)
    assert consumer.check()[0] == 0
    other = KeyedLog()
    other.observe(FIRST)
    other.rotate(FIRST, STRANGER)
    other.observe(STRANGER)
    (consumer.site / "keys.jsonl").unlink()
    other.publish(consumer.site)
    code, verdict, why = consumer.check()
    assert (code, verdict) == (1, "insufficient")
    assert "contradicts itself" in why


def test_a_history_from_before_a_rotation_that_was_seen_changes_no_keys(consumer, log):
    """Whoever has the log's key and the old key can put his own rotation ahead of it, at an index of his choice."""
    for _ in range(2):
        log.observe(FIRST, sha256=OTHER)
    log.rotate(FIRST, SECOND)
    log.observe(SECOND)
    log.publish(consumer.site)
    assert consumer.check() == (0, "reproduced", "")
    liar = KeyedLog()
    liar.rotate(FIRST, STRANGER)
    liar.observe(STRANGER)
    thief = liar.publish(consumer.root / "thief")
    honest = consumer.site.rename(consumer.root / "honest")
    thief.rename(consumer.site)
    code, verdict, why = consumer.check()
    assert (code, verdict) == (1, "insufficient")
    assert "would undo what was seen before, entries 0; they are not heard" in why
    assert "not signed by any" in why
    consumer.site.rename(thief)
    honest.rename(consumer.site)
    assert consumer.check() == (0, "reproduced", "")


def test_an_event_that_was_left_out_before_is_heard_late(consumer, log):
    log.observe(FIRST)
    log.rotate(FIRST, SECOND)
    log.revoke(FIRST, 0, by=SECOND)
    log.rotate(SECOND, THIRD)
    events = log.publish(consumer.site) / "keys.jsonl"
    lines = events.read_bytes().splitlines(keepends=True)
    events.write_bytes(lines[0] + lines[2])
    assert consumer.check() == (0, "reproduced", "")
    events.write_bytes(b"".join(lines))
    code, verdict, why = consumer.check()
    assert (code, verdict, "would undo" in why) == (3, "insufficient", False)


def test_bundles_bring_the_events_along(consumer, log):
    log.rotate(FIRST, SECOND)
    log.observe(SECOND)
    site = log.publish(consumer.root / "elsewhere")
    evidence, alone = consumer.root / "evidence.jsonl", consumer.root / "alone.jsonl"
    shard = (site / shard_path(SHA)).read_bytes()
    alone.write_bytes(shard)
    assert consumer.check(SHA, "--bundle", str(alone))[0] == 1
    evidence.write_bytes(shard + (site / "keys.jsonl").read_bytes())
    assert consumer.check(SHA, "--bundle", str(evidence)) == (0, "reproduced", "")
    # Files need not be complete: nothing is told, and what was seen holds.
    assert consumer.check(SHA, "--bundle", str(alone)) == (0, "reproduced", "")


def test_mirrors_have_the_events(consumer, log, tmp_path):
    log.observe(FIRST)
    log.rotate(FIRST, SECOND)
    log.publish(consumer.site)
    for expected in ([1], [1, 3]):
        mirror(fetch_at(str(consumer.site), None), tmp_path / "copy", ALPHA.identity.log_key)
        lines = (tmp_path / "copy/site/keys.jsonl").read_bytes().splitlines()
        assert [json.loads(line)["tlogProof"].split("\n")[1] for line in lines] == [
            f"index {index}" for index in expected
        ]
        log.observe(SECOND)
        log.rotate(SECOND, THIRD)
        log.publish(consumer.site)


def test_trust_list(consumer, log):
    log.observe(FIRST)
    log.rotate(FIRST, SECOND)
    log.publish(consumer.site)
    done = consumer.run("trust", "list")
    assert done.exit_code == 0, done.output
    assert f"{FIRST.public_key.text}  entries 0 on" in done.output
    assert "no checkpoint of it was seen yet" in done.output
    assert consumer.check()[0] == 0
    done = consumer.run("trust", "list")
    assert f"{FIRST.public_key.text}  entries 0 to 0" in done.output
    assert f"{SECOND.public_key.text}  entries 2 on" in done.output
    assert f"{FIRST.public_key.text} is replaced by {SECOND.public_key.text}" in done.output
    assert "last seen with 2 entries, of 2026-05-31" in done.output
    log.rotate(FIRST, STRANGER)
    log.publish(consumer.site)
    done = consumer.run("trust", "list", "--ask")
    assert done.exit_code == 1
    assert "BAD: entry 2: a rotation of" in done.output


def test_trust_list_of_what_cannot_be_reached(consumer):
    done = consumer.run("trust", "list", "--ask")
    assert done.exit_code == 5
    assert "unreachable" in done.output


def test_a_memory_that_cannot_be_read_is_not_passed_over(consumer, log):
    log.rotate(FIRST, SECOND)
    log.observe(SECOND)
    log.publish(consumer.site)
    assert consumer.check()[0] == 0
    (memory,) = (consumer.state / "keys").iterdir()
    memory.write_bytes(memory.read_bytes()[:-100] + b"\n")
    wheel = consumer.root / WHEEL
    wheel.write_bytes(b"")
    done = consumer.run("check", str(consumer.root / "requirements.txt"))
    assert done.exit_code == 5
    assert "what was remembered of a witness's keys cannot be read" in done.output


def test_another_key_in_node_json_is_told(consumer, log):
    log.observe(FIRST)
    log.rotate(FIRST, SECOND)
    log.publish(consumer.site)
    for named, code in ((SECOND, 0), (FIRST, 1), (STRANGER, 1)):
        about = {"keys": [FIRST.public_key.text, named.public_key.text]}
        (consumer.site / "node.json").write_text(json.dumps(about))
        done = consumer.run("log", "check", "alpha")
        assert done.exit_code == code, done.output
        assert ("is not the one that the log leads to" in done.output) == bool(code)
    (consumer.site / "node.json").write_text("[]")
    assert "does not say the node's keys" in consumer.run("log", "check", "alpha").output
