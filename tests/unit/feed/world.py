"""A feed in a world of its own: a real index on 127.0.0.1, a real ledger, and a clock that moves when it is told to."""

import io
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from rebuilders.index.revalidated import RevalidatedIndex
from rebuilders.node.config import parse
from rebuilders.node.feed.changelog import Changelog
from rebuilders.node.feed.feed import Feed, Surroundings
from rebuilders.node.feed.lists import Lists
from rebuilders.node.feed.pace import Pace
from rebuilders.node.ledger import Ledger, Pages, Recorded
from tests.package_index import PackageIndex, serving
from witness.digest import sha256_hex
from witness.fetch import HttpFetcher

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NODE = 'version = 1\nname = "node-a.example"\noperator = "Operator A"\n'


def wheel(project, version="1.0", tag="py3-none-any"):
    return f"{project}-{version}-{tag}.whl"


def sdist(project, version="1.0"):
    return f"{project}-{version}.tar.gz"


@dataclass
class World:
    """`say` is what was told, one line each."""

    root: object
    index: PackageIndex
    watch: str
    more: str = ""
    url: str = ""
    now: datetime = START
    said: list = field(default_factory=list)
    kept: list = field(default_factory=list)
    ticks: float = 0.0  # a clock that never goes back
    ledger: Ledger = None
    feed: Feed = None
    fetcher: HttpFetcher = None

    def __post_init__(self):
        self.open()

    def open(self):
        """The same as after a restart."""
        self.close()
        config = parse(f"{NODE}{self.more}\n[watch]\n{self.watch}\n", "node.toml")
        endpoint = f"{self.index.url}simple/"
        self.fetcher = HttpFetcher(contact="mailto:ops@node-a.example", attempts=1, connections=1, timeout=5)
        self.ledger = Ledger(self.root / "ledger.sqlite", self.url, clock=lambda: self.now)
        watch = config.watch
        changelog = Changelog(f"{self.index.url}pypi", self.fetcher) if watch.changelog else None
        self.feed = Feed(
            config,
            watch,
            self.ledger,
            Surroundings(
                source=RevalidatedIndex(endpoint, self.fetcher),
                changelog=changelog,
                keep=lambda name, project: self.kept.append((name, project)),
                lists=Lists(watch, self.root, endpoint),
                pace=Pace(watch.requests_per_second, clock=lambda: self.ticks, wait=self.wait),
                tell=self.said.append,
                clock=lambda: self.now,
                chance=lambda: 0.5,
            ),
        )  # fmt: skip

    def close(self):
        if self.ledger is not None:
            self.ledger.close()
            self.fetcher.close()

    def wait(self, seconds):
        self.ticks += seconds
        self.now += timedelta(seconds=seconds)

    def run(self, span=timedelta(), *, at_least=1):
        """The feed at work for so long. Time passes only while it waits."""
        end, steps = self.now + span, 0
        while self.now < end or steps < at_least:
            wait = self.feed.step()
            steps += 1
            if wait:
                self.wait(max(wait, 1.0))
        return self

    def settle(self):
        """Until nothing is due any more."""
        while self.feed.step() == 0.0:
            pass
        return self

    def publish(self, project, *names, at=None):
        files = self.index.files.setdefault(project, {})
        for name in names or (wheel(project), sdist(project)):
            files[name] = f"bytes of {name}".encode()
            self.index.times[name] = (at or self.now).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self

    def requests(self, path="/simple/"):
        return [status for asked, status in self.index.answered if asked.startswith(path)]

    def queued(self):
        """Why each target waits, by target."""
        return {row.target: row.why for row in self.ledger.rows("queued", limit=10_000)}

    def due(self):
        return {row.target: row.due for row in self.ledger.rows("queued", limit=10_000)}

    def observe_all(self, result="match"):
        """Everything that waits is rebuilt."""
        while (taken := self.ledger.take()) is not None:
            name = str(taken.target)
            sha256 = sha256_hex(self.index.files[taken.target.project][name])
            told = f"{name}{self.now}".encode()
            self.ledger.record(
                taken.claim,
                Recorded(result, sha256=sha256, statement=told, statement_sha256=sha256_hex(told)),
            )
        return self

    @property
    def pages(self):
        return Pages(self.ledger.database)


@contextmanager
def world(root, watch, more="", url=""):
    with serving() as index:
        made = World(root, index, watch, more, url)
        try:
            yield made
        finally:
            made.close()


def real_wheel(project):
    """A wheel that is one as far as a lock file's reader looks."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(f"{project}.py", "")
    return out.getvalue()
