"""What a full disk leaves behind of new keys: nothing, so that the same command can be given again."""

import os

import pytest

from rebuilders.node import keys, setup
from rebuilders.node.config import NodeConfig, NodeDirectory
from witness.errors import Incomplete, InputError
from witness.store.directory import DirectoryStore

CONFIG = NodeConfig(version=1, name="node.example", operator="Operator")


@pytest.mark.parametrize("whole", [0, 1, 2])
def test_keys_are_made_all_or_none(tmp_path, monkeypatch, whole):
    flushes = []

    def fsync(descriptor, real=os.fsync):
        flushes.append(descriptor)
        if len(flushes) > 2 * whole:  # a key and its directory
            raise OSError(28, "No space left on device")
        real(descriptor)

    node = NodeDirectory(tmp_path)
    node.keys.mkdir()
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fsync)
        with pytest.raises(InputError, match="No space left on device"):
            keys.create(node, CONFIG)
    assert list(node.keys.iterdir()) == []
    assert keys.create(node, CONFIG).name == "node.example"


def test_a_node_that_could_not_be_made_can_be_made_again(tmp_path, monkeypatch):
    def full(self, path, data):
        raise Incomplete(f"{path}: No space left on device")

    node = NodeDirectory(tmp_path / "node")
    with monkeypatch.context() as patched:
        patched.setattr(DirectoryStore, "put", full)
        with pytest.raises(Incomplete):
            setup.make(node, CONFIG)
    assert setup.make(node, CONFIG).name == node.load().name


def test_keys_that_are_there_stay(tmp_path):
    node = NodeDirectory(tmp_path)
    node.keys.mkdir()
    before = keys.create(node, CONFIG).observations.public_key
    with pytest.raises(InputError, match="never overwritten"):
        keys.create(node, CONFIG)
    assert keys.load(node, CONFIG).observations.public_key == before
