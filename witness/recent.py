"""What a parser made of bytes a moment ago: like functools.lru_cache, but bounded by bytes and not by their number.

A stranger says how long what he sends is, so a number bounds nothing. Only for parsers that are functions of their
bytes, with a value that nobody changes.
"""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

T = TypeVar("T")


def recent(limit: int) -> Callable[[Callable[[bytes], T]], Callable[[bytes], T]]:
    """Remembers values of about `limit` bytes in all, and then begins anew. What was refused is not remembered."""

    def remembering(parse: Callable[[bytes], T]) -> Callable[[bytes], T]:
        known: dict[bytes, T] = {}
        total = 0

        @wraps(parse)
        def parsed(data: bytes) -> T:
            nonlocal total
            found = known.get(data)
            if found is None:
                found = parse(data)
                if total + len(data) > limit:
                    known.clear()
                    total = 0
                known[data] = found
                total += len(data)
            return found

        return parsed

    return remembering
