"""What every `Destination` promises (rebuilders.destinations.interface)."""

import random
from contextlib import ExitStack

import pytest

from rebuilders.destinations.directory import DirectoryDestination
from rebuilders.destinations.interface import Item
from rebuilders.destinations.memory import MemoryDestination
from rebuilders.destinations.objects import open_objects
from rebuilders.destinations.opening import open_destination
from rebuilders.destinations.rsync import RsyncDestination
from tests.rsync_daemon import PROGRAM, rsync_daemon
from tests.s3_server import VARIABLES, python_with_moto, s3_server
from witness.errors import FetchFailed, Incomplete, InputError, NotFound

LOOPBACK = [pytest.mark.loopback, pytest.mark.enable_socket]
needs_s3 = pytest.mark.skipif(python_with_moto() is None, reason="no moto: `make objects` brings it")
needs_rsync = pytest.mark.skipif(PROGRAM is None, reason="no rsync")
KINDS = [
    "memory",
    "directory",
    "directory-url",
    pytest.param("s3", marks=[needs_s3, *LOOPBACK]),
    pytest.param("s3-gzip", marks=[needs_s3, *LOOPBACK]),
    pytest.param("rsync", marks=[needs_rsync, *LOOPBACK]),
]


@pytest.fixture(scope="module")
def services(tmp_path_factory):
    """Starts a service when it is first asked for."""
    with ExitStack() as stack:
        started = {}

        def get(kind, start):
            if kind not in started:
                started[kind] = stack.enter_context(start(tmp_path_factory.mktemp(kind)))
            return started[kind]

        yield get


@pytest.fixture(params=KINDS)
def destination(request, tmp_path, services):
    kind = request.param
    prefix = f"{kind}-{random.randrange(10**9)}"
    if kind == "memory":
        made = MemoryDestination()
    elif kind == "directory":
        made = DirectoryDestination(tmp_path / "not" / "yet")
    elif kind == "directory-url":
        made = open_destination(f"file://{tmp_path}/a%20b", {})
    elif kind.startswith("s3"):
        endpoint = services("s3", s3_server).endpoint
        made = open_objects(f"s3://site/{prefix}", VARIABLES, endpoint=endpoint, gzipped=kind == "s3-gzip")
    else:
        url = services("rsync", lambda directory: rsync_daemon(directory, directory / "root"))
        made = RsyncDestination(f"{url}/{prefix}")
    yield made
    made.close()


def contents(destination, paths):
    return {path: destination.get(path, limit=10**6) for path in paths}


FILES = {
    "checkpoint": b"one\n",
    "tile/0/000.p/5": b"\x00\xff" * 80,
    "observations/ab/" + "0" * 64 + ".jsonl": b'{"a":1}\n',
    "lookup/3/2000": b"text\n" * 1000,
    "index.html": b"",
}


class TestDestination:
    def test_nothing_is_there(self, destination):
        assert list(destination.held()) == []
        with pytest.raises(NotFound):
            destination.get("checkpoint", limit=10)

    def test_what_was_sent_is_there(self, destination):
        destination.send([Item(path, data) for path, data in FILES.items()])
        assert contents(destination, FILES) == FILES
        with pytest.raises(NotFound):
            destination.get("tile/0/000", limit=10)

    def test_the_listing_says_what_a_file_is(self, destination):
        destination.send([Item(path, data) for path, data in FILES.items()])
        held = {item.path: item.fingerprint for item in destination.held()}
        assert set(held) == set(FILES)
        for path, data in FILES.items():
            assert held[path] == destination.fingerprint(Item(path, data))
            if held[path]:
                assert held[path] != destination.fingerprint(Item(path, data + b"x"))

    def test_a_file_is_replaced(self, destination):
        destination.send([Item("lookup/3/2000", b"older"), Item("checkpoint", b"one")])
        destination.send([Item("lookup/3/2000", b"newer")])
        destination.send([Item("checkpoint", b"two")])
        assert contents(destination, ["lookup/3/2000", "checkpoint"]) == {
            "lookup/3/2000": b"newer",
            "checkpoint": b"two",
        }
        assert len(list(destination.held())) == 2

    def test_get_is_bounded(self, destination):
        for path in ("checkpoint", "lookup/3/2000"):
            destination.send([Item(path, b"12345")])
            assert destination.get(path, limit=5) == b"12345"
            with pytest.raises(FetchFailed, match="more than the 4 bytes"):
                destination.get(path, limit=4)

    def test_deleted_files_are_gone_and_no_others(self, destination):
        destination.send([Item(path, data) for path, data in FILES.items()])
        gone = ["tile/0/000.p/5", "lookup/3/2000"]
        destination.delete([*gone, "tile/never/there", "nor-this"])
        destination.delete([])
        assert {item.path for item in destination.held()} == set(FILES) - set(gone)

    def test_many_files(self, destination):
        chance = random.Random(5)
        files = {f"reports/{number % 7}/{number}.json": chance.randbytes(number) for number in range(1500)}
        items = [Item(path, data) for path, data in files.items()]
        for low in range(0, len(items), destination.at_once):
            destination.send(items[low : low + destination.at_once])
        assert {item.path for item in destination.held()} == set(files)
        some = [f"reports/{number % 7}/{number}.json" for number in (0, 3, 700, 1499)]
        assert contents(destination, some) == {path: files[path] for path in some}

    def test_tidy_leaves_what_is_there(self, destination):
        destination.send([Item(path, data) for path, data in FILES.items()])
        destination.tidy()
        assert contents(destination, FILES) == FILES


