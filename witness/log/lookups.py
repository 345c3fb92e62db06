"""The files for lookups by prefix (witness.lookup) in a site's store: copies of its shards, kept in step with them.

A file is made from shards alone, and made whole. When the log has outgrown the width, all files of the new width are
written first, then `lookup/width.json` is replaced, and those of the old width go when the next bundles come: readers
always find complete files of the width that they were told, or are told anew. Doing a thing again changes nothing, so
whoever was killed begins again.
"""

from collections.abc import Callable, Collection, Iterable

from witness import lookup
from witness.bundle import shard_path
from witness.errors import Malformed, NotFound
from witness.limits import MAX_LOOKUP, MAX_SHARD
from witness.store.interface import Store


def update(
    site: Store, size: int, digests: Collection[str], everything: Callable[[], Iterable[Collection[str]]]
) -> None:
    """Brings the files up to the shards of `digests`, for a log of `size` entries.

    `everything` gives the digests of all artifacts of the log in portions: for a site that has no such files yet, or
    damaged ones.
    """
    held = read_width(site)
    bits = max(lookup.bits_for(size), held or 0)
    if held is None or not _followed(site, held, bits, digests):
        for prefix in lookup.prefixes(bits):
            site.put(lookup.path_of(bits, prefix), lookup.encode(bits, prefix, {}))
        for portion in everything():
            _fill(site, bits, portion)
    if held != bits:
        site.put(lookup.WIDTH_PATH, lookup.encode_width(bits))
        return
    for older in range(bits):
        site.remove(lookup.directory_of(older))


def read_width(site: Store) -> int | None:
    """How many bits name a file of this site; None where it has no such files, or does not say so properly."""
    try:
        return lookup.parse_width(site.get(lookup.WIDTH_PATH, limit=lookup.MAX_WIDTH_FILE))
    except (NotFound, Malformed):
        return None


def _followed(site: Store, held: int, bits: int, digests: Collection[str]) -> bool:
    """Whether the files could be made from those that are there; if not, they must be made anew."""
    try:
        _split(site, held, bits)
        _fill(site, bits, digests)
    except (NotFound, Malformed):
        return False
    return True


def _split(site: Store, old: int, new: int) -> None:
    """Makes the files of the width `new` from those of `old`. Raises `Malformed`, or `NotFound`."""
    if old == new:
        return
    for prefix in lookup.prefixes(old):
        held = lookup.parse(site.get(lookup.path_of(old, prefix), limit=MAX_LOOKUP), old, prefix)
        parts: dict[str, dict[str, tuple[bytes, ...]]] = {
            part: {} for part in lookup.parts_of(prefix, old, new)
        }
        for sha256, lines in held.items():
            parts[lookup.prefix_of(sha256, new)][sha256] = lines
        for part, lines_of in parts.items():
            site.put(lookup.path_of(new, part), lookup.encode(new, part, lines_of))


def _fill(site: Store, bits: int, digests: Collection[str]) -> None:
    """Puts what the shards of `digests` hold into their files. Raises `Malformed`, or `NotFound`."""
    by_prefix: dict[str, list[str]] = {}
    for sha256 in digests:
        by_prefix.setdefault(lookup.prefix_of(sha256, bits), []).append(sha256)
    for prefix, members in by_prefix.items():
        path = lookup.path_of(bits, prefix)
        before = site.get(path, limit=MAX_LOOKUP)
        try:
            lines = lookup.parse(before, bits, prefix)
        except lookup.Full:
            continue
        lines |= {sha256: _shard(site, sha256) for sha256 in members}
        after = lookup.encode(bits, prefix, lines)
        if after != before:
            site.put(path, after)


def _shard(site: Store, sha256: str) -> tuple[bytes, ...]:
    try:
        return tuple(site.get(shard_path(sha256), limit=MAX_SHARD).split(b"\n")[:-1])
    except NotFound:
        return ()
