"""A log's key, from one to the next: whoever knows the first goes on as before, whatever he does with the log."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from rebuilders.cli.main import app
from rebuilders.node import keys, rotation, signer
from rebuilders.node.config import NodeDirectory
from rebuilders.node.setup import policy_entry
from tests.integration.peers import Killed, Member, befriended, cosigned_by, kill, request
from tests.signed_log import NOON, key, observed
from witness import note
from witness.cli.main import app as consumer
from witness.errors import InputError, Unverified
from witness.limits import MAX_SHARD
from witness.log.audit import audit
from witness.log.cosigner import Inconsistent, NotSigned, cosigned_path
from witness.log.journal import Journal
from witness.log.location import fetch_at
from witness.log.reader import fetch_from
from witness.log.seen import SeenLog
from witness.log.writer import LogWriter
from witness.mirror import mirror
from witness.signing import keyfile
from witness.signing.named import LogSigner
from witness.store.memory import MemoryStore
from witness.tlog import succession
from witness.tlog.addition import Addition
from witness.tlog.checkpoint import open_checkpoint
from witness.tlog.contradiction import OutOfTurn


@pytest.fixture
def crew(tmp_path):
    return befriended(tmp_path)


@pytest.fixture
def alone(tmp_path):
    member = Member(tmp_path, "a")
    member.publish(3)
    return member


def published(member):
    return member.site.get("checkpoint", limit=MAX_SHARD)


def rounds(*members):
    for member in members:
        done = member.cosign()
        assert done.exit_code == 0, done.output


def audited(member, site):
    fetch = fetch_at(str(site), None)
    found = audit(fetch, member.identity, fetch("checkpoint"))
    assert found.faults == ()
    return found


def test_everything_goes_on_for_those_who_know_the_first_key(crew, tmp_path):
    a, b, c = crew
    first = a.signers.log.key
    rounds(b, c, a)
    mirror(fetch_from(a.site), tmp_path / "copy", first)
    for turn in range(1, 3):
        size = open_checkpoint(published(a), first).checkpoint.size
        done = a.keys("rotate", "--log")
        assert done.output.splitlines() == [
            f"{a.signers.log.newest.text} signs the log from {size} entries on",
            f"Policies and peers go on to name {first.text}",
        ]
        assert (a.signers.log.key, len(a.signers.log.succession.links)) == (first, turn)
        assert sorted(path.name for path in a.directory.keys.iterdir()) == [
            "cosigner.pem", "log.pem", "log.succession", "observation.pem",
        ]  # fmt: skip
        # At once, and for an ordinary reader as for ours.
        opened = open_checkpoint(published(a), first, [a.signers.cosigner.key])
        assert (opened.checkpoint.size, len(opened.links), len(opened.cosignatures)) == (size, turn, 1)
        assert open_checkpoint(published(a), a.signers.log.newest).links == ()
        rounds(b, c, a)
        a.publish(2)
        rounds(b, c, a)
        assert cosigned_by(a, [b, c]) == [{"Operator b", "Operator c"}] * (3 + 2 * turn)
        assert audited(a, a.directory.site).size == 3 + 2 * turn
        assert mirror(fetch_from(a.site), tmp_path / "copy", first, [b.signers.cosigner.key]).caught == ()
        assert audited(a, tmp_path / "copy/site").bundles == 3 + 2 * turn
    assert json.loads((a.directory.site / "node.json").read_bytes())["logKey"] == first.text
    held = b.site.get(cosigned_path(a.config.origin), limit=MAX_SHARD)
    assert len(open_checkpoint(held, first, [b.signers.cosigner.key]).links) == 2


def test_the_key_of_observations_is_replaced_as_before(alone):
    old = alone.identity.keys[0].text
    alone.keys("rotate", "--log")
    assert alone.keys("rotate").exit_code == 0
    done = alone.keys("revoke", old, "--reason", "old")
    assert done.exit_code == 0, done.output
    alone.keys("rotate", "--log")
    assert CliRunner().invoke(app, ["publish", str(alone.directory.root)]).exit_code == 0
    assert alone.keys("rotate").exit_code == 0
    assert "entry 5: " in alone.keys("list").output


class Consumer:
    """Somebody who trusts a member by the lines that its `init` printed, and remembers what he saw."""

    def __init__(self, root, member, **changes):
        self.root, self.member = root, member
        self.state = root / "seen"
        lines = policy_entry(member.config, member.signers, str(member.directory.site))
        for old, new in changes.items():
            lines = lines.replace(getattr(member.signers.log, old).text, new)
        self.policy = root / "policy.toml"
        self.policy.write_text(f"version = 1\nthreshold = 1\n{lines}\n", "utf-8")

    def run(self, *words):
        env = {"WHEELWITNESS_POLICY": str(self.policy), "WHEELWITNESS_STATE": str(self.state)}
        return CliRunner().invoke(consumer, list(words), env=env)

    def show(self, number=0):
        """What is heard of an artifact: those that are rejected, and why."""
        file = self.root / "requirements.txt"
        file.write_text(f"demo=={number} --hash=sha256:{observed(number).sha256}\n", "utf-8")
        done = self.run("check", str(file), "--format", "json")
        (artifact,) = json.loads(done.stdout)["artifacts"]
        return done.exit_code, artifact["verdict"], " ".join(item["reason"] for item in artifact["rejected"])


def test_a_consumer_notices_nothing(alone, tmp_path):
    user = Consumer(tmp_path, alone)
    before = user.show()
    assert before[2] == ""
    for turn in range(2):
        alone.keys("rotate", "--log")
        assert user.show() == before
        alone.publish(1)
        assert user.show(3 + turn) == before
        done = user.run("log", "check", alone.config.name)
        assert done.exit_code == 0, done.output
        told = f"{alone.signers.log.newest.text} signs the log from {3 + turn} entries on"
        assert told in user.run("trust", "list").output
        assert told in alone.keys("list").output
    snapshot = user.run("snapshot", str(tmp_path / "snapshot"))
    assert snapshot.exit_code == 0, snapshot.output


def thief(member, entries, *, old):
    """The checkpoint of whoever has the log's old key and copies of the site, and goes on in his own way."""
    text = note.parse(published(member)).text
    alike = note.encode(note.Note(text, (old.sign(text), member.signers.cosigner.sign(text, 9))))
    member.site.put("checkpoint", alike)
    remembered = MemoryStore()
    remembered.put("checkpoint", alike)
    writer = LogWriter(member.site, Journal(remembered), old, member.signers.cosigner)
    writer.append(entries, at=int(NOON.timestamp()))
    return published(member)


