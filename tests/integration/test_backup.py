"""Backup and restore of a node with a real log: what was published meanwhile is kept, and nothing is forked."""

import json
import os
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rebuilders.cli.main import app
from rebuilders.node.backup import SUMS, back_up, restore
from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.node.cosigning import WITHHELD, cosign
from rebuilders.node.ledger import Ledger, Want
from rebuilders.node.setup import make
from rebuilders.node.signer import publish
from tests.signed_log import observed, put_in
from witness import note, statement
from witness.errors import Incomplete, InputError, Unverified
from witness.log.reader import check_log, fetch_from
from witness.log.writer import exclusive
from witness.names import TargetName
from witness.note import VerifierKey
from witness.store.directory import DirectoryStore
from witness.tlog.checkpoint import Checkpoint, open_checkpoint
from witness.tlog.cosignature import CosignerKey

NAME = "node-a.example"
PEER = "node-b.example"


@dataclass
class Place:
    root: Path
    node: NodeDirectory
    heads: dict[int, bytes]

    def say(self, *numbers, node=None):
        """The node observes, signs and publishes; each head that it ever signed is remembered."""
        node = node or self.node
        for number in numbers:
            put_in(node.outbox, statement.encode(observed(number, by=NAME)))
        publish(node)
        self.remember(node)

    def remember(self, node):
        signed = (node.site / "checkpoint").read_bytes()
        tree = Checkpoint.parse(note.parse(signed).text)
        assert self.heads.setdefault(tree.size, tree.root) == tree.root

    def published(self, name="published"):
        """A copy of the site as it is now, as on another machine."""
        to = self.root / name
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(self.node.site, to)
        return str(to)

    def back_up(self, name="backup"):
        back_up(self.node, self.root / name)
        return self.root / name

    def restore(self, backup, *sites, name="again"):
        directory = NodeDirectory(self.root / name)
        said = []
        return directory, restore(backup, directory, sites, said.append), said

    def numbers(self, node):
        told = json.loads((node.site / "node.json").read_bytes())
        log_key, cosigner = VerifierKey.parse(told["logKey"]), CosignerKey.parse(told["cosignerKey"])
        fetch = fetch_from(DirectoryStore(node.site))
        checked = check_log(fetch, log_key, [cosigner])
        found = sorted(path.stem for path in (node.site / "observations").rglob("*.jsonl"))
        assert len(found) == checked.checkpoint.size
        return checked.checkpoint.size


def made(root, name, **changes):
    node = NodeDirectory(root)
    make(node, NodeConfig(version=1, name=name, operator=f"Operator of {name}", **changes))
    return node


@pytest.fixture
def place(tmp_path):
    return Place(tmp_path, made(tmp_path / "node", NAME), {})


def test_what_was_published_since_is_kept(place):
    place.say(*range(3))
    backup = place.back_up()
    place.say(3, 4)
    again, done, said = place.restore(backup, place.published())
    assert (done.log.size, len(done.since.files), said) == (5, 2, [])
    place.say(5, node=again)
    assert place.numbers(again) == 6


def test_on_an_empty_machine(place):
    place.say(*range(3))
    backup, published = place.back_up(), place.published()
    shutil.rmtree(place.node.root)
    again, done, _ = place.restore(backup, published)
    assert done.since.files == ()
    place.say(7, node=again)
    assert place.numbers(again) == 4


def test_what_waits_is_signed_once(place):
    place.say(0)
    waits, later = (statement.encode(observed(number, by=NAME)) for number in (1, 2))
    put_in(place.node.outbox, waits)
    put_in(place.node.outbox, later)
    backup = place.back_up()
    (place.node.outbox / put_in(place.node.outbox, later)).unlink()
    publish(place.node)  # the one, but not the other
    again, done, _ = place.restore(backup, place.published())
    assert done.since.dropped == 1
    place.say(node=again)
    assert place.numbers(again) == 3


def test_a_target_that_was_observed_since_is_not_rebuilt_again(place):
    ledger = Ledger(place.node.state / "ledger.sqlite")
    ledger.add([Want(TargetName.parse("demo-1-py3-none-any.whl")), Want(TargetName.parse("demo==2"))])
    ledger.add([Want(TargetName.parse("demo==3"))])
    backup = place.back_up()
    ledger.close()
    place.say(1, 2)
    again, *_ = place.restore(backup, place.published())
    ledger = Ledger(again.state / "ledger.sqlite")
    assert ledger.counts() == {"done": 2, "queued": 1}
    ledger.close()


