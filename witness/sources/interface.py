"""Where observations come from: the one seam between a consumer and what witnesses publish.

A source belongs to one witness. It hands over lines, each of which claims to be a bundle, and checks nothing but
sizes: whoever asks verifies every line by itself, so that one bad line neither hides nor vouches for another.
"""

from typing import Protocol

from witness import bundle
from witness.bundle import Bundle
from witness.errors import FetchFailed
from witness.limits import MAX_BUNDLE, MAX_KEYS, MAX_SHARD


class ParsedLine(bytes):
    """A line with the bundle that `bundle.parse` made of it, from a source that had to parse it."""

    bundle: Bundle


def parsed(line: bytes) -> ParsedLine:
    """`line`, parsed. Raises `Malformed`."""
    found = ParsedLine(line)
    found.bundle = bundle.parse(line)
    return found


def bundle_of(line: bytes) -> Bundle:
    """The bundle in a line of a source. Raises `Malformed`."""
    return line.bundle if isinstance(line, ParsedLine) else bundle.parse(line)


class ObservationSource(Protocol):
    """Looks up what one witness published about one artifact. Safe to use from several threads."""

    def lines(self, sha256: str) -> tuple[bytes, ...]:
        """The bundles about the artifact with the digest `sha256`, unverified, in the order of publication.

        Each is at most `limits.MAX_BUNDLE` bytes, without its line feed; there is at least one.

        Raises:
            NotFound: the witness has nothing about it.
            FetchFailed: the witness could not be asked, or served more than the limits allow.
        """


class KeyEventSource(Protocol):
    """Looks up what one witness published about its keys (witness.keyevent)."""

    def key_events(self) -> tuple[bytes, ...]:
        """The bundles of its key events, unverified, in the order of publication.

        Each is at most `limits.MAX_BUNDLE` bytes, without its line feed; there is at least one.

        Raises:
            NotFound: the witness has published none.
            FetchFailed: the witness could not be asked, or served more than `limits.MAX_KEYS`.
        """


def split_events(data: bytes, *, what: str) -> tuple[bytes, ...]:
    """The lines of a file of key events, as `split_lines` has them."""
    if len(data) > MAX_KEYS:
        raise FetchFailed(f"{what}: more than the {MAX_KEYS} bytes allowed")
    return split_lines(data, what=what)


def split_lines(shard: bytes, *, what: str) -> tuple[bytes, ...]:
    """The lines of a shard. Blank lines are no bundles.

    Raises:
        FetchFailed: the shard, or a line of it, is larger than its limit.
    """
    if len(shard) > MAX_SHARD:
        raise FetchFailed(f"{what}: more than the {MAX_SHARD} bytes allowed")
    lines = tuple(line for line in shard.split(b"\n") if line.strip())
    if any(len(line) > MAX_BUNDLE for line in lines):
        raise FetchFailed(f"{what}: a line of more than the {MAX_BUNDLE} bytes allowed")
    return lines
