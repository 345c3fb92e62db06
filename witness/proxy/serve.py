"""Puts the proxy together and serves it until the process is asked to end."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from starlette.applications import Starlette

from witness.answering import answer_at
from witness.config import LoadedPolicy, load_policy
from witness.errors import InputError
from witness.escape import printable
from witness.fetch import HttpFetcher, shown
from witness.listening import listen
from witness.pins.public import PublicIndexes
from witness.proxy.app import Proxy
from witness.proxy.audit import AuditLog
from witness.proxy.choice import Rules
from witness.proxy.desk import Desk
from witness.proxy.explain import summary
from witness.proxy.judge import Judge
from witness.proxy.metrics import Metrics
from witness.proxy.modes import Files
from witness.proxy.pages import Offer, Pages
from witness.proxy.upstream import Upstream, endpoint_of
from witness.wiring import open_client

LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_CONNECTIONS: Final = 256  # of clients
_KEEP_ALIVE: Final = 15  # seconds
_PATIENCE: Final = 8.0  # seconds without progress of an index or a witness: pip gives up after 15
_ASKING: Final = 16  # requests to them at once


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of `wheelwitness proxy`. `seconds` is how old a verdict may be when its page is used."""

    index: str
    policy: Path
    rules: Rules
    files: Files = Files.DIRECT
    seconds: float = 60.0
    audit: Path | None = None
    state: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8418
    lookup: str | None = None
    snapshot: Path | None = None


def application(
    settings: Settings, fetcher: HttpFetcher, audit: AuditLog, tell: Callable[[str], None]
) -> Starlette:
    """The ASGI application. `tell` gets a line about every page that hides something, from any thread.

    Raises:
        InputError: the policy, the snapshot or the index's address cannot be used.
    """
    metrics = Metrics()
    judge = Judge(
        settings.policy,
        load_policy,
        lambda loaded: open_client(
            loaded,
            snapshot=settings.snapshot,
            state=settings.state,
            lookup=settings.lookup,
            fetcher=fetcher,
        ),
        seconds=settings.seconds,
    )
    judge.check()

    def made(offer: Offer) -> None:
        audit.page(offer)
        metrics.made(offer)
        if line := summary(offer):
            tell(line)

    upstream = Upstream(endpoint_of(settings.index), fetcher)
    pages = Pages(upstream, judge, settings.rules, settings.files, seconds=settings.seconds, made=made)
    return Proxy(Desk(pages, metrics), judge, audit, metrics).application()


def serve(settings: Settings, tell: Callable[[str], None]) -> None:
    """Serves. Raises Incomplete if the address cannot be had, InputError as `application` does."""
    fetcher = HttpFetcher(timeout=_PATIENCE, attempts=2, connections=_ASKING)
    audit = AuditLog(settings.audit)
    with closing(fetcher), closing(audit):
        audit.check()
        made = application(settings, fetcher, audit, tell)
        with listen(settings.host, settings.port, hint="Choose another --port.") as listener:
            port = listener.getsockname()[1]
            _refuse_circle(settings, port)
            named = f"[{settings.host}]" if ":" in settings.host else settings.host
            tell(f"serving http://{named}:{port}/simple/ in front of {shown(settings.index)}")
            for line in _notices(settings, load_policy(settings.policy)):
                tell(line)
            answer_at(made, listener, connections=_CONNECTIONS, keep_alive=_KEEP_ALIVE)


def _notices(settings: Settings, loaded: LoadedPolicy) -> Iterator[str]:
    """What whoever starts the proxy should know of these settings, a line each."""
    yield from map(printable, loaded.policy.notes)
    if settings.snapshot:
        yield f"asking the snapshot {printable(str(settings.snapshot))}, and no witness"
    elif not PublicIndexes(loaded.policy.public_indexes).covers(settings.index):
        yield (
            f"{shown(settings.index)} is neither PyPI nor among public-indexes of the policy: "
            "what it lists is asked about all the same, but for projects that are exempt"
        )
    if settings.host not in LOOPBACK:
        yield "anyone who reaches this address is served; put a web server in front for TLS and access"


def _refuse_circle(settings: Settings, port: int) -> None:
    """The index of a user whose pip is set up to use this proxy would be the proxy."""
    parts = urlsplit(settings.index)
    if parts.port == port and parts.hostname in (*LOOPBACK, settings.host):
        raise InputError(
            f"{shown(settings.index)}: the proxy would ask itself",
            hint="Name the index behind it with --index.",
        )
