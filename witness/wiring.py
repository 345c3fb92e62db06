"""Puts a consumer's parts together: a policy and his settings in, a client out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from witness.client import Client
from witness.config import LoadedPolicy
from witness.errors import InputError
from witness.evidence import AsOf
from witness.fetch import Fetcher, HttpFetcher
from witness.log.watch import LogWatch
from witness.logcheck import default_state_path
from witness.sources.bundle import BundleSource, read_bundles
from witness.sources.directory import DirectorySource
from witness.sources.http import HttpSource, PrefixSource
from witness.sources.interface import ObservationSource
from witness.sources.snapshot import read_snapshot

Sources = dict[str, ObservationSource]


@contextmanager
def open_client(
    loaded: LoadedPolicy,
    *,
    bundles: Sequence[Path] = (),
    snapshot: Path | None = None,
    progress: Callable[[], None] = lambda: None,
    state: Path | None = None,
    lookup: str | None = None,
) -> Iterator[Client]:
    """A client for the policy. With `bundles`, or a `snapshot`, that is all that is asked: no network, no node.

    `state` is where checkpoints that were seen are remembered, and evidence is saved; by default the user's own.
    `lookup` is one of `LOOKUPS`, in place of the policy's.

    Raises:
        InputError: a bundle file or the snapshot cannot be used, or both are given.
    """
    if bundles and snapshot:
        raise InputError("both --bundle and --snapshot", hint="Give one of them: each is all that is asked.")
    fetcher = HttpFetcher()
    as_of: tuple[AsOf, ...] = ()
    try:
        if bundles:
            sources = _of_bundles(loaded, bundles)
        elif snapshot:
            sources, as_of = _of_snapshot(loaded, snapshot, datetime.now(UTC))
        else:
            sources = _of_nodes(loaded, fetcher, lookup or loaded.policy.lookup)
        watch = LogWatch(state or default_state_path())
        remote = any(isinstance(source, HttpSource | PrefixSource) for source in sources.values())
        workers = fetcher.connections if remote else 1
        yield Client(loaded.policy, sources, workers=workers, progress=progress, watch=watch, as_of=as_of)
    finally:
        fetcher.close()


def _of_bundles(loaded: LoadedPolicy, bundles: Sequence[Path]) -> Sources:
    index = read_bundles(bundles)
    return {
        witness.name: BundleSource(index, witness.identity.log_key.name)
        for witness in loaded.policy.witnesses
    }


def _of_snapshot(loaded: LoadedPolicy, root: Path, now: datetime) -> tuple[Sources, tuple[AsOf, ...]]:
    held, policy = read_snapshot(root), loaded.policy
    sources = {witness.name: held.source(witness, policy, now) for witness in policy.witnesses}
    logs = ((witness, held.seen(witness.identity.log_key)) for witness in policy.witnesses)
    return sources, tuple(AsOf(witness.name, witness.operator, log.seen) for witness, log in logs if log)


def _of_nodes(loaded: LoadedPolicy, fetcher: Fetcher, lookup: str) -> Sources:
    return {
        witness.name: _of_node(loaded.location(witness), fetcher, lookup)
        for witness in loaded.policy.witnesses
    }


def _of_node(location: str, fetcher: Fetcher, lookup: str) -> ObservationSource:
    if urlsplit(location).scheme not in ("http", "https"):
        return DirectorySource(Path(location))
    exact = HttpSource(location, fetcher)
    if lookup == "exact":
        return exact
    return PrefixSource(location, fetcher, exact if lookup == "prefix-or-exact" else None)
