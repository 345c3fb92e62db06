"""Nodes in directories, which are each other's peers."""

import json
import re

from typer.testing import CliRunner

from rebuilders.cli.main import app
from rebuilders.node import keys
from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.node.setup import make
from tests.signed_log import NOON, observed, put_in
from witness import bundle, statement
from witness.limits import MAX_SHARD
from witness.log.cosigner import Cosigner
from witness.log.journal import Journal
from witness.log.reader import LogReader, fetch_from
from witness.log.writer import LogWriter
from witness.publish import publish_outbox
from witness.store.directory import DirectoryStore
from witness.store.memory import MemoryStore
from witness.tlog.addition import Addition
from witness.verification import WitnessIdentity, verify_bundle


class Member:
    """A node in a directory, with its configuration and keys."""

    def __init__(self, root, letter):
        self.config = NodeConfig(version=1, name=f"node-{letter}.example", operator=f"Operator {letter}")
        self.directory = NodeDirectory(root / letter)
        self.signers = make(self.directory, self.config)
        self.said = 0

    @property
    def site(self):
        return DirectoryStore(self.directory.site)

    @property
    def identity(self):
        keys_ = (self.signers.observations.public_key,)
        return WitnessIdentity(
            self.config.name, self.config.operator, self.signers.log.key, keys_, self.signers.cosigner.key
        )

    def publish(self, count=1):
        for _ in range(count):
            put_in(
                self.directory.outbox,
                statement.encode(observed(self.said, by=self.config.name, artifact=self.said % 7)),
            )
            self.said += 1
        return publish_outbox(self.directory.outbox, self.site, self.directory.state, self.signers, now=NOON)

    def befriend(self, other, *, ask=""):
        with self.directory.config_path.open("a") as file:
            file.write(
                f'\n[[peer]]\nurl = "{other.directory.site}"\nlog-key = "{other.signers.log.key.text}"\n'
                f'cosigner-key = "{other.signers.cosigner.key.text}"\nask = "{ask}"\n'
            )

    def rename(self, other, *keys):
        """Names the cosigner of `other` by `keys` from now on."""
        text = self.directory.config_path.read_text("utf-8")
        name = re.escape(other.config.cosigner)
        named = json.dumps([key.text for key in keys])
        changed, count = re.subn(
            rf'(?m)^cosigner-key = (?:\["|"){name}.*$', lambda _: f"cosigner-key = {named}", text
        )
        assert count == 1
        self.directory.config_path.write_text(changed, "utf-8")

    def keys(self, *words):
        """`rebuilder keys`, after which the node has the keys that are there then."""
        done = CliRunner().invoke(app, ["keys", words[0], str(self.directory.root), *words[1:]])
        self.signers = keys.load(self.directory, self.config)
        return done

    def cosign(self):
        return CliRunner().invoke(app, ["cosign", str(self.directory.root)])

    def bundles(self):
        for artifact in range(7):
            path = bundle.shard_path(observed(artifact).sha256)
            if self.site.exists(path):
                yield from bundle.parse_shard(self.site.get(path, limit=MAX_SHARD))

    def cosigner(self, *others, state=None):
        logs = {other.signers.log.name: other.signers.log.key for other in others}
        return Cosigner(self.signers.cosigners, logs, state or self.directory.state / "cosigner", self.site)


def befriended(root):
    """Three nodes that are each other's peers, and have published."""
    members = [Member(root, letter) for letter in "abc"]
    for member in members:
        for other in members:
            if other is not member:
                member.befriend(other)
        member.publish(3)
    return members


def cosigned_by(member, others):
    known = [(other.config.operator, other.signers.cosigner.key) for other in others]
    return [verify_bundle(item, member.identity, known).cosigned_by for item in member.bundles()]


def request(member, old=0):
    reader = LogReader.open(fetch_from(member.site), member.signers.log.key)
    return Addition(old, reader.consistency(old), reader.signed)


def forked(member, entries):
    """A store with another log under the member's keys."""
    writer = LogWriter(
        store := MemoryStore(), Journal(MemoryStore()), member.signers.log, member.signers.cosigner
    )
    writer.append(entries, at=int(NOON.timestamp()))
    return store


class Killed(BaseException):
    """What ends a command in the middle: no `except` of ours catches it."""


def kill(monkeypatch, holder, name, *, before):
    """Ends what calls `name` of `holder` before that is done, or when it is."""
    real = getattr(holder, name)

    def killed(*args):
        if not before:
            real(*args)
        raise Killed

    monkeypatch.setattr(holder, name, killed)
