"""`wheelwitness trust`: looks at a node before it is trusted, and says everything that can be verified about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from witness import statement
from witness.entry import PinnedKeys
from witness.errors import FetchFailed, InputError, Malformed, Unverified
from witness.escape import printable
from witness.fetch import Fetcher
from witness.log.location import fetch_at
from witness.log.reader import LogReader
from witness.log.seen import SeenLog
from witness.nodeinfo import MAX_NODE, NodeInfo, fingerprint, parse
from witness.observation import format_time
from witness.store.directory import DirectoryStore
from witness.tlog.checkpoint import open_checkpoint

_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a node at `location`: what it says, and lines about its log that were verified by its keys."""

    node: NodeInfo
    location: str
    log: tuple[str, ...]

    def lines(self) -> list[str]:
        """For people."""
        identity, cosigner = self.node.identity, self.node.identity.cosigner_key
        told = [
            f"{printable(identity.name)}, by its own word run by {printable(identity.operator)}",
            f"  at            {printable(self.location)}",
        ]
        if self.node.url and self.node.url.rstrip("/") != self.location.rstrip("/"):
            told.append(f"  says it is at {printable(self.node.url)}")
        named = [
            *(("signs with", key) for key in self.node.keys[: -2 if cosigner else -1]),
            ("log key", identity.log_key.text),
            *([] if cosigner is None else [("cosigns with", cosigner.text)]),
        ]
        for label, key in named:
            told += [f"  {label:<13} {printable(key)}", f"  {'':<13} {fingerprint(key)}"]
        return [*told, *(f"  {'log':<13} {line}" for line in self.log)]


def location_of(text: str) -> str:
    """What a policy says for `text`, a web address or a path. Raises InputError for what is neither."""
    try:
        if "://" in text:
            urlsplit(text)
            return text
        return str(Path(text).expanduser().absolute())
    except (ValueError, RuntimeError):  # brackets that are no address; no such home directory
        raise InputError(
            f"{printable(text)}: neither an address nor a path", hint="Give https://… or a directory."
        ) from None


def look(location: str, fetcher: Fetcher, state: Path) -> Look:
    """Looks at the node at `location`, an https address or a directory.

    Raises:
        InputError: another address.
        FetchFailed: it cannot be had.
        Malformed, Unverified: what is served is no node, or its log is not that of its keys, or was caught before.
    """
    data = _node_json(location, fetcher)
    node = parse(data)
    return Look(node, location, tuple(_log(node, location, fetcher, state)))


def expect(node: NodeInfo, expected: Sequence[str], *, every: bool) -> None:
    """Returns if each of the keys `expected` is one of the node's, and with `every`, if there is none besides.

    Raises:
        InputError: with `every`, not all of the node's keys are expected.
        Unverified: one of those expected is not the node's.
    """
    for key in expected:
        if key not in node.keys:
            raise Unverified(
                f"not the node that you expect: {printable(key)} is none of its keys",
                hint="Nothing was trusted. Ask its operator, by another way than this address.",
            )
    if every and (missing := [key for key in node.keys if key not in expected]):
        keys = " ".join(f"--key {printable(key)}" for key in missing)
        raise InputError(
            "--yes trusts only keys that you expect", hint=f"Once you have these from the operator: {keys}"
        )


def _node_json(location: str, fetcher: Fetcher) -> bytes:
    parts = urlsplit(location)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return fetcher.get(f"{location.rstrip('/')}/node.json", limit=MAX_NODE).body
    if parts.scheme == "http":
        hint = "Use https: on the way, anybody could put his keys in the place of the node's."
        raise InputError(f"{printable(location)}: not https", hint=hint)
    if "://" in location:
        raise InputError(f"{printable(location)}: not an address", hint="Give https://… or a directory.")
    path = Path(location).expanduser()
    if not path.is_dir():
        raise InputError(f"{printable(location)}: no such directory", hint="Give https://… or a directory.")
    return DirectoryStore(path).get("node.json", limit=MAX_NODE)


def _log(node: NodeInfo, location: str, fetcher: Fetcher, state: Path) -> list[str]:
    identity = node.identity
    fetch = fetch_at(location, fetcher)
    seen = SeenLog(state, identity.log_key)
    if seen.convictions:
        proven = seen.convictions[0].text
        raise Unverified(f"its log was caught before: {proven}", hint="Do not trust it.")
    reader = LogReader.open(fetch, identity.log_key)
    size = reader.checkpoint.size
    lines = [f"{size} {'entry' if size == 1 else 'entries'}, signed by its log key"]
    if size:
        ends = (("first", 0), ("newest", size - 1))
        lines += [f"the {which} {_entry(reader, index, node)}" for which, index in ends]
    if seen.newest is not None:
        known = open_checkpoint(seen.newest, identity.log_key).checkpoint.size
        lines.append(f"seen here before with {known}" + (", which is more" if known > size else ""))
    return lines


def _entry(reader: LogReader, index: int, node: NodeInfo) -> str:
    if node.identity.sigstore is not None:
        return "is signed in a name: once it is trusted, `wheelwitness log check` verifies it"
    try:
        (entry,) = reader.entries(index, index + 1)
        told = statement.parse(PinnedKeys(node.identity.keys).open(entry, index).payload)
    except FetchFailed as error:
        return f"cannot be had: {error}"
    except Malformed:
        return "is no observation"
    except Unverified:
        return "is not signed by the keys above: of a key that it had before, or of somebody else"
    return f"of {format_time(told.observation.attempt.finished_at)}, about {printable(told.filename)}"
