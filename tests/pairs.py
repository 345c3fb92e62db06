"""Two wheels with true RECORDs, to be held against each other: what by, and at which level, they are equal."""

import base64
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256

from tests.wheels import DIST_INFO, METADATA, PAYLOAD, WHEEL, File, zip_of
from witness.compare.ladder import Outcome, compare
from witness.wheel.reader import read_wheel

RECORD = f"{DIST_INFO}/RECORD"

Rows = list[str]


def row(file: File) -> str:
    digest = base64.urlsafe_b64encode(sha256(file.content).digest()).rstrip(b"=").decode()
    return f"{file.name},sha256={digest},{len(file.content)}\n"


def release(
    *,
    metadata: bytes = METADATA,
    wheel: bytes = WHEEL,
    tops: bytes | None = b"demo\n",
    record: Callable[[Rows], Rows] | None = None,
    payload: Iterable[File] = PAYLOAD,
    about: Mapping[str, bytes] = {},
) -> bytes:
    """A wheel with a true RECORD, unless `record` makes another of its rows. `about` is more of `.dist-info`."""
    files = [
        *payload,
        File(f"{DIST_INFO}/METADATA", metadata),
        File(f"{DIST_INFO}/WHEEL", wheel),
        *([] if tops is None else [File(f"{DIST_INFO}/top_level.txt", tops)]),
        *(File(f"{DIST_INFO}/{name}", content) for name, content in about.items()),
    ]
    rows = [*map(row, files), f"{RECORD},,\n"]
    return zip_of([*files, File(RECORD, "".join(record(rows) if record else rows).encode())])


def outcome(published: bytes, rebuilt: bytes) -> Outcome:
    return compare(read_wheel(published), read_wheel(rebuilt))


def level(published: bytes, rebuilt: bytes) -> str | None:
    """The level at which two are equal, whichever of them was published."""
    there, back = outcome(published, rebuilt), outcome(rebuilt, published)
    assert there.level == back.level
    return there.level


def used(published: bytes, rebuilt: bytes) -> set[str] | None:
    """The ids of the rules by which the two are equal, but for that of RECORD; None if they are not."""
    there, back = outcome(published, rebuilt), outcome(rebuilt, published)
    assert there.level == back.level
    assert there.level in (None, "metadata", "content")
    assert there.comparison.published is not None
    assert there.comparison.rebuilt is not None
    assert there.comparison.published.dist_info_digest != there.comparison.rebuilt.dist_info_digest
    same_payload = there.comparison.published.payload_digest == there.comparison.rebuilt.payload_digest
    if there.level is None:
        assert there.comparison.rules == ()
        assert there.comparison.differences_total > 0
        return None
    assert (there.level == "metadata") == same_payload
    assert there.comparison.differences_total == 0
    ids = [use.id for use in there.comparison.rules]
    assert ids == [use.id for use in back.comparison.rules]
    for ours, theirs in zip(there.comparison.rules, back.comparison.rules, strict=True):
        assert (ours.published, ours.rebuilt) == (theirs.rebuilt, theirs.published)
        assert ours.published
        assert ours.rebuilt
    return set(ids) - {"record-complete@1"}
