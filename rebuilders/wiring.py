"""Puts the parts together: the only module that knows every implementation."""

import sysconfig
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from rebuilders import definitions
from rebuilders.cache import Cache
from rebuilders.checking import StaticReport, check_target
from rebuilders.config import Settings
from rebuilders.deadline import Deadline
from rebuilders.environment.install import Environments
from rebuilders.environment.interpreters import installed
from rebuilders.environment.pythons import Installer, directory_of
from rebuilders.environment.resolve import Resolver
from rebuilders.index.cached import CachedIndex
from rebuilders.index.interface import IndexSource
from rebuilders.index.simple import SimpleIndex
from rebuilders.inputs import Target, from_files, from_index
from rebuilders.pipeline import Report, rebuild
from rebuilders.provide import Ports
from rebuilders.sandbox.bubblewrap import Bubblewrap, probe
from rebuilders.sandbox.interface import Limits
from witness.endpoint import default_endpoint
from witness.errors import InputError
from witness.fetch import HttpFetcher, shown
from witness.names import TargetName


@dataclass(frozen=True, slots=True)
class Workshop:
    """All that it takes to rebuild, ready; meant to be kept for many rebuilds, one at a time."""

    index: IndexSource
    fetcher: HttpFetcher
    ports: Ports
    cache: Cache
    quota: int = 0

    def without_definitions(self) -> "Workshop":
        """The same, but with inference alone."""
        return replace(self, ports=replace(self.ports, definitions=definitions.none))

    def rebuild(self, target: TargetName, timeout: float) -> Report:
        """Rebuilds a published target within `timeout` seconds."""
        return self._rebuild(lambda: from_index(target, self.index), timeout)

    def rebuild_files(self, wheel: Path, sdist: Path, timeout: float) -> Report:
        """Rebuilds a local wheel from a local sdist."""
        return self._rebuild(lambda: from_files(wheel, sdist), timeout)

    def _rebuild(self, fetch: Callable[[], Target], timeout: float) -> Report:
        if self.quota:
            self.cache.keep_below(self.quota)
        with self.cache.using():
            deadline = Deadline.after(timeout)
            self.fetcher.expires = deadline.at
            return rebuild(fetch, self.ports, deadline)


@dataclass(frozen=True, slots=True)
class Desk:
    """All that it takes to check without building."""

    index: IndexSource
    fetcher: HttpFetcher
    cache: Cache
    quota: int = 0

    def check(self, target: TargetName) -> StaticReport:
        """Checks a published target."""
        if self.quota:
            self.cache.keep_below(self.quota)
        with self.cache.using():
            return check_target(lambda: from_index(target, self.index))


def open_index(settings: Settings) -> tuple[IndexSource, HttpFetcher, str]:
    """The index that the settings or the user's own installers name, with its cache, and its address."""
    endpoint = (settings.index or default_endpoint()).rstrip("/") + "/"
    if not _is_web(endpoint):
        raise InputError(
            f"{shown(endpoint)}: not the address of an index", hint="Give one that begins with https://."
        )
    fetcher = HttpFetcher(contact=settings.contact)
    return CachedIndex(SimpleIndex(endpoint, fetcher), settings.cache_path, endpoint), fetcher, endpoint


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.hostname)


def open_workshop(settings: Settings) -> Workshop:
    """Raises SandboxUnavailable where no sandbox works: without one, nothing is built."""
    sandbox = Bubblewrap.find()
    probe(sandbox)
    index, fetcher, endpoint = open_index(settings)
    uv = find_uv()
    settings.cache_path.mkdir(parents=True, exist_ok=True)
    ports = Ports(
        resolver=Resolver(uv, endpoint, settings.cache_path),
        environments=Environments(uv, settings.cache_path, index, sandbox),
        sandbox=sandbox,
        interpreters=installed(directory_of(settings.cache_path)),
        platform=sysconfig.get_platform(),
        limits=_limits(settings),
        index=index,
        definitions=definitions.find,
        installer=Installer(uv, settings.cache_path) if settings.install_pythons else None,
    )
    return Workshop(index, fetcher, ports, Cache(settings.cache_path), settings.quota)


def _limits(settings: Settings) -> Limits:
    limits = Limits(cpus=settings.cores)
    return replace(limits, resident=settings.memory) if settings.memory else limits


def open_desk(settings: Settings) -> Desk:
    """Needs no sandbox, no uv and no other interpreter."""
    index, fetcher, _ = open_index(settings)
    return Desk(index, fetcher, Cache(settings.cache_path), settings.quota)


def find_uv() -> Path:
    """The uv program that our own environment has."""
    import uv

    return Path(uv.find_uv_bin())
