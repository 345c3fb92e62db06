"""SHA-256 digests as lower-case hex, the only identity that artifacts, recipes and statements have."""

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from witness.errors import Malformed

SHA256_HEX: Final = re.compile(r"[0-9a-f]{64}")


def sha256_hex(data: bytes | bytearray | memoryview) -> str:
    """The SHA-256 of `data` as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_hex_of(chunks: Iterable[bytes]) -> str:
    """The SHA-256 of the concatenation of `chunks`, which are read once."""
    state = hashlib.sha256()
    for chunk in chunks:
        state.update(chunk)
    return state.hexdigest()


def parse_sha256(text: str) -> str:
    """`text` itself if it is a canonical SHA-256 hex digest.

    Raises:
        Malformed: wrong length, upper case, or anything else.
    """
    if not SHA256_HEX.fullmatch(text):
        raise Malformed(f"not a SHA-256 digest in lower-case hex: {text[:80]!r}")
    return text