def test_a_directory_has_no_leftovers_after_tidying(tmp_path):
    destination = DirectoryDestination(tmp_path)
    destination.send([Item("a/b", b"one"), Item("a/c", b"two")])
    (tmp_path / "a" / ".tmp-killed").write_bytes(b"half")
    (tmp_path / "mine").mkdir()
    assert {item.path for item in destination.held()} == {"a/b", "a/c"}
    destination.tidy()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["b", "c"]
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o644
    destination.delete(["a/b", "a/c"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine"]


@needs_s3
@pytest.mark.loopback
@pytest.mark.enable_socket
class TestObjects:
    def test_what_is_served_with_them(self, services):
        server = services("s3", s3_server)
        destination = open_objects("s3://site/served", VARIABLES, endpoint=server.endpoint, gzipped=True)
        told = {
            "tile/0/000": ("application/octet-stream", "public, max-age=31536000, immutable", None),
            "checkpoint": ("text/plain; charset=utf-8", "public, max-age=10", None),
            "lookup/1/8000": ("text/plain; charset=utf-8", "public, max-age=10", "gzip"),
            "lookup/width.json": ("application/json", "public, max-age=10", None),
        }
        destination.send([Item(path, b"x" * 100) for path in told])
        for path, (kind, cached, encoding) in told.items():
            headers = server.ask("GET", f"site/served/{path}")
            assert headers["Content-Type"] == kind
            assert headers["Cache-Control"] == cached
            assert headers["Content-Encoding"] == encoding
        destination.close()

    def test_errors_say_what_to_do(self, services):
        server = services("s3", s3_server)
        for url, expected in (("s3://nowhere/x", "no such bucket"),):
            destination = open_objects(url, VARIABLES, endpoint=server.endpoint, retries=0)
            with pytest.raises(InputError, match=expected):
                destination.send([Item("a", b"")])
            destination.close()

    def test_faults_in_passing_are_passed_over_and_lasting_ones_told(self, services):
        server = services("s3", s3_server)
        destination = open_objects("s3://site/faults", VARIABLES, endpoint=server.endpoint)
        items = [Item(f"a/{number}", b"%d" % number) for number in range(60)]
        try:
            server.faults(0.1)
            destination.send(items)
            server.faults(0.1, "drop")
            destination.send(items)
            server.faults(1.0)
            quick = open_objects("s3://site/faults", VARIABLES, endpoint=server.endpoint, retries=1)
            with pytest.raises(Incomplete, match="503"):
                quick.send(items)
            quick.close()
        finally:
            server.faults()
        assert len(list(destination.held())) == 60
        destination.close()


def test_nobody_listens():
    destination = open_objects(
        "s3://site/x", {**VARIABLES, "AWS_REGION": "us-east-1"}, endpoint="http://127.0.0.1:9", retries=0
    )
    with pytest.raises(Incomplete):
        destination.get("checkpoint", limit=10)
    destination.close()