def test_a_thief_of_the_old_key_is_caught_by_whoever_saw_the_new_one(crew, tmp_path):
    a, b, _ = crew
    old = a.signers.log
    user = Consumer(tmp_path, a)
    rounds(b)
    a.keys("rotate", "--log")
    a.publish(1)
    rounds(b)
    before = user.show()
    late = thief(a, [b"a lie"], old=old)
    # Whoever has not seen the new key believes the old one, as ever.
    assert open_checkpoint(late, old.key).checkpoint.size == 5
    done = b.cosign()
    assert done.exit_code == 1
    assert "signed 5 entries by a key that was replaced after 3 (evidence: evidence/" in done.output
    (file,) = (b.directory.site / "evidence").glob("*.json")
    done = CliRunner().invoke(consumer, ["log", "evidence", str(file)])
    assert "replaced after 3" in done.output, done.output
    done = user.run("log", "check", a.config.name)
    assert done.exit_code == 1
    assert "replaced after 3" in done.output
    assert before[0] != user.show()[0] == 1


def test_a_cosigner_does_not_forget_the_new_key(alone, tmp_path):
    b = Member(tmp_path, "b")
    old = alone.signers.log
    cosigner = b.cosigner(alone)
    stale = request(alone)
    cosigner.add(stale, at=1)
    alone.keys("rotate", "--log")
    cosigner.add(Addition(3, (), published(alone)), at=2)
    # The old key's line of the same tree is no contradiction, and is not taken for news.
    with pytest.raises(NotSigned, match="has replaced"):
        cosigner.add(Addition(3, (), stale.checkpoint), at=3)
    text = note.parse(stale.checkpoint).text
    other = LogSigner(old.name, key("x"), old.succeeded(3, key("x").public_key))
    with pytest.raises(Inconsistent, match="named two successors") as caught:
        cosigner.add(Addition(3, (), note.encode(note.Note(text, other.lines(text)))), at=3)
    assert isinstance(caught.value.evidence, OutOfTurn)
    line = cosigner.add(Addition(3, (), published(alone)), at=3)[0]
    assert line.name == b.config.cosigner


