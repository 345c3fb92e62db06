"""`wheelwitness log` and what `check` saves, against nodes that are honest, damaged, or lie."""

import json
import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.integration.trusted_nodes import ALPHA, BETA, SHA, stated
from tests.schemas import validate
from witness import bundle
from witness.bundle import Bundle, shard_path
from witness.cli.main import app
from witness.digest import sha256_hex
from witness.log.journal import Journal
from witness.log.reader import LogReader, fetch_from
from witness.log.writer import LogWriter
from witness.store.directory import DirectoryStore
from witness.store.memory import MemoryStore

LOOKUP = "lookup/0/0000"
OTHERS = [sha256_hex(f"file {number}".encode()) for number in range(5)]


class World:
    """A policy with one node, `alpha`, whose site is a directory."""

    def __init__(self, root: Path):
        self.root = root
        self.state = root / "seen"
        self.policy = root / "policy.toml"
        self.policy.write_text("version = 1\nthreshold = 1\n" + ALPHA.toml("alpha-site"))
        self.site = root / "alpha-site"

    def run(self, *arguments):
        env = {"WHEELWITNESS_POLICY": str(self.policy), "WHEELWITNESS_STATE": str(self.state)}
        return CliRunner().invoke(app, list(arguments), env=env)

    def check_log(self, *more):
        return self.run("log", "check", "alpha", *more)

    def publish(self, *digests, directory=None):
        ALPHA.publish(directory or self.root, [stated(ALPHA, sha256=sha256) for sha256 in digests])

    def serve_another_history(self, *digests):
        """Another log under the same keys takes the place of the one that was there."""
        liar = self.root / "liar"
        liar.mkdir(exist_ok=True)
        self.publish(*digests, directory=liar)
        shutil.rmtree(self.site)
        shutil.copytree(liar / "alpha-site", self.site)

    def evidence(self):
        return sorted((self.state / "evidence").rglob("*.json"))

    def assert_evidence(self, words, *, count=1):
        files = self.evidence()
        assert len(files) == count
        for file in files:
            shown = CliRunner().invoke(app, ["log", "evidence", str(file)])
            assert shown.exit_code == 0, shown.output
            assert words in shown.output
            assert ALPHA.identity.log_key.text in shown.output
            other = CliRunner().invoke(
                app, ["log", "evidence", str(file), "--log-key", BETA.identity.log_key.text]
            )
            assert other.exit_code == 1


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    world.publish(SHA, *OTHERS)
    return world


def test_an_honest_log_grows(world):
    done = world.check_log()
    assert done.exit_code == 0, done.output
    assert "6 entries about 6 files, 6 bundles, 1 lookup files, verified" in done.output
    world.publish(sha256_hex(b"one more"), SHA)
    done = world.check_log()
    assert (done.exit_code, "7 entries" in done.output) == (0, True), done.output
    assert world.check_log("--quiet").output == ""
    assert world.evidence() == []


def test_by_its_keys(world):
    identity = ALPHA.identity
    named = ["--log-key", identity.log_key.text, "--key", identity.keys[0].text, "--name", "alpha"]
    assert world.run("log", "check", str(world.site), *named).exit_code == 0
    assert world.run("log", "check", str(world.site), *named[:2]).exit_code == 2
    assert world.run("log", "check", str(world.site), "--log-key", "nonsense", *named[2:]).exit_code == 2
    assert world.run("log", "check", "nobody").exit_code == 2
    # An entry by a key that is not named is no observation of this witness.
    wrong = [*named[:2], "--key", BETA.identity.keys[0].text, "--name", "alpha"]
    done = world.run("log", "check", str(world.site), *wrong)
    assert done.exit_code == 1
    assert "entry 0: no observation by alpha" in done.output
    named[-1] = "omega"
    assert "made by 'alpha'" in world.run("log", "check", str(world.site), *named).output


@pytest.mark.parametrize("count", [2, 5, 6, 7])
def test_a_forked_log_is_convicted(world, count):
    assert world.check_log().exit_code == 0
    world.serve_another_history(*[sha256_hex(f"lie {number}".encode()) for number in range(count)])
    done = world.check_log()
    if count < 6:
        # The larger tree's tiles are gone: an old state is served, and cannot be held against what was seen.
        assert done.exit_code in (1, 5), done.output
        assert "an old state is served" in done.output
    else:
        assert done.exit_code == 1, done.output
        assert "AGAINST" in done.output
        world.assert_evidence("alpha.example/log signed", count=1)
        # It stays convicted.
        assert world.check_log().exit_code == 1


def test_an_old_state_is_not_taken_for_new(world):
    old = world.root / "old"
    shutil.copytree(world.site, old)
    world.publish(sha256_hex(b"one more"))
    assert world.check_log().exit_code == 0
    shutil.rmtree(world.site)
    old.rename(world.site)
    done = world.check_log()
    assert done.exit_code == 5
    assert "an old state is served: 6 entries, and 7 were seen before" in done.output
    assert world.evidence() == []


