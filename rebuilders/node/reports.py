"""Difference reports, from where the scheduler leaves them to the node's site, for whoever shows them.

A report is published when the observation that names it is, and not before: what a node has only committed to must not
be told by its report. It is unsigned, and named by the newest observation of its artifact through its digest.
"""

from collections.abc import Iterator
from pathlib import Path

from rebuilders.node.config import NodeDirectory
from witness import statement
from witness.bundle import parse_shard, shard_path
from witness.digest import SHA256_HEX, sha256_hex
from witness.entry import statement_in
from witness.errors import FetchFailed, Malformed, NotFound
from witness.limits import MAX_REPORT, MAX_SHARD
from witness.store.directory import DirectoryStore

FOLDER = "reports"  # of the site


def publish(directory: NodeDirectory) -> int:
    """Brings the reports that may be told into the node's site; returns how many. Raises Incomplete if it cannot."""
    kept, site = DirectoryStore(directory.reports), DirectoryStore(directory.site)
    published = 0
    for artifact, path in _waiting(directory.reports):
        try:
            told = kept.get(path, limit=MAX_REPORT)
        except (NotFound, FetchFailed):
            continue
        named = _named(site, artifact)
        digest = sha256_hex(told)
        if digest not in named:
            continue
        if digest == named[-1]:
            site.put(f"{FOLDER}/{path}", told)
            published += 1
        kept.remove(path)
    return published


def _waiting(root: Path) -> Iterator[tuple[str, str]]:
    """The artifact of each report that waits, and its path."""
    for path in sorted(root.glob("*/*.json")):
        if SHA256_HEX.fullmatch(path.stem) and path.parent.name == path.stem[:2]:
            yield path.stem, f"{path.parent.name}/{path.name}"


def _named(site: DirectoryStore, artifact: str) -> list[str]:
    """The digests of reports that the published observations of an artifact name, newest last; "" for none."""
    try:
        bundles = parse_shard(site.get(shard_path(artifact), limit=MAX_SHARD))
        told = [statement.parse(statement_in(bundle.entry)).observation.comparison for bundle in bundles]
    except (NotFound, Malformed):
        return []
    return [item.report.digest.sha256 if item and item.report else "" for item in told]
