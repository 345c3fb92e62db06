"""Puts a consumer's parts together: a policy and its settings in, a client out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from witness.client import Client
from witness.config import LoadedPolicy
from witness.fetch import Fetcher, HttpFetcher
from witness.log.watch import LogWatch
from witness.logcheck import default_state_path
from witness.policy import TrustedWitness
from witness.sources.bundle import BundleSource, read_bundles
from witness.sources.directory import DirectorySource
from witness.sources.http import HttpSource, PrefixSource
from witness.sources.interface import ObservationSource


@contextmanager
def open_client(
    loaded: LoadedPolicy,
    *,
    bundles: Sequence[Path] = (),
    progress: Callable[[], None] = lambda: None,
    state: Path | None = None,
    lookup: str | None = None,
) -> Iterator[Client]:
    """A client for the policy. With `bundles`, these files are all that is asked: no network, no node.

    `lookup` is one of `LOOKUPS`, in place of the policy's.

    `state` is where checkpoints that were seen are remembered, and evidence is saved; by default the user's own.

    Raises:
        InputError: a bundle file cannot be used.
    """
    policy = loaded.policy
    fetcher = HttpFetcher()
    try:
        if bundles:
            index = read_bundles(bundles)
            sources: dict[str, ObservationSource] = {
                witness.name: BundleSource(index, witness.identity.log_key.name)
                for witness in policy.witnesses
            }
        else:
            how = lookup or policy.lookup
            sources = {
                witness.name: _source(witness, loaded.path, fetcher, how) for witness in policy.witnesses
            }
        watch = LogWatch(state or default_state_path())
        yield Client(policy, sources, workers=fetcher.connections, progress=progress, watch=watch)
    finally:
        fetcher.close()


def _source(witness: TrustedWitness, policy_path: Path, fetcher: Fetcher, lookup: str) -> ObservationSource:
    if urlsplit(witness.url).scheme in ("http", "https"):
        exact = HttpSource(witness.url, fetcher)
        if lookup == "exact":
            return exact
        return PrefixSource(witness.url, fetcher, exact if lookup == "prefix-or-exact" else None)
    return DirectorySource(policy_path.parent / Path(witness.url).expanduser())
