"""How many different places operators stand in, each operator in one of them. Pure.

An operator with nodes in two countries is still one party, so he brings one country: the count is the size of the
largest matching of operators and values, found by augmenting paths (Kuhn, 1955).
"""

from collections.abc import Iterable

Traits = tuple[tuple[str, str], ...]


def spread(witnesses: Iterable[tuple[str, Traits]], place: str) -> int:
    """How many values of `place` distinct operators can stand for. `witnesses` are pairs of operator and traits."""
    values: dict[str, set[str]] = {}
    for operator, traits in witnesses:
        values.setdefault(operator, set()).update(value for key, value in traits if key == place)
    held: dict[str, str] = {}
    return sum(_seat(operator, values, held, set()) for operator in sorted(values))


def _seat(operator: str, values: dict[str, set[str]], held: dict[str, str], tried: set[str]) -> bool:
    for value in sorted(values[operator] - tried):
        tried.add(value)
        if value not in held or _seat(held[value], values, held, tried):
            held[value] = operator
            return True
    return False
