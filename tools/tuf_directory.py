"""Keeps the directory of a network: a TUF repository of static files, made and signed with python-tuf's own API.

    python tools/tuf_directory.py init REPOSITORY --keys KEYS          three keys, two of which sign roots and members
    python tools/tuf_directory.py publish REPOSITORY MEMBERS.json --keys KEYS
    python tools/tuf_directory.py rotate REPOSITORY --keys KEYS        a new key for the oldest of the three
    python tools/tuf_directory.py refresh REPOSITORY --keys KEYS       a new timestamp, for cron

REPOSITORY/metadata and REPOSITORY/targets are what to serve; REPOSITORY/metadata/1.root.json is what consumers pin.
KEYS is a directory that is never served. In a network that means it, each of the three keys belongs to another person,
who signs on his own machine with python-tuf. Here they lie together, so that this fits in one file.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner, SSlibKey
from tuf.api.metadata import Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp

from witness import directory
from witness.errors import WheelwitnessError

TOP = ("root-1", "root-2", "root-3")  # for root and targets, two of three
THRESHOLD = 2
ONLINE = "online"  # for snapshot and timestamp
DAYS = {"root": 365, "targets": 90, "snapshot": 7, "timestamp": 7}


class Repository:
    """The repository at `root`, with private keys in `keys`. `now` is the time from which it counts."""

    def __init__(self, root: Path, keys: Path, now: datetime) -> None:
        self.metadata, self.targets, self.keys = root / "metadata", root / "targets", keys
        self.now = now

    def init(self) -> None:
        """Makes keys, and a repository whose directory has no members."""
        for path in (self.metadata, self.targets):
            path.mkdir(parents=True)
        self.keys.mkdir(mode=0o700, parents=True)
        root = Root(consistent_snapshot=True)
        for name in TOP:
            public = self._create(name)
            root.add_key(public, Root.type)
            root.add_key(public, Targets.type)
        online = self._create(ONLINE)
        root.add_key(online, Snapshot.type)
        root.add_key(online, Timestamp.type)
        for role in (Root.type, Targets.type):
            root.roles[role].threshold = THRESHOLD
        self._write(root, self._signers(TOP))
        self.publish(directory.encode(directory.Directory(())))

    def publish(self, data: bytes) -> None:
        """Replaces the members by those of `data`, which must be a directory."""
        directory.parse(data)
        targets = self._next(Targets)
        info = TargetFile.from_data(directory.TARGET, data, ["sha256"])
        targets.targets = {directory.TARGET: info}
        (self.targets / f"{info.hashes['sha256']}.{directory.TARGET}").write_bytes(data)
        self._write(targets, self._signers(TOP))
        snapshot = self._next(Snapshot)
        snapshot.meta["targets.json"] = MetaFile(version=targets.version)
        self._stamp(snapshot)

    def refresh(self) -> None:
        """A new snapshot and timestamp of the same members."""
        self._stamp(self._next(Snapshot))

    def _stamp(self, snapshot: Snapshot) -> None:
        self._write(snapshot, self._signers([ONLINE]))
        timestamp = self._next(Timestamp)
        timestamp.snapshot_meta = MetaFile(version=snapshot.version)
        self._write(timestamp, self._signers([ONLINE]))

    def rotate(self) -> None:
        """A new root, in which a new key stands for the oldest; two of the old keys and two of the new sign it."""
        old = self._signers(TOP)
        (self.keys / TOP[0]).rename(self.keys / f"{TOP[0]}.retired")
        public = self._create(TOP[0])
        root = self._next(Root)
        for role in (Root.type, Targets.type):
            root.revoke_key(old[0].public_key.keyid, role)
            root.add_key(public, role)
        self._write(root, [*old, *self._signers(TOP[:1])])
        self.publish_again()

    def publish_again(self) -> None:
        """The same members, signed by the keys of now."""
        targets = self._newest(Targets.type)
        info = targets.targets[directory.TARGET]
        self.publish((self.targets / f"{info.hashes['sha256']}.{directory.TARGET}").read_bytes())

    def _create(self, name: str) -> SSlibKey:
        signer = CryptoSigner.generate_ed25519()
        path = self.keys / name
        path.touch(mode=0o600)
        path.write_bytes(signer.private_bytes)
        return signer.public_key

    def _signers(self, names: Sequence[str]) -> list[CryptoSigner]:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        return [CryptoSigner(load_pem_private_key((self.keys / name).read_bytes(), None)) for name in names]

    def _next(self, kind: Any) -> Any:
        """The newest of its role, to be the next version; a first one if there is none."""
        held = self._newest(kind.type)
        if held is None:
            return kind()
        held.version += 1
        return held

    def _newest(self, role: str) -> Any:
        paths = (
            [self.metadata / "timestamp.json"]
            if role == Timestamp.type
            else sorted(self.metadata.glob(f"*.{role}.json"), key=lambda path: int(path.name.split(".")[0]))
        )
        held = [path for path in paths if path.exists()]
        return Metadata.from_file(str(held[-1])).signed if held else None

    def _write(self, signed: Any, signers: Sequence[CryptoSigner]) -> None:
        signed.expires = (self.now + timedelta(days=DAYS[signed.type])).replace(microsecond=0)
        metadata = Metadata(signed)
        for signer in signers:
            metadata.sign(signer, append=True)
        prefix = "" if signed.type == Timestamp.type else f"{signed.version}."
        path = self.metadata / f"{prefix}{signed.type}.json"
        unfinished = path.with_name(f".{path.name}")
        metadata.to_file(str(unfinished))
        unfinished.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("init", "publish", "rotate", "refresh"))
    parser.add_argument("repository", type=Path)
    parser.add_argument("members", type=Path, nargs="?")
    parser.add_argument("--keys", type=Path, required=True)
    arguments = parser.parse_args()
    held = Repository(arguments.repository, arguments.keys, datetime.now(UTC))
    calls: dict[str, Callable[[], None]] = {
        "init": held.init,
        "publish": lambda: held.publish(arguments.members.read_bytes()),
        "rotate": held.rotate,
        "refresh": held.refresh,
    }
    try:
        calls[arguments.command]()
    except (OSError, WheelwitnessError) as error:
        sys.exit(f"directory: {error}")


if __name__ == "__main__":
    main()