@pytest.mark.parametrize("rotated", [False, True])
def test_a_peer_cannot_put_a_key_of_his_before_ours(crew, rotated):
    """Whoever made a key that names our first one as its successor would have our node think it lacked one."""
    a, b, _ = crew
    if rotated:
        a.keys("rotate", "--log")
    rounds(b)
    path = cosigned_path(a.config.origin)
    parsed = note.parse(b.site.get(path, limit=MAX_SHARD))
    stranger = LogSigner(a.signers.log.name, key("stranger"))
    made = stranger.succeeded(0, a.signers.log.key.public_key)
    links = a.signers.log.succession.links if rotated else ()
    led = replace(made, links=(*made.links, *links))
    assert led.after(led.first)
    lines = [line for line in parsed.signatures if not rotated or line != a.signers.log.succession.line]
    forged = note.encode(note.Note(parsed.text, (*lines, led.line)))
    assert open_checkpoint(forged, a.signers.log.key).checkpoint.size == 3
    b.site.put(path, forged)
    rounds(a)
    held = succession.succession_in(note.parse(published(a)), a.signers.log.key)
    assert held == a.signers.log.succession
    a.publish(1)
    signer.publish(a.directory)


def test_what_was_seen_of_a_logs_keys_is_remembered(alone, tmp_path):
    old, first = alone.signers.log, alone.signers.log.key
    stale = published(alone)
    alone.keys("rotate", "--log")
    new = published(alone)
    assert note.parse(stale).text == note.parse(new).text

    def seen():
        return SeenLog(tmp_path / "memory", first)

    def see(*all_):
        memory = seen()
        caught = [item.proven for signed in all_ for item in memory.see(signed)]
        memory.save()
        return caught

    assert see(stale) == see(new) == see(stale) == see(new, stale) == []
    assert len(open_checkpoint(seen().newest, first).links) == 1
    text = note.parse(stale).text
    other = LogSigner(old.name, key("x"), old.succeeded(3, key("x").public_key))
    (proven,) = see(note.encode(note.Note(text, other.lines(text))))
    assert "named two successors of one key" in proven
    assert "named two successors" in seen().convictions[0].proven


def test_by_the_newest_key_alone_one_reads_what_is_signed_by_it(alone, tmp_path):
    alone.keys("rotate", "--log")
    alone.publish(1)
    user = Consumer(tmp_path, alone, key=alone.signers.log.newest.text)
    assert user.show(3)[2] == ""
    code, _, why = user.show(0)
    assert (code, "not signed by the log" in why) == (1, True)


@pytest.mark.parametrize(
    ("step", "before", "there"),
    [
        ((keyfile, "_write"), True, False),
        ((keyfile, "_write"), False, False),
        ((keys, "lead_to_next_log"), True, False),
        ((keys, "lead_to_next_log"), False, True),
        ((keys, "_rename"), True, True),
        ((keys, "_rename"), False, True),
        ((LogWriter, "_renew"), True, None),
        ((LogWriter, "_renew"), False, None),
    ],
)
def test_every_step_can_be_the_last(alone, monkeypatch, step, before, there):
    """The log goes on by the one key or by the other, and the command can be given again."""
    first = alone.signers.log.key
    kill(monkeypatch, *step, before=before)
    with pytest.raises(Killed):
        rotation.rotate_log(alone.directory)
    monkeypatch.undo()
    signer.publish(alone.directory)
    alone.signers = keys.load(alone.directory, alone.config)
    opened = open_checkpoint(published(alone), first)
    if there is not None:
        assert len(opened.links) == there
        assert alone.signers.log.newest.public_key == (opened.links[-1].key if there else first.public_key)
    alone.publish(1)
    assert alone.keys("rotate", "--log").exit_code == 0
    alone.publish(1)
    opened = open_checkpoint(published(alone), first)
    assert (opened.checkpoint.size, opened.links[-1].key) == (5, alone.signers.log.newest.public_key)
    assert not (alone.directory.keys / "log.next.pem").exists()
    assert audited(alone, alone.directory.site).size == 5
    assert SeenLog(alone.directory.root / "memory", first).see(published(alone)) == ()