def flip(path, at=-5):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize(
    ("damage", "code", "words"),
    [
        (lambda site: flip(site / "tile/0/000.p/6"), 5, "another root"),
        (lambda site: flip(site / "tile/entries/000.p/6"), 5, "000.p/6"),
        (lambda site: (site / "tile/entries/000.p/6").unlink(), 5, "missing"),
        (lambda site: flip(site / "checkpoint"), 1, "signature"),
        (lambda site: (site / "checkpoint").unlink(), 5, "no such file"),
        (lambda site: (site / shard_path(SHA)).unlink(), 1, "missing, though the log has 1"),
        (lambda site: flip(site / shard_path(SHA), 30), 1, shard_path(SHA)),
        (
            lambda site: shutil.copy(site / shard_path(SHA), site / shard_path(OTHERS[0])),
            1,
            "holds back entries [",
        ),
        (lambda site: (site / LOOKUP).unlink(), 1, f"{LOOKUP}: missing"),
        (lambda site: flip(site / LOOKUP, 5), 1, f"{LOOKUP}: lookup: not the whole file"),
        (lambda site: flip(site / LOOKUP, 150), 1, f"{LOOKUP}: bundle"),
        (lambda site: flip(site / "lookup/width.json"), 1, "lookup/width.json: "),
        (
            lambda site: (site / LOOKUP).write_bytes(
                b"wheelwitness-lookup-v1 0 0000 1\n" + (site / LOOKUP).read_bytes().split(b"\n")[1] + b"\n"
            ),
            1,
            f"{LOOKUP}: without the bundles of ",
        ),
    ],
)
def test_damage(world, damage, code, words):
    damage(world.site)
    done = world.check_log()
    assert done.exit_code == code, done.output
    assert words in done.output
    assert world.evidence() == []


def test_a_lookup_file_that_holds_back_is_caught(world):
    before = (world.site / LOOKUP).read_bytes()
    world.publish(SHA)
    ALPHA.publish(world.root, [stated(ALPHA, "mismatch")])
    assert world.check_log().exit_code == 0
    (world.site / LOOKUP).write_bytes(before)
    done = world.check_log()
    assert done.exit_code == 1
    assert f"{LOOKUP}: holds back entries [6]" in done.output


def test_a_log_without_lookup_files_is_no_worse(world):
    shutil.rmtree(world.site / "lookup")
    done = world.check_log()
    assert done.exit_code == 0
    assert "6 bundles, verified" in done.output


def test_a_withheld_observation_is_missed(world):
    world.publish(SHA)
    before = (world.site / shard_path(SHA)).read_bytes()
    ALPHA.publish(world.root, [stated(ALPHA, "mismatch")])
    assert world.check_log().exit_code == 0
    (world.site / shard_path(SHA)).write_bytes(before)
    done = world.check_log()
    assert done.exit_code == 1
    assert "holds back entries [6]" in done.output
    assert world.check_log("--no-shards").exit_code == 0


def test_a_bundle_of_another_tree_convicts(world):
    """The log is fine, but one shard was proven by another tree: a lie for one consumer."""
    liar = LogWriter(
        store := MemoryStore(), Journal(MemoryStore()), ALPHA.signers.log, ALPHA.signers.cosigner
    )
    fetch = fetch_from(DirectoryStore(world.site))
    held = LogReader.open(fetch, ALPHA.identity.log_key)
    entries = [*held.entries()]
    liar.append([*entries[:-1], entries[-2]], at=1_800_000_000)
    other = LogReader.open(fetch_from(store), ALPHA.identity.log_key)
    path = next(shard_path(sha) for sha in (SHA, *OTHERS) if entries[-2] == first_entry(world, sha))
    index = bundle.parse_shard((world.site / path).read_bytes())[0].proof.index
    (world.site / path).write_bytes(bundle.encode(Bundle(entries[-2], other.proof(index))) + b"\n")
    done = world.check_log()
    assert done.exit_code == 1
    world.assert_evidence("two different trees of 6 entries")


def first_entry(world, sha256):
    return bundle.parse_shard((world.site / shard_path(sha256)).read_bytes())[0].entry


def test_check_saves_evidence_before_it_reports(world):
    requirement = world.root / "requirements.txt"
    requirement.write_text(f"demo==1.0 --hash=sha256:{SHA}\n")
    assert world.run("check", str(requirement)).exit_code == 0
    assert world.evidence() == []
    world.serve_another_history(*OTHERS[1:], sha256_hex(b"lie"), SHA)
    done = world.run("check", str(requirement), "--format", "json")
    assert done.exit_code == 1, done.output
    report = json.loads(done.stdout)
    validate(report)
    (artifact,) = report["artifacts"]
    assert artifact["agreeing"] == []
    (rejected,) = artifact["rejected"]
    path = re.search(r"evidence: (\S+)\)", rejected["reason"])[1]
    assert [path] == [str(file) for file in world.evidence()]
    world.assert_evidence("two different trees of 6 entries")
    shown = world.run("show", f"sha256:{SHA}")
    assert "contradicts itself" in shown.output


