"""Three parts of a network at work until they are killed. Run by test_network_killed.py, which kills one at a time.

publish   appends to the log of node-a, and gathers cosignatures
cosign    node-b cosigns the log of node-a, and writes down each cosignature that it was given
mirror    copies the log of node-a
"""

import os
import sys
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

from tests.integration.killing import serve_children
from tests.signed_log import NOON, node
from witness.cosigning import OwnLog, Told, gather, open_cosigner
from witness.cosigning import Peer as PeerOf
from witness.errors import Incomplete
from witness.log.cosigner import pull
from witness.log.reader import LogReader, fetch_from
from witness.mirror import mirror
from witness.note import Note, encode
from witness.publish import publish_outbox
from witness.store.directory import DirectoryStore

SECONDS = 20.0
A, B = node("node-a"), node("node-b")
PARTS = ("publish", "cosign", "mirror")


def publish(root: Path, round_: int) -> None:
    site = DirectoryStore(root / "a-site")
    publish_outbox(root / "outbox", site, root / "a-state", A, now=NOON + timedelta(seconds=round_))
    peer = PeerOf(str(root / "b-site"), A.log.key, (B.cosigner.key,))
    gather(OwnLog(A.log.key, site, root / "a-state"), [peer], told=Told())


def cosign(root: Path, round_: int) -> None:
    """What leaves the cosigner goes into a file that only grows, as a log that asked would have it."""
    peer = PeerOf(str(root / "a-site"), A.log.key)
    cosigner = open_cosigner(B.cosigners, [peer], root / "b-state", DirectoryStore(root / "b-site"))
    reader = LogReader.open(fetch_from(DirectoryStore(root / "a-site")), A.log.key)
    (signature,) = pull(cosigner, reader, A.log.key, at=int(NOON.timestamp()) + round_)
    left = encode(Note(reader.checkpoint.text, (A.log.sign(reader.checkpoint.text), signature)))
    descriptor = os.open(root / "left", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, left.hex().encode() + b"\n")
    os.close(descriptor)


def copy(root: Path, _round: int) -> None:
    mirror(fetch_from(DirectoryStore(root / "a-site")), root / "copy", A.log.key)


WORK = {"publish": publish, "cosign": cosign, "mirror": copy}


def work(root: Path, round_: int) -> None:
    part = WORK[PARTS[round_ % len(PARTS)]]
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            part(root, round_)
        except Incomplete:  # nothing is published yet
            time.sleep(0.001)


if __name__ == "__main__":
    serve_children(partial(work, Path(sys.argv[1])))
