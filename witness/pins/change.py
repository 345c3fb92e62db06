"""What is new in some inputs, held against others: a pull request is then gated on what it changes. Pure.

Files are told apart by project and digest. A line with several hashes is kept with those alone that are new, so that
a hash which was slipped in is not covered by those that were there.
"""

from dataclasses import replace

from witness.pins.pin import Pin, Pins


def only_new(pins: Pins, base: Pins) -> Pins:
    """`pins` without what `base` has too; `unchanged` counts the entries that are left out."""
    known = {(pin.project, digest) for pin in base.pins for digest in pin.sha256}
    seen = {(entry.text, entry.kind, entry.reason) for entry in base.unpinned}
    left = [new for pin in pins.pins if (new := _new(pin, known)) is not None]
    unpinned = [item for item in pins.unpinned if (item.text, item.kind, item.reason) not in seen]
    unchanged = len(pins.pins) - len(left) + len(pins.unpinned) - len(unpinned)
    return replace(pins, pins=tuple(left), unpinned=tuple(unpinned), unchanged=pins.unchanged + unchanged)


def _new(pin: Pin, known: set[tuple[str, str]]) -> Pin | None:
    digests = frozenset(digest for digest in pin.sha256 if (pin.project, digest) not in known)
    return replace(pin, sha256=digests) if digests else None
