"""What a witness's log claims of published files, for whoever tries some of it himself: a sample, drawn as it is read.

Every entry is hashed up to the signed checkpoint, and its signature is checked. Of each file the newest observation
stands. What is kept of the others is a digest and two numbers, so that a log of any length can be sampled.
"""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from witness import commitment, statement
from witness.entry import PinnedKeys
from witness.errors import InputError, Malformed, Unverified
from witness.fetch import HttpFetcher
from witness.keys import PublicKey
from witness.log.location import fetch_at
from witness.log.reader import LogReader
from witness.note import VerifierKey
from witness.statement import Statement

Priority = Callable[[Statement, int, int], float | None]


@dataclass(frozen=True, slots=True)
class Sample:
    """Claims by their index, as `priority` has them, of a log of `size` entries; `candidates` is how many it had.

    `strange` counts entries that are no observation of the witness.
    """

    origin: str
    size: int
    candidates: int
    strange: int
    claims: tuple[tuple[int, Statement], ...]


def sample_log(
    location: str, log_key: str, keys: Sequence[str], name: str, *, priority: Priority, count: int
) -> Sample:
    """The `count` newest observations of the highest priority in the log at `location`, an address or a directory.

    Args:
        location: where the witness publishes.
        log_key: its log's vkey.
        keys: those of its observations.
        name: its own.
        priority: of a statement, given its index and the log's size; None for what is not to be drawn.
        count: how many, at most.

    Raises:
        InputError: a key cannot be used.
        Incomplete: a file could not be had.
        Malformed, Unverified: what is served is not the log.
    """
    try:
        key, authority = VerifierKey.parse(log_key), PinnedKeys(tuple(map(PublicKey.parse, keys)))
    except Malformed as error:
        raise InputError(f"key: {error}", hint="Copy the whole key from the witness.") from None
    fetcher = HttpFetcher()
    try:
        reader = LogReader.open(fetch_at(location, fetcher), key)
        return _Sampler(authority, name, priority).sample(reader, count)
    finally:
        fetcher.close()


@dataclass(frozen=True, slots=True)
class _Sampler:
    authority: PinnedKeys
    name: str
    priority: Priority

    def sample(self, reader: LogReader, count: int) -> Sample:
        size, strange = reader.checkpoint.size, 0
        newest: dict[bytes, tuple[float | None, int]] = {}
        for index, entry in enumerate(reader.entries()):
            if commitment.is_commitments(entry):
                continue
            said = self._statement(entry, index)
            if said is None:
                strange += 1
            else:
                newest[bytes.fromhex(said.sha256)] = self.priority(said, index, size), index
        candidates = [(value, index) for value, index in newest.values() if value is not None]
        drawn = [index for _, index in heapq.nlargest(count, candidates)]
        claims = [(index, self._statement(next(reader.entries(index, index + 1)), index)) for index in drawn]
        told = tuple((index, said) for index, said in claims if said is not None)
        return Sample(reader.checkpoint.origin, size, len(candidates), strange, told)

    def _statement(self, entry: bytes, index: int) -> Statement | None:
        try:
            said = statement.parse(self.authority.open(entry, index).payload)
        except (Malformed, Unverified):
            return None
        return said if said.observation.builder.name == self.name else None
