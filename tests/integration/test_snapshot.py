"""Snapshots by the program: made, brought up to date, and asked when the nodes are gone."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.integration.trusted_nodes import ALPHA, BETA, GAMMA, WHEEL, stated, wheel
from tests.signed_log import Log, node, observed
from witness import bundle, dsse, statement
from witness.cli.main import app
from witness.digest import sha256_hex
from witness.errors import FetchFailed, Incomplete, Malformed
from witness.log.reader import fetch_from
from witness.mirror import mirror
from witness.observation import format_time
from witness.sources.snapshot import HeldLog, directory_of, encode_index, parse_index, read_snapshot

GOOD = sha256_hex(wheel())
YESTERDAY = datetime.now(UTC) - timedelta(days=1)


class World:
    """A policy that wants both of two nodes, whose sites are directories, and where the snapshot is."""

    def __init__(self, root: Path):
        self.root = root
        self.snapshot = root / "witnesses"
        self.policy = root / "policy.toml"
        self.set_policy()
        self.wheel = root / WHEEL
        self.wheel.write_bytes(wheel())
        for member in (ALPHA, BETA):
            member.publish(root, [stated(member, sha256=GOOD, finished=YESTERDAY)])

    def set_policy(self, more=""):
        text = "version = 1\nthreshold = 2\n" + more + ALPHA.toml("alpha-site") + BETA.toml("beta-site")
        self.policy.write_text(text, encoding="utf-8")

    def site(self, member) -> Path:
        return self.root / f"{member.name}-site"

    def copy(self, member) -> Path:
        return directory_of(self.snapshot, member.identity.log_key)

    def run(self, *arguments):
        env = {"WHEELWITNESS_POLICY": str(self.policy), "WHEELWITNESS_STATE": str(self.root / "seen")}
        return CliRunner().invoke(app, [str(item) for item in arguments], env=env)

    def take(self, *options):
        return self.run("snapshot", self.snapshot, *options)

    def check(self):
        done = self.run("check", self.wheel, "--snapshot", self.snapshot, "--format", "json")
        return done.exit_code, json.loads(done.stdout)

    def age(self, member, **by):
        logs = [
            log.model_copy(update={"seen": log.seen - timedelta(**by)})
            if log.log_key == member.identity.log_key.text
            else log
            for log in read_snapshot(self.snapshot).logs
        ]
        (self.snapshot / "snapshot.json").write_bytes(encode_index(logs))


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture
def offline(world):
    """With a snapshot, and without any node."""
    assert world.take().exit_code == 0
    for member in (ALPHA, BETA):
        shutil.rmtree(world.site(member))
    return world


def test_made_and_brought_up_to_date(world):
    done = world.take()
    assert done.exit_code == 0, done.output
    assert "alpha (Operator A): 1 entries more; the copy has 1" in done.output
    ALPHA.publish(world.root, [stated(ALPHA, "mismatch", sha256=GOOD, finished=YESTERDAY)])
    done = world.take()
    assert "alpha (Operator A): 1 entries more; the copy has 2" in done.output
    assert "beta (Operator B): 0 entries more; the copy has 1" in done.output
    assert world.take("--quiet").output == ""
    held = read_snapshot(world.snapshot)
    assert held.seen(ALPHA.identity.log_key).entries == 2
    assert not (world.copy(ALPHA) / "site" / "lookup").exists()


def test_asked_without_any_node(offline):
    code, report = offline.check()
    assert (code, report["counts"]) == (0, {"reproduced": 1})
    seen = read_snapshot(offline.snapshot).seen(ALPHA.identity.log_key).seen
    assert {"witness": "alpha", "seen": format_time(seen)} in report["snapshot"]
    for command in (["check"], ["verify"], ["show"]):
        done = offline.run(*command, offline.wheel, "--snapshot", offline.snapshot)
        assert done.exit_code == 0, done.output
        assert f"  alpha (Operator A): as of {format_time(seen)}" in done.output
    assert "could not be reached" in offline.run("check", offline.wheel).output


def test_a_policy_may_name_the_copies(offline):
    text = offline.policy.read_text("utf-8")
    for member in (ALPHA, BETA):
        path = offline.copy(member).relative_to(offline.root) / "site"
        text = text.replace(f'"{member.name}-site"', f'"{path}"')
    offline.policy.write_text(text, encoding="utf-8")
    assert offline.run("check", offline.wheel).exit_code == 0


def test_nothing_in_it_is_believed(offline):
    path = offline.copy(BETA) / "site" / bundle.shard_path(GOOD)
    path.write_bytes(path.read_bytes().replace(b"index 0", b"index 1", 1))
    code, report = offline.check()
    assert code == 1
    assert report["artifacts"][0]["rejected"][0]["witness"] == "beta"


def test_its_age_counts(offline):
    offline.age(BETA, days=29)
    assert offline.check()[0] == 0
    offline.age(BETA, days=2)
    code, report = offline.check()
    assert (code, report["artifacts"][0]["silent"]) == (3, ["beta"])
    assert "31 days ago, more than the 30 allowed" in json.dumps(report)
    offline.set_policy("max-snapshot-days = 40\n")
    assert offline.check()[0] == 0
    # It makes nothing fresh: what was seen long ago is stale, whenever the snapshot was taken.
    offline.set_policy("max-snapshot-days = 40\nmax-age-days = 1\n")
    code, report = offline.check()
    assert (code, report["counts"]) == (3, {"stale": 1})


def test_a_time_to_come_is_no_age(offline):
    offline.age(BETA, days=-3)
    code, report = offline.check()
    assert code == 3
    assert "which is to come" in json.dumps(report)


def test_a_witness_that_is_not_in_it(offline):
    text = offline.policy.read_text("utf-8")
    offline.policy.write_text(text + GAMMA.toml("gamma-site"), encoding="utf-8")
    code, report = offline.check()
    assert (code, report["artifacts"][0]["silent"]) == (0, ["gamma"])


def test_what_cannot_be_reached_keeps_its_copy_and_its_age(world):
    assert world.take().exit_code == 0
    world.age(BETA, days=3)
    before = read_snapshot(world.snapshot).seen(BETA.identity.log_key)
    shutil.rmtree(world.site(BETA))
    done = world.take()
    assert done.exit_code == 5
    assert "wheelwitness: beta (Operator B): " in done.stderr
    assert f"beta (Operator B): 1 entries, as of {format_time(before.seen)}" in done.stdout
    assert read_snapshot(world.snapshot).seen(BETA.identity.log_key) == before
    assert world.check()[0] == 0


def test_what_was_never_reached_is_not_in_it(world):
    shutil.rmtree(world.site(BETA))
    done = world.take()
    assert done.exit_code == 5
    assert "beta (Operator B): not in the snapshot" in done.stdout
    assert world.check()[0] == 3


def test_an_older_state_is_not_taken(world):
    old = world.root / "old"
    shutil.copytree(world.site(ALPHA), old)
    ALPHA.publish(world.root, [stated(ALPHA, "mismatch", sha256=GOOD, finished=YESTERDAY)])
    assert world.take().exit_code == 0
    shutil.rmtree(world.site(ALPHA))
    old.rename(world.site(ALPHA))
    done = world.take()
    assert done.exit_code == 5
    assert "serves 1 entries, the copy has 2" in done.stderr
    assert world.check()[0] == 1


def test_a_log_that_contradicts_itself_is_convicted(world):
    assert world.take().exit_code == 0
    liar = world.root / "liar"
    liar.mkdir()
    for number in range(3):
        ALPHA.publish(liar, [stated(ALPHA, sha256=sha256_hex(b"%d" % number), finished=YESTERDAY)])
    shutil.rmtree(world.site(ALPHA))
    (liar / "alpha-site").rename(world.site(ALPHA))
    done = world.take()
    assert done.exit_code == 1
    assert "AGAINST  alpha (Operator A): alpha.example/log signed" in done.stdout
    (evidence,) = (world.copy(ALPHA) / "state" / "evidence").rglob("*.json")
    assert world.run("log", "evidence", evidence).exit_code == 0
    # It stays convicted, and its older matches count no more.
    code, report = world.check()
    assert code == 1
    assert "its log contradicts itself" in json.dumps(report["artifacts"][0]["rejected"])
    assert world.take().exit_code == 1
    assert read_snapshot(world.snapshot).seen(ALPHA.identity.log_key).entries == 1


def test_a_checkpoint_that_its_log_did_not_sign(world):
    path = world.site(ALPHA) / "checkpoint"
    path.write_bytes(path.read_bytes().replace(b"\n1\n", b"\n2\n"))
    done = world.take()
    assert done.exit_code == 1
    assert "AGAINST  alpha (Operator A): its checkpoint: " in done.stdout


def test_damage_is_no_evidence(world):
    path = world.site(ALPHA) / "tile/entries/000.p/1"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    done = world.take()
    assert done.exit_code == 5
    assert "not those that the log committed to" in done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"{}", "not of the form snapshot/1"), (b"", "not valid JSON"), (None, "No such file")],
)
def test_a_directory_that_is_no_snapshot(world, content, words):
    assert world.take().exit_code == 0
    path = world.snapshot / "snapshot.json"
    path.unlink() if content is None else path.write_bytes(content)
    done = world.run("check", world.wheel, "--snapshot", world.snapshot)
    assert done.exit_code == 2
    assert words in done.stderr
    assert world.take().exit_code == (0 if content is None else 2)


def test_one_thing_is_asked(offline):
    done = offline.run(
        "check", offline.wheel, "--snapshot", offline.snapshot, "--bundle", offline.root / "x.jsonl"
    )
    assert done.exit_code == 2
    assert "both --bundle and --snapshot" in done.stderr


def test_the_index_round_trip():
    log = HeldLog(log_key=ALPHA.identity.log_key.text, entries=3, seen=YESTERDAY)
    assert parse_index(encode_index([log])).logs == (log,)
    with pytest.raises(Malformed, match="a log twice"):
        parse_index(encode_index([log, log]))
    with pytest.raises(Malformed):
        parse_index(encode_index([log]).replace(b'"entries":3', b'"entries":-3'))


class Failing:
    """The files of a log, until so many have been asked for."""

    def __init__(self, log, count):
        self.fetch = fetch_from(log.store)
        self.left = count
        self.asked = []

    def __call__(self, path):
        self.left -= 1
        if self.left < 0:
            raise FetchFailed(f"{path}: no answer")
        self.asked.append(path)
        return self.fetch(path)


def test_an_interrupted_copy_goes_on_where_it_was(tmp_path):
    signers = node()
    log = Log.new(signers)
    entries = []
    for number in range(40 * 256):
        said = statement.encode(observed(number % 3)) if number % 1000 == 0 else b"%d" % number
        sign = signers.observations
        entries.append(
            dsse.encode(dsse.seal(said, sign.public_key, sign.sign)) if number % 1000 == 0 else said
        )
    log.append(entries)
    first = Failing(log, 60)
    with pytest.raises(Incomplete):
        mirror(first, tmp_path, signers.log.key, lookups=False)
    second = Failing(log, 1000)
    done = mirror(second, tmp_path, signers.log.key, lookups=False)
    assert (done.size, done.added) == (40 * 256, 40 * 256)
    again = {path for path in second.asked if path.startswith("tile/entries/")} & set(first.asked)
    assert len(again) < 16 <= len([path for path in first.asked if path.startswith("tile/entries/")])


def test_diff_and_hashes_ask_the_snapshot_too(tmp_path):
    world = World(tmp_path)
    assert world.take().exit_code == 0
    for member in (ALPHA, BETA):
        shutil.rmtree(world.site(member))
    listed = tmp_path / "requirements.txt"
    listed.write_text(f"demo==1.0 --hash=sha256:{GOOD}\n", encoding="utf-8")
    done = world.run("hashes", listed, "--snapshot", world.snapshot)
    assert (done.exit_code, GOOD in done.stdout) == (0, True), done.output
    assert world.run("hashes", listed).exit_code == 5
    shown = world.run("diff", world.wheel, "--snapshot", world.snapshot)
    assert (shown.exit_code, "reproduced" in shown.stdout) == (0, True), shown.output
