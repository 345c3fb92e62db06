"""Which pins may be asked about: those that come from PyPI, or from an index that the policy calls public. Pure.

A package from any other index may be private, and even a part of its digest is nobody's business: such a pin becomes
`not-applicable` before anyone is asked (docs/adr/0039-inputs.md). No name of a host stands here; PyPI's are known by
their digests.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import SplitResult, urlsplit

from witness.digest import sha256_hex
from witness.fetch import shown
from witness.pins.pin import Pin, Pins, Unpinned

# SHA-256 of the names of PyPI's hosts: of its index, of its files, and the index's old name.
PYPI: Final = frozenset(
    {
        "a4aa2ac280bb8d1a0ce7a1be5a7bfb10292b49fe9435ad5cff19f421f3c70e41",
        "c899567ee906851741bf7f3bde17a33777859ff9f53ff54d6f0ea54cf31ad636",
        "d6d7019ca9fcbf07c769e445342515ef0c92e4f18a96adbb3bf6460f5b0ba17f",
    }
)
_PORTS: Final = {"http": (None, 80), "https": (None, 443)}


@dataclass(frozen=True, slots=True)
class PublicIndexes:
    """PyPI, and what lies below each of `named`, which are addresses."""

    named: tuple[str, ...] = ()

    def covers(self, source: str) -> bool:
        """Whether the address `source` is public. What is no web address is not."""
        parts = _split(source)
        if parts is None or ".." in parts.path or "%2e" in parts.path.lower() or "\\" in source:
            return False
        if sha256_hex((parts.hostname or "").encode()) in PYPI and parts.port in _PORTS[parts.scheme]:
            return True
        return any(_below(parts, name) for name in self.named)


def screened(pins: Pins, public: PublicIndexes) -> Pins:
    """`pins` without those that may come from elsewhere; these are `not-applicable`, each with its source."""
    private = {pin: source for pin in pins.pins if (source := _elsewhere(pin, public)) is not None}
    return replace(
        pins,
        pins=tuple(pin for pin in pins.pins if pin not in private),
        unpinned=(*pins.unpinned, *(_refused(pin, source) for pin, source in private.items())),
    )


def is_address(text: str) -> bool:
    """Whether `text` is a web address with a host."""
    return _split(text) is not None


def _elsewhere(pin: Pin, public: PublicIndexes) -> str | None:
    return next((source for source in pin.sources if not public.covers(source)), None)


def _refused(pin: Pin, source: str) -> Unpinned:
    where = shown(source) if is_address(source) else "a path"
    may = "comes" if len(pin.sources) == 1 else "may come"
    reason = f"{may} from {where}, which the policy does not call public: nobody was asked"
    return Unpinned(str(pin), "not-applicable", reason, pin.origin)


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        usable = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that are no address, a port that is no number
        return None
    return parts if usable else None


def _below(parts: SplitResult, name: str) -> bool:
    other = _split(name)
    if other is None or _place(parts) != _place(other):
        return False
    return _segments(parts)[: len(_segments(other))] == _segments(other)


def _place(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, _PORTS[parts.scheme][1] if parts.port is None else parts.port


def _segments(parts: SplitResult) -> Sequence[str]:
    return [part for part in parts.path.split("/") if part]
