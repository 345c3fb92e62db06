"""Damage for parsers: every proper prefix, and every byte changed."""

from collections.abc import Iterator

# A neighbour, the other case, another digit, and a byte that is not ASCII.
_MASKS = (0x01, 0x20, 0x03, 0x80)


def prefixes(data: bytes) -> Iterator[bytes]:
    return (data[:end] for end in range(len(data)))


def flips(data: bytes, *, masks: tuple[int, ...] = _MASKS) -> Iterator[bytes]:
    """`data` with one byte changed, for each byte and mask."""
    for at, byte in enumerate(data):
        for mask in masks:
            yield data[:at] + bytes([byte ^ mask]) + data[at + 1 :]
