"""A PostgreSQL server of the tests' own, started from the binaries of this machine, for as long as a session of tests.

It listens on a socket in a directory of its own and nowhere else. PostgreSQL refuses to run as root; so where the tests
do, the server runs as the account that its package made.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

_ACCOUNT = "postgres"
_PATIENCE = 60.0  # seconds in which it starts or stops, on a busy machine
# Whoever reaches the socket is `witness`, the server's administrator; `guarded` has to know a password.
_ACCESS = "local all guarded scram-sha-256\nlocal all all trust\n"
PASSWORD = "the password of guarded"


@dataclass
class Server:
    """A running server. `kill` and `start` it at will; what was committed before is there after."""

    binaries: Path
    root: Path
    credentials: dict[str, object]
    _process: "subprocess.Popen[bytes] | None" = None
    _numbers: Iterator[int] = field(default_factory=count)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def url(self, database: str, user: str = "witness") -> str:
        """As in node.toml."""
        return f"postgresql+psycopg://{user}@/{database}?host={self.root}"

    def fresh(self) -> str:
        """The URL of a new, empty database."""
        name = f"ledger{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} OWNER guarded")
        return self.url(name)

    def emptied(self) -> str:
        """The URL of the database that tests have one after the other, without what the one before has left in it."""
        if not self.run("SELECT 1 FROM pg_database WHERE datname = 'shared'"):
            self.run("CREATE DATABASE shared OWNER guarded")
        self.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'shared'")
        self.run("DROP SCHEMA public CASCADE", "shared")
        self.run("CREATE SCHEMA public AUTHORIZATION guarded", "shared")
        return self.url("shared")

    def run(self, sql: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Executes one statement, as the administrator."""
        import psycopg

        with psycopg.connect(
            f"host={self.root} user=witness dbname={database}", autocommit=True
        ) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        """Starts it, also after it was killed, and waits until it can be used."""
        end = time.monotonic() + _PATIENCE
        while not self._is_up():
            assert time.monotonic() < end, (self.root / "log").read_text(errors="replace")[-2000:]
            if (
                self._process is None or self._process.poll() is not None
            ):  # the killed one's are not all gone yet
                self._process = self._begin()
            time.sleep(0.05)

    def _begin(self) -> "subprocess.Popen[bytes]":
        # It ends with whoever started it, however that was: a session that is killed leaves no server behind.
        argv = [
            "setpriv",
            "--pdeathsig",
            "QUIT",
            str(self.binaries / "postgres"),
            "-D",
            str(self.root / "data"),
        ]
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.root),
            "fsync": "off",  # the machine's power stays on
            "shared_buffers": "16MB",
            "max_connections": "60",
        }
        more = [f"--{name}={value}" for name, value in settings.items()]
        with (self.root / "log").open("ab") as log:
            return subprocess.Popen([*argv, *more], stdout=log, stderr=log, cwd=self.root, **self.credentials)

    def _is_up(self) -> bool:
        import psycopg

        if self._process is None or self._process.poll() is not None:
            return False
        try:
            return self.run("SELECT 1") == [(1,)]
        except psycopg.OperationalError:
            return False

    def kill(self) -> None:
        """As a crash would: no goodbye to anybody, nothing written any more."""
        os.kill(self.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """Ends it; who is connected is thrown out."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(
            signal.SIGQUIT
        )  # nothing is kept of it, so nothing need be written any more
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def binaries() -> Path | None:
    """The directory with PostgreSQL's programs, the newest that this machine has."""
    versions = Path("/usr/lib/postgresql").glob("[0-9]*/bin/initdb")
    newest = sorted(versions, key=lambda path: float(path.parents[1].name))
    if newest:
        return newest[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def missing() -> str:
    """Why no server can be started here, if so."""
    if binaries() is None:
        return "there is no PostgreSQL (apt install postgresql)"
    if shutil.which("setpriv") is None:
        return "there is no setpriv"
    if os.getuid() == 0 and _ACCOUNT not in {entry.pw_name for entry in pwd.getpwall()}:
        return f"the tests run as root, and there is no account {_ACCOUNT} for PostgreSQL"
    return ""


@contextmanager
def running() -> Iterator[Server]:
    """A server with an empty data directory, stopped and removed in the end."""
    found = binaries()
    assert found is not None
    # Not below pytest's directories: the path of a socket has 107 bytes at most, and another account must get there.
    root = Path(tempfile.mkdtemp(prefix="witness-pg-"))
    credentials: dict[str, object] = {}
    if os.getuid() == 0:
        account = pwd.getpwnam(_ACCOUNT)
        os.chown(root, account.pw_uid, account.pw_gid)
        credentials = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    server = Server(found, root, credentials)
    try:
        subprocess.run(
            [found / "initdb", "-D", root / "data", "-U", "witness", "-A", "trust", "-E", "UTF8",
             "--locale=C", "--no-sync", "--no-instructions"],
            check=True, capture_output=True, cwd=root, **credentials,
        )  # fmt: skip
        (root / "data/pg_hba.conf").write_text(_ACCESS)
        server.start()
        server.run(f"CREATE ROLE guarded LOGIN PASSWORD '{PASSWORD}'")
        yield server
    finally:
        server.stop()
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A server for all tests of a session; each takes a database of its own by `fresh`."""
    if reason := missing():
        pytest.skip(reason)
    with running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest) -> str:
    """Where a ledger of a test is: empty for SQLite in a file, and the URL of an empty database in PostgreSQL."""
    if request.param == "sqlite":
        return ""
    emptied: Callable[[], str] = request.getfixturevalue("postgres").emptied
    return emptied()
