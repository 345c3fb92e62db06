"""Copies a node's site to its destinations. Needs no key, and reads of `state/` only whether the signer is at work."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rebuilders.destinations.opening import open_destination, variables_of
from rebuilders.destinations.push import Pushed, Source, push
from rebuilders.node.config import DestinationConfig, NodeConfig, NodeDirectory
from witness import nodeinfo
from witness.digest import sha256_hex
from witness.errors import InputError, Malformed, WheelwitnessError
from witness.escape import printable
from witness.note import VerifierKey

_STATE: Final = "destinations"  # below the node's state: what was sent where, and evidence


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one destination, by its URL: what was done, or why it was not."""

    url: str
    pushed: Pushed | None
    error: WheelwitnessError | None = None

    @property
    def text(self) -> str:
        """One line for people."""
        shown = printable(self.url)
        if self.pushed is None:
            return f"{shown}: {self.error}"
        done = self.pushed
        return f"{shown}: {done.sent} files sent ({done.bytes} bytes), {done.deleted} deleted; {done.size} entries"


def destinations(config: NodeConfig, only: str = "") -> tuple[DestinationConfig, ...]:
    """Those of the node, or the one at the URL `only`, which need not be among them.

    Raises:
        InputError: there is none, or it is not a destination's URL.
    """
    if only:
        named = [item for item in config.destination if item.url == only]
        return tuple(named or [DestinationConfig(url=only)])
    if not config.destination:
        raise InputError(
            "node.toml names no destination", hint="Give --to URL, or add a [[destination]]: see host-a-site."
        )
    return tuple(config.destination)


def push_all(
    directory: NodeDirectory,
    places: Iterable[DestinationConfig],
    tell: Callable[[str], None],
    *,
    again: bool = False,
    environment: Mapping[str, str] = os.environ,
    patience: float = 5.0,
) -> list[Outcome]:
    """Brings each of `places` up to the site of the node in `directory`. The failure of one keeps nothing from the
    others; it is told in its outcome.
    """
    outcomes = []
    for place in places:
        try:
            done = _push(directory, place, tell, environment, again=again, patience=patience)
        except WheelwitnessError as error:
            outcomes.append(Outcome(place.url, None, error))
        else:
            outcomes.append(Outcome(place.url, done))
    return outcomes


def variables(places: Iterable[DestinationConfig]) -> frozenset[str]:
    """The names of the environment variables that the process which pushes to `places` needs."""
    return frozenset(name for place in places for name in variables_of(place.url, place.variables))


def state_of(directory: NodeDirectory, place: DestinationConfig) -> Path:
    """Where what is remembered of a destination is."""
    return directory.state / _STATE / sha256_hex(f"{place.endpoint} {place.url}".encode())[:16]


def _push(
    directory: NodeDirectory,
    place: DestinationConfig,
    tell: Callable[[str], None],
    environment: Mapping[str, str],
    *,
    again: bool,
    patience: float,
) -> Pushed:
    source = Source(directory.site, directory.state, _log_key(directory))
    destination = open_destination(
        place.url,
        environment,
        variables=place.variables,
        endpoint=place.endpoint,
        region=place.region,
        gzipped=place.gzip,
        site=directory.site,
    )
    try:
        return push(
            source,
            destination,
            state_of(directory, place),
            tell,
            again=again,
            grace=60.0 * place.keep_minutes,
            patience=patience,
        )
    finally:
        destination.close()


def _log_key(directory: NodeDirectory) -> VerifierKey:
    path = directory.site / "node.json"
    try:
        return nodeinfo.parse(path.read_bytes()).identity.log_key
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}", hint="`rebuilder init` writes it.") from None
    except Malformed as error:
        raise InputError(f"{path}: {error}", hint="`rebuilder init` writes it.") from None
