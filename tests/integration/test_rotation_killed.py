"""`kill -9` at random points of rotating a key: the node goes on with one that consumers believe, or refuses."""

import contextlib
import json
import os
import random
import time
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from rebuilders.cli.main import app
from rebuilders.node import rotation, signer
from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.node.setup import make
from tests.integration.killing import nursery
from tests.signed_log import key as node_key
from tests.signed_log import observed, put_in
from witness import bundle, keykeeping, statement
from witness.errors import InputError
from witness.keychain import follow, verify_logged
from witness.limits import MAX_KEYS
from witness.log.audit import audit
from witness.log.location import fetch_at
from witness.store.directory import DirectoryStore
from witness.verification import WitnessIdentity

ROUNDS = int(os.environ.get("WHEELWITNESS_KILL_ROUNDS", "40"))


def node_in(root, name="node-a"):
    directory = NodeDirectory(root)
    signers = make(directory, NodeConfig(version=1, name=name, operator="Operator A"))
    key = signers.observations.public_key
    return directory, WitnessIdentity(name, "Operator A", signers.log.key, (key,), signers.cosigner.key)


def assert_believed(directory, identity):
    """Whoever knows the node by its first key believes every entry of its log, at its place."""
    site = str(directory.site)
    fetch = fetch_at(site, None)
    audited = audit(fetch, identity, fetch("checkpoint"))
    assert audited.faults == ()
    return audited


