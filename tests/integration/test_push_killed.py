"""A push that is cut off by `kill -9`, by a dead network, by errors of the service, or by a full disk: the copy stays
consistent, and the next push completes it.
"""

import os
import random
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from rebuilders.destinations.objects import open_objects
from rebuilders.destinations.opening import open_destination
from rebuilders.destinations.push import push
from tests.integration.killing import nursery
from tests.pushed import Site, verified
from tests.rsync_daemon import PROGRAM, rsync_daemon
from tests.s3_server import VARIABLES, python_with_moto, s3_server
from witness.errors import Incomplete

ROUNDS = int(os.environ.get("WHEELWITNESS_KILL_ROUNDS", "30"))
LOOPBACK = [pytest.mark.loopback, pytest.mark.enable_socket]
needs_s3 = pytest.mark.skipif(python_with_moto() is None, reason="no moto: `make objects` brings it")
needs_rsync = pytest.mark.skipif(PROGRAM is None, reason="no rsync")
KINDS = [
    "directory",
    pytest.param("s3", marks=[needs_s3, *LOOPBACK]),
    pytest.param("rsync", marks=[needs_rsync, *LOOPBACK]),
]


@contextmanager
def served(kind: str, tmp_path: Path):
    """The URL of an empty destination, and its endpoint."""
    if kind == "directory":
        yield f"file://{tmp_path / 'there'}", ""
        return
    directory = tmp_path / "service"
    directory.mkdir()
    with ExitStack() as stack:
        if kind == "s3":
            yield "s3://site/node", stack.enter_context(s3_server(directory)).endpoint
        else:
            yield stack.enter_context(rsync_daemon(directory, directory / "root")), ""


# How long a push may last until it is killed, and the rounds: rsync takes a second or two.
PATIENCE = {"directory": (0.5, ROUNDS), "s3": (0.5, ROUNDS), "rsync": (5.0, max(8, ROUNDS // 4))}


@pytest.mark.parametrize("kind", KINDS)
def test_a_push_survives_kill_9(kind, tmp_path):
    """The site grows meanwhile, over a border of tiles and of lookup files' width."""
    chance = random.Random(20261124)
    root = tmp_path / "node"
    site = Site(root)
    site.grow(20, artifacts=30)
    sizes, cut_off, rounds = [0], 0, 0
    seconds, wanted = PATIENCE[kind]
    ends = time.monotonic() + 240 * max(1, ROUNDS // 30)

    def meanwhile():
        until = time.monotonic() + chance.uniform(0.0, seconds)
        while time.monotonic() < until:
            # In few batches, so that pushes have something left to send when they are killed.
            site.grow(chance.choice((0, 1, 3, 9)), artifacts=30)
            site.write(f"project/{chance.randrange(20)}.html", str(chance.random()))
            time.sleep(chance.uniform(0.0, seconds / 4))

    with served(kind, tmp_path) as (url, endpoint):
        destination = open_destination(url, VARIABLES, endpoint=endpoint)
        with nursery("tests.integration.pushing_loop", root, url, endpoint) as kill_after:
            while (rounds < wanted or len(set(sizes)) <= 3) and time.monotonic() < ends:
                rounds += 1
                kill_after(meanwhile)
                size = verified(destination)
                assert size >= sizes[-1]
                cut_off += size < site.said
                sizes.append(size)
        last = push(site.source, destination, root / "pushed", grace=0.0)
        assert last.size == site.said == verified(destination)
        held = {item.path for item in destination.held()}
        destination.close()
    names = {path.relative_to(site.path).as_posix() for path in site.path.rglob("*") if path.is_file()}
    assert held == names
    assert rounds >= wanted
    assert cut_off > 2
    assert len(set(sizes)) > 3


@needs_s3
@pytest.mark.loopback
@pytest.mark.enable_socket
def test_faults_of_the_service(tmp_path):
    """Answers of 503, broken connections, and puts that were done though the answer is lost."""
    chance = random.Random(20261125)
    site = Site(tmp_path / "node")
    site.grow(20, artifacts=30)
    (tmp_path / "service").mkdir()
    failed = 0
    with s3_server(tmp_path / "service") as server:
        destination = open_objects("s3://site/node", VARIABLES, endpoint=server.endpoint, retries=0)
        newest = 0
        for _ in range(ROUNDS):
            server.faults(chance.choice((0.03, 0.1, 0.4)), chance.choice(("503", "drop", "done")))
            try:
                site.push(destination, grace=0.0)
            except Incomplete:
                failed += 1
            server.faults()
            size = verified(destination)
            assert size >= newest
            newest = size
            site.grow(chance.choice((1, 5)), artifacts=30)
        assert site.push(destination, grace=0.0).size == site.said == verified(destination)
        destination.close()
    assert failed > ROUNDS // 4


FULL = """
import subprocess, sys
from pathlib import Path
from rebuilders.destinations.directory import DirectoryDestination
from tests.pushed import Site, verified
from witness.errors import Incomplete

root, there = Path(sys.argv[1]), Path(sys.argv[2])
site = Site(root)
site.grow(20)
failed = 0
for size in ["600k", "1200k"] + [f"{blocks}k" for blocks in range(400, 1600, 200)]:
    there.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", there], check=True)
    destination = DirectoryDestination(there)
    newest = 0
    for _ in range(4):
        try:
            site.push(destination)
        except Incomplete as error:
            assert "No space left" in str(error), error
            failed += 1
        now = verified(destination)
        assert now >= newest, (now, newest)
        newest = now
        site.grow(25)
    destination.close()
    subprocess.run(["umount", there], check=True)
print(failed)
"""


def test_a_full_disk(tmp_path):
    apart = ["unshare", "--user", "--map-root-user", "--mount"]
    if subprocess.run(
        [*apart, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
    ).returncode:
        pytest.skip("no user namespace in which to mount a small disk")
    done = subprocess.run(
        [*apart, sys.executable, "-c", FULL, tmp_path / "node", tmp_path / "there"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 5
