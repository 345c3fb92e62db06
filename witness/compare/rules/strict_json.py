"""JSON (RFC 8259) as every reader has it: no key twice, nothing that is not JSON, numbers as they are written."""

import json
from dataclasses import dataclass
from typing import Any, Final

from witness.errors import Malformed

_DEEPEST: Final = 64


@dataclass(frozen=True, slots=True)
class Number:
    """A number, by how it is written: `1.0` and `1` are two, since readers differ about them."""

    text: str


def read_json(content: bytes) -> Any:
    """The value in `content`, of dict, list, str, bool, None and `Number`.

    Raises:
        Malformed: it is none, or readers may see another one.
    """
    try:
        value = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_distinct,
            parse_int=Number,
            parse_float=Number,
            parse_constant=_refused,
        )
    except (ValueError, RecursionError):
        raise Malformed("not JSON of the strict kind") from None
    _check_depth(value)
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key twice")
    return made


def _refused(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _check_depth(value: Any) -> None:
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return
    raise Malformed("JSON nested too deeply")
