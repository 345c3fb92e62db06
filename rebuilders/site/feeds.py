"""Atom (RFC 4287) of regressions: files that differ though an older version of their project matches. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from witness.escape import printable

_HEAD: Final = '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'


@dataclass(frozen=True, slots=True)
class Entry:
    """An item of a feed; `link` is absolute, or relative to the feed; `at` is an RFC 3339 time."""

    key: str
    title: str
    link: str
    at: str
    text: str


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed at `address`, which is where it is served, or empty if that is not known. `key` names it for good."""

    key: str
    title: str
    author: str
    page: str
    address: str
    entries: tuple[Entry, ...]

    @property
    def xml(self) -> bytes:
        """The document. Without an entry its time is that of nothing, so that it does not change by itself."""
        updated = max((entry.at for entry in self.entries), default="1970-01-01T00:00:00Z")
        lines = [
            f"<id>{_urn(self.key)}</id>",
            f"<title>{_text(self.title)}</title>",
            f"<updated>{updated}</updated>",
            f"<author><name>{_text(self.author)}</name></author>",
            f'<link rel="alternate" type="text/html" href="{_text(self.page)}"/>',
            *([f'<link rel="self" href="{_text(self.address)}"/>'] if self.address else []),
            *_entries(self.key, self.entries),
        ]
        return (_HEAD + "\n".join(lines) + "\n</feed>\n").encode("utf-8", "backslashreplace")


def _entries(feed: str, entries: Iterable[Entry]) -> Iterable[str]:
    for entry in entries:
        yield (
            f"<entry><id>{_urn(f'{feed} {entry.key}')}</id><title>{_text(entry.title)}</title>"
            f'<updated>{entry.at}</updated><link rel="alternate" type="text/html" href="{_text(entry.link)}"/>'
            f'<summary type="text">{_text(entry.text)}</summary></entry>'
        )


def _urn(key: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, 'wheelwitness ' + key)}"


def _text(text: str) -> str:
    return escape(printable(text, limit=1_000))
