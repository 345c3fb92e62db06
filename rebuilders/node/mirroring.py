"""`rebuilder mirror`: a verified copy of another node's log. Needs no node and no key of one's own."""

from collections.abc import Sequence
from pathlib import Path

from witness.fetch import HttpFetcher
from witness.mirror import Mirrored, copy_from


def mirror(
    location: str, directory: Path, log_key: str, cosigner_keys: Sequence[str] = (), *, contact: str = ""
) -> Mirrored:
    """Brings the copy in `directory` up to date. Raises as `witness.mirror.copy_from` does."""
    fetcher = HttpFetcher(contact=contact)
    try:
        return copy_from(location, fetcher, directory, log_key, cosigner_keys)
    finally:
        fetcher.close()