@pytest.fixture
def convicted(world):
    """A consumer who caught the log in a lie, and who is shown the first history again."""
    kept = world.root / "first"
    shutil.copytree(world.site, kept)
    requirement = world.root / "requirements.txt"
    requirement.write_text(f"demo==1.0 --hash=sha256:{SHA}\n")
    assert world.run("check", str(requirement)).exit_code == 0
    world.serve_another_history(*OTHERS[1:], sha256_hex(b"lie"), SHA)
    assert world.run("check", str(requirement)).exit_code == 1
    shutil.rmtree(world.site)
    shutil.copytree(kept, world.site)
    return world


def test_a_log_that_was_caught_stays_caught(convicted):
    (file,) = convicted.evidence()
    requirement = str(convicted.root / "requirements.txt")
    for _ in range(2):
        done = convicted.run("check", requirement, "--format", "json")
        assert done.exit_code == 1, done.output
        report = json.loads(done.stdout)
        validate(report)
        (artifact,) = report["artifacts"]
        assert artifact["agreeing"] == []
        assert str(file) in artifact["rejected"][0]["reason"]
    checked = convicted.check_log()
    assert checked.exit_code == 1
    assert str(file) in checked.output
    assert file in convicted.evidence()  # beside what the tiles prove
    shutil.rmtree(convicted.state)
    assert convicted.run("check", requirement).exit_code == 0


def test_evidence_of_others_counts_once_it_is_kept(convicted, tmp_path):
    (found,) = convicted.evidence()
    other = tmp_path / "another consumer"
    requirement = str(convicted.root / "requirements.txt")
    as_other = ["--policy", str(convicted.policy), "--state", str(other)]
    run = CliRunner()
    assert run.invoke(app, ["check", requirement, *as_other]).exit_code == 0
    kept = run.invoke(app, ["log", "evidence", str(found), "--keep", "--state", str(other)])
    assert kept.exit_code == 0, kept.output
    (copy,) = (other / "evidence").rglob("*.json")
    assert f"kept: {copy}" in kept.output
    assert copy.read_bytes() == found.read_bytes()
    assert run.invoke(app, ["check", requirement, *as_other]).exit_code == 1
    again = run.invoke(app, ["log", "evidence", str(found), "--keep", "--state", str(other)])
    assert (again.exit_code, again.output) == (0, kept.output)


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"{}", lambda data: b""])
def test_kept_evidence_that_was_damaged_is_named(convicted, damage):
    (file,) = convicted.evidence()
    file.write_bytes(damage(file.read_bytes()))
    done = convicted.run("check", str(convicted.root / "requirements.txt"))
    assert done.exit_code == 5
    assert file.name in done.output
    assert "Move it away" in done.output


def test_evidence_that_cannot_be_kept(convicted, tmp_path):
    (found,) = convicted.evidence()
    (tmp_path / "state").write_bytes(b"a file, where a directory should be")
    done = CliRunner().invoke(
        app, ["log", "evidence", str(found), "--keep", "--state", str(tmp_path / "state")]
    )
    assert done.exit_code == 5
    assert "cannot be kept" in done.output


def test_two_entries_at_one_index_in_one_answer(tmp_path):
    world = World(tmp_path)
    world.publish(SHA)
    liar = tmp_path / "liar"
    liar.mkdir()
    ALPHA.publish(liar, [stated(ALPHA, "mismatch")])
    world.publish(OTHERS[0], directory=liar)  # so that the trees have two sizes
    mine = (world.site / shard_path(SHA)).read_bytes()
    theirs = (liar / "alpha-site" / shard_path(SHA)).read_bytes()
    grown = LogReader.open(fetch_from(DirectoryStore(liar / "alpha-site")), ALPHA.identity.log_key)
    theirs = bundle.encode(Bundle(bundle.parse_shard(theirs)[0].entry, grown.proof(0))) + b"\n"
    (world.site / shard_path(SHA)).write_bytes(mine + theirs)
    done = world.run("show", f"sha256:{SHA}")
    assert "two different entries at index 0" in done.output
    world.assert_evidence("two different entries at index 0")


def test_a_consumer_without_a_place_to_write(world):
    requirement = world.root / "requirements.txt"
    requirement.write_text(f"demo==1.0 --hash=sha256:{SHA}\n")
    world.state.write_bytes(b"a file, where a directory should be")
    assert world.run("check", str(requirement)).exit_code == 0
    assert world.check_log().exit_code == 5


def test_files_that_are_no_evidence(tmp_path):
    run = CliRunner()
    assert run.invoke(app, ["log", "evidence", str(tmp_path / "none")]).exit_code == 2
    (tmp_path / "empty").write_bytes(b"")
    assert run.invoke(app, ["log", "evidence", str(tmp_path / "empty")]).exit_code == 2