def test_an_older_copy_is_not_signed_on(place):
    place.say(*range(3))
    old = place.published("old")
    place.say(3)
    backup = place.back_up()
    with pytest.raises(Incomplete, match="what is to be restored knows of 4 entries") as caught:
        place.restore(backup, old)
    assert "fork the log" in caught.value.hint
    assert not (place.root / "again").exists()
    again, *_ = place.restore(backup, old, place.published())
    place.say(4, node=again)


def test_a_peer_that_has_seen_more_is_believed(place):
    """The published copy is older than what another node has cosigned."""
    told = json.loads((place.node.site / "node.json").read_bytes())
    other = made(place.root / "other", PEER)
    peer = f'\n[[peer]]\nurl = "{place.node.site}"\nlog-key = "{told["logKey"]}"\n'
    with other.config_path.open("a") as file:
        file.write(peer)
    with place.node.config_path.open("a") as file:
        about = json.loads((other.site / "node.json").read_bytes())
        file.write(f'\n[[peer]]\nurl = "{other.site}"\nlog-key = "{about["logKey"]}"\n')
    place.say(0, 1)
    backup, old = place.back_up(), place.published("old")
    place.say(2)
    cosign(other)
    with pytest.raises(Incomplete, match="knows of 3 entries"):
        place.restore(backup, old)
    again, *_ = place.restore(backup, place.published())
    place.say(3, node=again)


def test_two_histories_are_not_signed_on(place):
    place.say(0)
    twin = place.root / "twin"
    shutil.copytree(place.node.root, twin)
    twin = NodeDirectory(twin)
    put_in(twin.outbox, statement.encode(observed(9, by=NAME)))
    publish(twin)
    place.say(1)
    backup = place.back_up()
    with pytest.raises(Unverified, match="two histories"):
        place.restore(backup, str(twin.site))
    put_in(twin.outbox, statement.encode(observed(8, by=NAME)))
    publish(twin)
    with pytest.raises(Unverified, match="two histories"):
        place.restore(backup, str(twin.site), place.published())


@pytest.mark.parametrize("stage", ["begun", "published"])
def test_a_batch_that_was_under_way(place, stage, monkeypatch):
    """Killed after it was written down: before anything of it was published, or before it was all done."""
    from witness.log import writer
    from witness.log.journal import Journal

    place.say(0)
    put_in(place.node.outbox, statement.encode(observed(1, by=NAME)))

    class Killed(Exception):
        pass

    def killed(*_):
        raise Killed

    where = (writer.LogWriter, "_publish") if stage == "begun" else (Journal, "end")
    with monkeypatch.context() as patched:
        patched.setattr(*where, killed)
        with pytest.raises(Killed):
            publish(place.node)
    backup, published = place.back_up(), place.published()
    assert (backup / "state" / "pending").exists()
    again, done, _ = place.restore(backup, published)
    assert done.log.size == (1 if stage == "begun" else 2)
    place.say(2, node=again)
    assert place.numbers(again) == 3


def test_it_cosigns_nobody_until_its_operator_says_so(place):
    other = made(place.root / "other", PEER)
    about = json.loads((other.site / "node.json").read_bytes())
    with place.node.config_path.open("a") as file:
        file.write(f'\n[[peer]]\nurl = "{other.site}"\nlog-key = "{about["logKey"]}"\n')
    put_in(other.outbox, statement.encode(observed(0, by=PEER)))
    publish(other)
    place.say(0)
    cosign(place.node)
    again, *_ = place.restore(place.back_up(), place.published())
    assert not (again.state / "cosigner").exists()
    with pytest.raises(InputError, match="cosigns nobody"):
        cosign(again)
    (again.state / WITHHELD).unlink()
    assert cosign(again).done


def test_nothing_can_be_read(place):
    place.say(0)
    backup = place.back_up()
    with pytest.raises(Incomplete, match="none was named"):
        place.restore(backup)
    with pytest.raises(Incomplete, match="nothing of this log"):
        place.restore(backup, str(place.root / "nowhere"))
    assert not (place.root / "again").exists()


