"""Puts a consumer's parts together: a policy and its settings in, a client out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from witness.client import Client
from witness.config import LoadedPolicy
from witness.fetch import Fetcher, HttpFetcher
from witness.keyless.trust import authorities
from witness.keywatch import KeyWatch
from witness.log.watch import LogWatch
from witness.logcheck import default_state_path
from witness.policy import TrustedService, TrustedWitness
from witness.remembered import Memory
from witness.sources.bundle import BundleSource, read_bundles
from witness.sources.directory import DirectorySource
from witness.sources.http import HttpSource
from witness.sources.rebuilds import DirectoryRebuilds, HttpRebuilds, NotAsked, RebuildSource


@contextmanager
def open_client(
    loaded: LoadedPolicy,
    *,
    bundles: Sequence[Path] = (),
    progress: Callable[[], None] = lambda: None,
    state: Path | None = None,
    fetcher: HttpFetcher | None = None,
    max_age: float = 0,
) -> Iterator[Client]:
    """A client for the policy. With `bundles`, these files are all that is asked: no network, no node.

    `state` is where checkpoints that were seen are remembered, and evidence is saved; by default the user's own.
    A `fetcher` that is given stays open. `max_age` is in seconds: verdicts of earlier runs that are younger are used,
    and this one's remembered; never with `bundles`.

    Raises:
        InputError: a bundle file, or a file of trust in a Sigstore instance, cannot be used; or sigstore-python is
            needed, and not installed.
    """
    policy = loaded.policy
    asking = fetcher or HttpFetcher()
    keyless = authorities(
        ((item.name, item.identity.sigstore) for item in policy.witnesses), loaded.path.parent
    )
    try:
        if bundles:
            index = read_bundles(bundles)
            sources: dict[str, BundleSource | DirectorySource | HttpSource] = {
                witness.name: BundleSource(index, witness.identity.log_key.name)
                for witness in policy.witnesses
            }
        else:
            sources = {witness.name: _source(witness, loaded.path, asking) for witness in policy.witnesses}
        place = state or default_state_path()
        memory = Memory(place, loaded.digest, max_age) if max_age and not bundles else None
        rebuilds = {
            item.name: _rebuilds(item, loaded.path, asking, offline=bool(bundles)) for item in policy.services
        }
        yield Client(
            policy,
            sources,
            workers=asking.connections,
            progress=progress,
            watch=LogWatch(place),
            keys=KeyWatch(sources, place, complete=not bundles),
            authorities=keyless,
            memory=memory,
            rebuilds=rebuilds,
        )
        if memory is not None:
            memory.save()
    finally:
        if fetcher is None:
            asking.close()


def _rebuilds(
    service: TrustedService, policy_path: Path, fetcher: Fetcher, *, offline: bool
) -> RebuildSource:
    if offline:
        return NotAsked("is not asked where bundles are given")
    if urlsplit(service.url).scheme in ("http", "https"):
        return HttpRebuilds(service.url, fetcher)
    return DirectoryRebuilds(policy_path.parent / Path(service.url).expanduser())


def open_keys(
    loaded: LoadedPolicy, fetcher: Fetcher, *, ask: bool, state: Path | None = None
) -> tuple[KeyWatch, Path]:
    """What is known of the keys of the policy's witnesses, from their sites if `ask`, and where that is remembered."""
    remembered = state or default_state_path()
    asked = loaded.policy.witnesses if ask else ()
    sources = {witness.name: _source(witness, loaded.path, fetcher) for witness in asked}
    return KeyWatch(sources, remembered, complete=ask), remembered


def _source(witness: TrustedWitness, policy_path: Path, fetcher: Fetcher) -> DirectorySource | HttpSource:
    if urlsplit(witness.url).scheme in ("http", "https"):
        return HttpSource(witness.url, fetcher)
    return DirectorySource(policy_path.parent / Path(witness.url).expanduser())
