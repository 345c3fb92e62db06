"""JSON in and out: RFC 8785 bytes out, and a parser that gives one value or an error.

Signed or hashed JSON goes through here alone. Nothing is repaired: duplicate keys, NaN, lone surrogates, and
documents that are larger or deeper than what we ever write, are refused.
"""

import json
import math
import re
from collections.abc import Iterable
from typing import Any, Final, NoReturn

import rfc8785

from witness.errors import Malformed

MAX_DEPTH: Final = 40
_EXACT: Final = 2**53 - 1  # beyond, a double loses integers
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def dumps(value: Any) -> bytes:
    """The one RFC 8785 text of `value`."""
    # Without floats and with keys in the basic plane, json's own encoder writes just that, ten times as fast:
    # the order of code points is then that of UTF-16 units, and both escape the same characters alike.
    if _is_plain(value):
        return _ENCODER.encode(value).encode("utf-8")
    return rfc8785.dumps(value)


def loads(data: bytes, *, what: str, limit: int) -> Any:
    """The value of a JSON text of at most `limit` bytes. `what` names the document in errors.

    Raises:
        Malformed: too large, too deep, not UTF-8, not JSON, duplicate keys, or a number that JSON has not.
    """
    if len(data) > limit:
        raise Malformed(f"{what}: {len(data)} bytes, more than the {limit} allowed")
    try:
        value = _DECODER.decode(data.decode("utf-8"))
    except RecursionError:
        raise Malformed(f"{what}: nested too deeply") from None
    except ValueError as error:
        raise Malformed(f"{what}: not valid JSON: {error}") from None
    _check(value, what)
    return value


def loads_canonical(data: bytes, *, what: str, limit: int) -> Any:
    """Like `loads`, for documents that must be in their RFC 8785 form, so that one value has one text."""
    value = _loads_plain(data, limit)
    if value is not _UNSURE:
        return value
    value = loads(data, what=what, limit=limit)
    try:
        canonical = dumps(value)
    except rfc8785.CanonicalizationError as error:
        raise Malformed(f"{what}: {error}") from None
    if canonical != data:
        raise Malformed(f"{what}: not in canonical form (RFC 8785)")
    return value


def _loads_plain(data: bytes, limit: int) -> Any:
    """What `loads_canonical` returns, if that can be told without a look at every part of it; otherwise `_UNSURE`.

    The text of a plain value (see `dumps`) that json's own encoder writes again, to the byte, is canonical. It has no
    key twice and no half of a surrogate pair, since neither is ever written, and with few brackets it is not deep.
    """
    if len(data) > limit or data.count(b"{") + data.count(b"[") >= MAX_DEPTH:
        return _UNSURE
    try:
        value = _PLAIN_DECODER.decode(data.decode("utf-8"))
        again = _ENCODER.encode(value).encode("utf-8")
    except ValueError:
        return _UNSURE
    return value if again == data else _UNSURE


def _is_plain(value: Any) -> bool:
    left = [value]
    while left:
        item = left.pop()
        kind = type(item)
        if kind is str:
            if not item.isascii() and _SURROGATE.search(item):
                return False
        elif kind is dict:
            if not _are_ascii(item):
                return False
            left += item.values()
        elif kind is list or kind is tuple:
            left += item
        elif kind is int:
            if not -_EXACT <= item <= _EXACT:
                return False
        elif item is not None and kind is not bool:
            return False
    return True


def _are_ascii(keys: Iterable[Any]) -> bool:
    try:
        return "".join(keys).isascii()
    except TypeError:  # one is no string
        return False


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("an object has the same key twice")
    return value


def _plain_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if not "".join(value).isascii():
        raise ValueError("a key that is sorted otherwise")
    return value


def _plain_number(text: str) -> int:
    value = int(text)
    if not -_EXACT <= value <= _EXACT:
        raise ValueError("a double loses it")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _check(value: Any, what: str) -> None:
    left = [(value, MAX_DEPTH)]
    while left:
        item, depth = left.pop()
        if depth == 0:
            raise Malformed(f"{what}: nested too deeply")
        if isinstance(item, str):
            if not item.isascii() and _SURROGATE.search(item):
                raise Malformed(f"{what}: a string holds half of a surrogate pair")
        elif isinstance(item, dict):
            left += [(part, depth - 1) for pair in item.items() for part in pair]
        elif isinstance(item, list):
            left += [(part, depth - 1) for part in item]
        elif isinstance(item, float) and not math.isfinite(item):
            raise Malformed(f"{what}: a number too large for a double")


_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
_UNSURE: Final = object()
_PLAIN_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_plain_object,
    parse_int=_plain_number,
    parse_float=_no_constant,
    parse_constant=_no_constant,
)
_DECODER: Final = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