def test_another_log_is_no_copy(place):
    place.say(0)
    other = made(place.root / "other", PEER)
    put_in(other.outbox, statement.encode(observed(0, by=PEER)))
    publish(other)
    with pytest.raises(Incomplete, match="not signed by any known key"):
        place.restore(place.back_up(), str(other.site))


class TestBackups:
    def test_they_are_the_owners_alone(self, place):
        place.say(0)
        backup = place.back_up()
        assert stat.S_IMODE(backup.stat().st_mode) == 0o700
        assert stat.S_IMODE((backup / "keys" / "log.pem").stat().st_mode) == 0o600

    def test_nothing_is_written_over(self, place):
        place.say(0)
        backup = place.back_up()
        with pytest.raises(InputError, match="something already"):
            place.back_up()
        with pytest.raises(InputError, match="something already"):
            place.restore(backup, place.published(), name="node")

    @pytest.mark.parametrize("how", ["changed", "missing", "added", "sums"])
    def test_one_that_is_damaged(self, place, how):
        place.say(0)
        backup = place.back_up()
        path = backup / "keys" / "log.pem"
        if how == "changed":
            path.write_bytes(path.read_bytes() + b"\n")
        elif how == "missing":
            path.unlink()
        elif how == "added":
            (backup / "keys" / "other.pem").write_text("x")
        else:
            (backup / SUMS).unlink()
        with pytest.raises(InputError, match=r"no backup|not as it was backed up"):
            place.restore(backup, place.published())
        assert not (place.root / "again").exists()

    def test_while_the_node_signs(self, place):
        """It waits for whoever writes to the log."""
        place.say(0)
        code = (
            "import sys; from pathlib import Path; from rebuilders.node.backup import back_up\n"
            "from rebuilders.node.config import NodeDirectory\n"
            "print('begun', flush=True); back_up(NodeDirectory(Path(sys.argv[1])), Path(sys.argv[2]))"
        )
        argv = [sys.executable, "-c", code, str(place.node.root), str(place.root / "late")]
        with exclusive(place.node.state):
            process = subprocess.Popen(argv, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
            process.stdout.readline()
            assert not (place.root / "late").exists()
        with process:
            assert process.wait(60) == 0
        assert (place.root / "late" / SUMS).exists()

    def test_one_that_is_killed_leaves_no_backup(self, place):
        place.say(0)
        code = (
            "import os, sys; from pathlib import Path; from rebuilders.node import backup\n"
            "from rebuilders.node.config import NodeDirectory\n"
            "backup._seal = lambda staging: os.kill(os.getpid(), 9)\n"
            "backup.back_up(NodeDirectory(Path(sys.argv[1])), Path(sys.argv[2]))"
        )
        argv = [sys.executable, "-c", code, str(place.node.root), str(place.root / "killed")]
        done = subprocess.run(argv, cwd=Path(__file__).parents[2], check=False)
        assert done.returncode == -9
        assert not (place.root / "killed").exists()
        place.back_up("killed")

    @pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
    def test_a_full_disk(self, place):
        place.say(0)
        small = place.root / "small"
        small.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(small)], check=True)
        try:
            with pytest.raises(Incomplete, match="No space left"):
                back_up(place.node, small / "backup")
            assert list(small.iterdir()) == []
        finally:
            subprocess.run(["umount", str(small)], check=True)


def test_by_command(place):
    place.say(0)
    run = CliRunner().invoke
    told = run(app, ["backup", str(place.node.root), str(place.root / "b")])
    assert (told.exit_code, "private keys" in told.stdout) == (0, True)
    told = run(app, ["restore", str(place.root / "b"), str(place.root / "n"), "--site", place.published()])
    assert (told.exit_code, "the log has 1 entries" in told.stdout) == (0, True)
    assert run(app, ["restore", str(place.root), str(place.root / "m")]).exit_code == 2


def test_the_time_is_not_set_back(place):
    """Not by a restored node either."""
    place.say(0)
    told = json.loads((place.node.site / "node.json").read_bytes())
    keys = VerifierKey.parse(told["logKey"]), (CosignerKey.parse(told["cosignerKey"]),)
    again, *_ = place.restore(place.back_up(), place.published())
    place.say(1, node=again)
    before, after = (
        open_checkpoint((node.site / "checkpoint").read_bytes(), *keys).cosignatures[0].at
        for node in (place.node, again)
    )
    assert datetime.now(UTC) - timedelta(hours=1) < datetime.fromtimestamp(before, UTC)
    assert after >= before
