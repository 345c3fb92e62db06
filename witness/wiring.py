"""Puts a consumer's parts together: a policy and his settings in, a client out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from witness.client import Client
from witness.config import LoadedPolicy, default_state_path
from witness.errors import InputError
from witness.evidence import AsOf
from witness.fetch import Fetcher, HttpFetcher
from witness.keyless.trust import authorities
from witness.keywatch import KeyWatch
from witness.log.watch import LogWatch
from witness.policy import TrustedService
from witness.remembered import Memory
from witness.sources.bundle import BundleSource, read_bundles
from witness.sources.directory import DirectorySource
from witness.sources.http import HttpSource, PrefixSource
from witness.sources.rebuilds import DirectoryRebuilds, HttpRebuilds, NotAsked, RebuildSource
from witness.sources.snapshot import TooOld, read_snapshot

Source: TypeAlias = BundleSource | DirectorySource | HttpSource | PrefixSource | TooOld


@contextmanager
def open_client(
    loaded: LoadedPolicy,
    *,
    bundles: Sequence[Path] = (),
    snapshot: Path | None = None,
    progress: Callable[[], None] = lambda: None,
    state: Path | None = None,
    lookup: str | None = None,
    fetcher: HttpFetcher | None = None,
    max_age: float = 0,
) -> Iterator[Client]:
    """A client for the policy. With `bundles`, or a `snapshot`, that is all that is asked: no network, no node.

    `state` is where checkpoints that were seen are remembered, and evidence is saved; by default the user's own.
    `lookup` is one of `LOOKUPS`, in place of the policy's. A `fetcher` that is given stays open. `max_age` is in
    seconds: verdicts of earlier runs that are younger are used, and this one's remembered; never with `bundles` or a
    `snapshot`.

    Raises:
        InputError: a bundle file, the snapshot, or a file of trust in a Sigstore instance, cannot be used; bundles and
            a snapshot are given; or sigstore-python is needed, and not installed.
    """
    if bundles and snapshot:
        raise InputError("both --bundle and --snapshot", hint="Give one of them: each is all that is asked.")
    policy, offline = loaded.policy, bool(bundles or snapshot)
    asking = fetcher or HttpFetcher()
    keyless = authorities(
        ((item.name, item.identity.sigstore) for item in policy.witnesses), loaded.path.parent
    )
    as_of: tuple[AsOf, ...] = ()
    try:
        if bundles:
            sources = _of_bundles(loaded, bundles)
        elif snapshot:
            sources, as_of = _of_snapshot(loaded, snapshot, datetime.now(UTC))
        else:
            sources = _of_nodes(loaded, asking, lookup or policy.lookup)
        place = state or default_state_path()
        memory = Memory(place, loaded.digest, max_age) if max_age and not offline else None
        rebuilds = {item.name: _rebuilds(item, loaded, asking, offline=offline) for item in policy.services}
        remote = any(isinstance(source, HttpSource | PrefixSource) for source in sources.values())
        yield Client(
            policy,
            sources,
            workers=asking.connections if remote else 1,
            progress=progress,
            watch=LogWatch(place),
            keys=KeyWatch(sources, place, complete=not bundles),
            authorities=keyless,
            memory=memory,
            rebuilds=rebuilds,
            as_of=as_of,
        )
        if memory is not None:
            memory.save()
    finally:
        if fetcher is None:
            asking.close()


def open_keys(
    loaded: LoadedPolicy, fetcher: Fetcher, *, ask: bool, state: Path | None = None
) -> tuple[KeyWatch, Path]:
    """What is known of the keys of the policy's witnesses, from their sites if `ask`, and where that is remembered."""
    remembered = state or default_state_path()
    sources = _of_nodes(loaded, fetcher, loaded.policy.lookup) if ask else {}
    return KeyWatch(sources, remembered, complete=ask), remembered


def _rebuilds(
    service: TrustedService, loaded: LoadedPolicy, fetcher: Fetcher, *, offline: bool
) -> RebuildSource:
    if offline:
        return NotAsked("is not asked where bundles or a snapshot are given")
    if urlsplit(service.url).scheme not in ("http", "https"):
        return DirectoryRebuilds(loaded.path.parent / Path(service.url).expanduser())
    return HttpRebuilds(service.url, fetcher)


def _of_bundles(loaded: LoadedPolicy, bundles: Sequence[Path]) -> dict[str, Source]:
    index = read_bundles(bundles)
    return {
        witness.name: BundleSource(index, witness.identity.log_key.name)
        for witness in loaded.policy.witnesses
    }


def _of_snapshot(
    loaded: LoadedPolicy, root: Path, now: datetime
) -> tuple[dict[str, Source], tuple[AsOf, ...]]:
    held, policy = read_snapshot(root), loaded.policy
    sources: dict[str, Source] = {
        witness.name: held.source(witness, policy, now) for witness in policy.witnesses
    }
    logs = ((witness, held.seen(witness.identity.log_key)) for witness in policy.witnesses)
    return sources, tuple(AsOf(witness.name, witness.operator, log.seen) for witness, log in logs if log)


def _of_nodes(loaded: LoadedPolicy, fetcher: Fetcher, lookup: str) -> dict[str, Source]:
    return {
        witness.name: _of_node(loaded.location(witness), fetcher, lookup)
        for witness in loaded.policy.witnesses
    }


def _of_node(location: str, fetcher: Fetcher, lookup: str) -> Source:
    if urlsplit(location).scheme not in ("http", "https"):
        return DirectorySource(Path(location))
    exact = HttpSource(location, fetcher)
    if lookup == "exact":
        return exact
    return PrefixSource(location, fetcher, exact if lookup == "prefix-or-exact" else None)