def test_rotating_survives_kill_9(tmp_path):
    chance = random.Random(20261124)
    directory, identity = node_in(tmp_path)
    interrupted = rounds = size = 0
    ends = time.monotonic() + 240 * max(1, ROUNDS // 40)
    with nursery("tests.integration.rotating_loop", tmp_path) as kill_after:
        while (rounds < ROUNDS or interrupted <= 2) and time.monotonic() < ends:
            kill_after(lambda: time.sleep(chance.uniform(0.0, 0.2)))
            interrupted += (directory.keys / "observation.next.pem").exists()
            put_in(directory.outbox, statement.encode(observed(rounds, by="node-a")))
            rounds += 1
            published = signer.publish(directory)
            assert published.refused == ()
            audited = assert_believed(directory, identity)
            assert audited.artifacts == rounds
            assert audited.size > size
            size = audited.size
    assert rounds >= ROUNDS
    assert interrupted > 2
    assert size > rounds + ROUNDS // 4
    events = bundle.parse_shard((directory.site / "keys.jsonl").read_bytes())
    for item in events:
        verify_logged(item, identity)
    assert follow(identity, events).refused == ()
    assert len(events) == size - rounds
    told = json.loads((directory.site / "node.json").read_bytes())["keys"]
    assert told == [span.key.text for span in audited.chain.spans]
    assert (directory.site / "keys.jsonl").stat().st_size < MAX_KEYS


class Killed(BaseException):
    """What ends a rotation in the middle: no `except` of ours catches it."""


class Steps:
    """Lets so many calls that change a file happen, and ends the next one before it begins, or when it is done."""

    def __init__(self, patched, left, *, before):
        self.left, self.before = left, before
        for name in ("put", "add", "remove"):
            patched.setattr(DirectoryStore, name, self.counted(getattr(DirectoryStore, name)))
        for name in ("use_next", "create_next"):
            patched.setattr(rotation.keys, name, self.counted(getattr(rotation.keys, name)))

    def counted(self, real):
        def step(*args, **kwargs):
            self.left -= 1
            if self.left < 0 and self.before:
                raise Killed
            done = real(*args, **kwargs)
            if self.left < 0:
                raise Killed
            return done

        return step


@pytest.mark.parametrize("before", [True, False])
def test_every_step_of_a_rotation_can_be_the_last(tmp_path, monkeypatch, before):
    finished = False
    for last in range(60):
        directory, identity = node_in(tmp_path / str(last))
        with monkeypatch.context() as patched, contextlib.suppress(Killed):
            Steps(patched, last, before=before)
            rotation.rotate(directory, datetime.now(UTC), None)
            finished = True
        put_in(directory.outbox, statement.encode(observed(last, by="node-a")))
        assert signer.publish(directory).refused == ()
        assert_believed(directory, identity)
        if finished:
            break
    assert finished
    assert last > 5


def refused(directory, words):
    """The signer says `words`, and signs nothing."""
    size = (directory.site / "checkpoint").read_bytes()
    with pytest.raises(InputError, match=words) as caught:
        signer.publish(directory)
    assert "rebuilder keys" in caught.value.hint
    assert (directory.site / "checkpoint").read_bytes() == size


def test_a_node_refuses_to_sign_with_a_key_that_nobody_believes(tmp_path):
    directory, identity = node_in(tmp_path)
    key = directory.keys / "observation.pem"
    old = key.read_bytes()
    rotation.rotate(directory, datetime.now(UTC), None)
    new = key.read_bytes()
    put_in(directory.outbox, statement.encode(observed(0, by="node-a")))
    key.write_bytes(old)
    refused(directory, "was rotated out by entry 0")
    key.write_bytes(new)
    current = rotation.listed(directory).chain.spans[-1].key.text
    rotation.revoke(directory, current, None, "lost", datetime.now(UTC))
    refused(directory, "was revoked from entry 1 on: lost")
    with pytest.raises(InputError, match="has no say any more"):
        rotation.rotate(directory, datetime.now(UTC), None)
    assert not (directory.keys / "observation.next.pem").exists()
    other, _ = node_in(tmp_path / "other")
    key.write_bytes((other.keys / "observation.pem").read_bytes())
    refused(directory, "is not one of the witness's")
    assert assert_believed(directory, identity).size == 2


def test_a_key_that_has_expired_is_replaced_before_anything_else_is_signed(tmp_path):
    directory, identity = node_in(tmp_path)
    now = datetime.now(UTC).replace(microsecond=0)
    rotation.rotate(directory, now, now - timedelta(seconds=1))
    put_in(directory.outbox, statement.encode(observed(0, by="node-a")))
    refused(directory, "expired at")
    rotation.rotate(directory, now, None)
    assert signer.publish(directory).count == 1
    audited = assert_believed(directory, identity)
    assert (audited.size, audited.artifacts) == (3, 1)


@pytest.mark.parametrize(
    ("key", "start", "words"),
    [
        ("rsa:AAAA", None, "begins neither"),
        (node_key("stranger").public_key.text, None, "which the policy does not lead to"),
        (None, 9, "ahead of itself"),
    ],
)
def test_what_consumers_would_refuse_is_not_logged(tmp_path, key, start, words):
    directory, _ = node_in(tmp_path)
    key = key or rotation.listed(directory).chain.spans[0].key.text
    with pytest.raises(InputError, match=words):
        rotation.revoke(directory, key, start, "why", datetime.now(UTC))
    assert not (directory.site / "checkpoint").exists()


def test_there_is_an_end_to_key_events(tmp_path, monkeypatch):
    directory, identity = node_in(tmp_path)
    monkeypatch.setattr(keykeeping, "MAX_EVENTS", 2)
    for _ in range(2):
        rotation.rotate(directory, datetime.now(UTC), None)
    with pytest.raises(InputError, match="2 key events"):
        rotation.rotate(directory, datetime.now(UTC), None)
    assert assert_believed(directory, identity).size == 2


def test_the_commands(tmp_path):
    directory, identity = node_in(tmp_path)
    run = lambda *words: CliRunner().invoke(app, ["keys", *words])  # noqa: E731
    first = identity.keys[0].text
    assert f'keys = ["{first}"]' in run("list", str(tmp_path)).output
    done = run("rotate", str(tmp_path), "--expires", "2099-12-31")
    assert done.exit_code == 0, done.output
    second = done.output.split()[2]
    assert f"entry 0: {second} signs from now on" in done.output
    done = run("revoke", str(tmp_path), first, "--from", "0", "--reason", "a laptop was stolen")
    assert (done.exit_code, done.output) == (0, "entry 1: revoked\n")
    done = run("list", str(tmp_path))
    assert f"{first}  no entry, revoked from 0 on: a laptop was stolen" in done.output
    assert f"{second}  entries 1 on, expires 2099-12-31T23:59:59Z" in done.output
    assert f'keys = ["{first}", "{second}"]' in done.output
    done = run("revoke", str(tmp_path), "nonsense")
    assert done.exit_code == 2
    assert "rebuilder keys list" in done.output
    assert_believed(directory, identity)