def test_a_log_without_entries(tmp_path):
    member = Member(tmp_path, "a")
    first = member.signers.log.key
    assert member.keys("rotate", "--log").exit_code == 0
    member.publish(1)
    assert open_checkpoint(published(member), first).links[0].size == 0


def test_there_is_an_end_to_keys(alone, monkeypatch):
    monkeypatch.setattr(succession, "MAX_LINKS", 2)
    for _ in range(2):
        rotation.rotate_log(alone.directory)
    with pytest.raises(InputError, match="no further key for the log"):
        rotation.rotate_log(alone.directory)
    alone.signers = keys.load(alone.directory, alone.config)
    alone.publish(1)
    assert audited(alone, alone.directory.site).size == 4


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_text("x\n"), "does not lead to the log's key"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9] + b"\n"), "does not lead to the log's key"),
        (lambda path: path.write_bytes(b""), "does not lead to the log's key"),
        (lambda path: path.with_name("log.pem").unlink(), "none of the log's keys"),
    ],
    ids=["nonsense", "cut", "empty", "no key"],
)
def test_a_node_does_not_sign_by_a_key_that_nothing_leads_to(alone, damage, words):
    alone.keys("rotate", "--log")
    damage(alone.directory.keys / "log.succession")
    with pytest.raises(InputError, match=words):
        signer.publish(alone.directory)


@pytest.mark.parametrize("restored", [False, True], ids=["the new key", "the old key"])
def test_a_backup_of_keys_that_is_not_whole_does_not_end_the_log(alone, restored):
    """Without what leads to it, readers would not believe the new key; and the old one would convict the log."""
    old = (alone.directory.keys / "log.pem").read_bytes()
    alone.keys("rotate", "--log")
    lead = alone.directory.keys / "log.succession"
    kept = lead.read_bytes()
    lead.unlink()
    new = (alone.directory.keys / "log.pem").read_bytes()
    if restored:
        (alone.directory.keys / "log.pem").write_bytes(old)
    before = published(alone)
    with pytest.raises(Unverified, match="leads to another key than this node has"):
        signer.publish(alone.directory)
    assert published(alone) == before
    lead.write_bytes(kept)
    (alone.directory.keys / "log.pem").write_bytes(new)
    signer.publish(alone.directory)


@pytest.mark.parametrize(
    "words", [["--log", "--next"], ["--log", "--expires", "2030-01-01"], ["--log", "--cosigner", "ed25519"]]
)
def test_one_key_at_a_time(alone, words):
    before = {path.name: path.read_bytes() for path in alone.directory.keys.iterdir()}
    assert alone.keys("rotate", *words).exit_code == 2
    assert {path.name: path.read_bytes() for path in alone.directory.keys.iterdir()} == before


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_node_is_restored_with_the_key_that_its_log_has(alone, tmp_path):
    assert run("backup", alone.directory.root, tmp_path / "early").exit_code == 0
    alone.keys("rotate", "--log")
    alone.keys("rotate", "--cosigner", "ml-dsa-44")
    assert run("backup", alone.directory.root, tmp_path / "late").exit_code == 0
    alone.publish(2)
    first = alone.signers.log.key
    for name in ("early", "late"):
        done = run("restore", tmp_path / name, tmp_path / f"{name} node", "--site", alone.directory.site)
        assert done.exit_code == 0, done.output
    # The old key would convict the log, and nothing else leads on.
    done = run("publish", tmp_path / "early node")
    assert (done.exit_code, "leads to another key than this node has" in done.output) == (5, True), (
        done.output
    )
    alone.directory = NodeDirectory(tmp_path / "late node")
    alone.signers = keys.load(alone.directory, alone.config)
    alone.publish(1)
    opened = open_checkpoint(published(alone), first, [held.key for held in alone.signers.cosigners])
    assert (opened.checkpoint.size, len(opened.links), len(opened.cosignatures)) == (6, 1, 2)
    assert audited(alone, alone.directory.site).size == 6
