"""Puts a feed together."""

import threading
from collections.abc import Callable

from rebuilders.index.cached import CachedIndex
from rebuilders.index.revalidated import RevalidatedIndex
from rebuilders.node.config import NodeConfig, NodeDirectory
from rebuilders.node.feed.changelog import Changelog
from rebuilders.node.feed.config import WatchConfig
from rebuilders.node.feed.feed import Feed, Surroundings
from rebuilders.node.feed.lists import Lists
from rebuilders.node.feed.pace import Pace
from rebuilders.node.ledger import Ledger
from rebuilders.wiring import open_index
from witness.fetch import HttpFetcher


def open_feed(
    directory: NodeDirectory,
    config: NodeConfig,
    ledger: Ledger,
    tell: Callable[[str], None],
    stop: threading.Event | None = None,
) -> Feed:
    """The feed of a node that watches something. Raises InputError where its index cannot be used."""
    watch, ending = config.watch or WatchConfig(), stop or threading.Event()
    index, _, endpoint = open_index(config.settings)
    fetcher = HttpFetcher(contact=config.contact, attempts=1, connections=1)
    around = Surroundings(
        source=RevalidatedIndex(endpoint, fetcher),
        changelog=Changelog(watch.changelog, fetcher) if watch.changelog else None,
        keep=index.keep if isinstance(index, CachedIndex) else lambda _name, _page: None,
        lists=Lists(watch, directory.root, endpoint),
        pace=Pace(watch.requests_per_second, wait=ending.wait),
        tell=tell,
        stopping=ending.is_set,
    )
    return Feed(config, watch, ledger, around)
