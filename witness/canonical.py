"""JSON in and out: RFC 8785 bytes out, and a parser that gives one value or an error.

Signed or hashed JSON goes through here alone. Nothing is repaired: duplicate keys, NaN, lone surrogates, and
documents that are larger or deeper than what we ever write, are refused.
"""

import json
import math
from typing import Any, Final, NoReturn

import rfc8785

from witness.errors import Malformed

MAX_DEPTH: Final = 40
_EXACT: Final = 2**53 - 1  # beyond, a double loses integers


def dumps(value: Any) -> bytes:
    """The one RFC 8785 text of `value`."""
    # Without floats and with keys in the basic plane, json's own encoder writes just that, ten times as fast:
    # the order of code points is then that of UTF-16 units, and both escape the same characters alike.
    if _is_plain(value):
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")
    return rfc8785.dumps(value)


def loads(data: bytes, *, what: str, limit: int) -> Any:
    """The value of a JSON text of at most `limit` bytes. `what` names the document in errors.

    Raises:
        Malformed: too large, too deep, not UTF-8, not JSON, duplicate keys, or a number that JSON has not.
    """
    if len(data) > limit:
        raise Malformed(f"{what}: {len(data)} bytes, more than the {limit} allowed")
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant
        )
    except RecursionError:
        raise Malformed(f"{what}: nested too deeply") from None
    except ValueError as error:
        raise Malformed(f"{what}: not valid JSON: {error}") from None
    _check(value, what, MAX_DEPTH)
    return value


def loads_canonical(data: bytes, *, what: str, limit: int) -> Any:
    """Like `loads`, for documents that must be in their RFC 8785 form, so that one value has one text."""
    value = loads(data, what=what, limit=limit)
    try:
        canonical = dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise Malformed(f"{what}: {error}") from None
    if canonical != data:
        raise Malformed(f"{what}: not in canonical form (RFC 8785)")
    return value


def _is_plain(value: Any) -> bool:
    kind = type(value)
    if kind is str:
        return value.isascii() or not any(0xD800 <= ord(char) <= 0xDFFF for char in value)
    if kind is dict:
        return all(type(key) is str and key.isascii() and _is_plain(item) for key, item in value.items())
    if kind is list or kind is tuple:
        return all(map(_is_plain, value))
    if kind is int:
        return bool(-_EXACT <= value <= _EXACT)
    return value is None or kind is bool


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("an object has the same key twice")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check(value: Any, what: str, depth: int) -> None:
    if depth == 0:
        raise Malformed(f"{what}: nested too deeply")
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise Malformed(f"{what}: a string holds half of a surrogate pair") from None
    elif isinstance(value, dict):
        for key, item in value.items():
            _check(key, what, depth - 1)
            _check(item, what, depth - 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, what, depth - 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise Malformed(f"{what}: a number too large for a double")
