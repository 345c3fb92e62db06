"""Jobs and outcomes as JSON, a line each: what crosses from one process to another instead of objects.

Strict and bounded: whoever reads may hold more than whoever wrote.
"""

import base64
import binascii
import json
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import IO, Any, Final

from rebuilders.config import Settings
from rebuilders.farm.interface import Job, Outcome, Terms
from witness.errors import Malformed
from witness.limits import MAX_REPORT, MIB

MAX_LINE: Final = 2 * MIB  # a statement and a report, in base64

_MAX_STATEMENT: Final = 64 * 1024
_MAX_TEXT: Final = 4000
_MAX_TAGS: Final = 500
_TERMS: Final = frozenset(
    (
        "builder",
        "method",
        "timeout",
        "index",
        "cache",
        "contact",
        "installPythons",
        "quota",
        "memory",
        "cores",
        "nice",
    )
)
_OUTCOME: Final = frozenset(
    ("claim", "result", "level", "statement", "report", "complete", "received", "needs", "cause")
)


def of_terms(terms: Terms, *, cache: bool) -> dict[str, Any]:
    """`cache`: whether they are for this machine, whose cache they name."""
    settings = terms.settings
    return {
        "builder": terms.builder,
        "method": terms.method,
        "timeout": terms.timeout,
        "index": settings.index,
        "cache": str(settings.cache) if cache and settings.cache else "",
        "contact": settings.contact,
        "installPythons": settings.install_pythons,
        "quota": settings.quota,
        "memory": settings.memory,
        "cores": settings.cores,
        "nice": settings.nice,
    }


def terms_of(value: Any) -> Terms:
    """Raises Malformed."""
    read = _Reader(value, _TERMS, "terms")
    method = read.text("method")
    if method not in ("rebuild", "static"):
        raise Malformed("terms: no such method")
    cache = read.text("cache")
    settings = Settings(
        index=read.text("index"),
        cache=Path(cache) if cache else None,
        contact=read.text("contact"),
        install_pythons=read.flag("installPythons"),
        quota=read.count("quota"),
        memory=read.count("memory"),
        cores=read.number("cores", zero=True),
        nice=read.count("nice"),
    )
    return Terms(
        read.text("builder"), "rebuild" if method == "rebuild" else "static", settings, read.number("timeout")
    )


def of_job(job: Job) -> dict[str, Any]:
    return {"target": job.target, "claim": job.claim, "needs": job.needs, "offered": list(job.offered)}


def job_of(value: Any) -> Job:
    """Raises Malformed."""
    read = _Reader(value, {"target", "claim", "needs", "offered"}, "job")
    return Job(read.text("target"), read.text("claim"), read.text("needs"), read.texts("offered"))


def of_outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "claim": outcome.claim,
        "result": outcome.result[:_MAX_TEXT].encode("utf-8", "replace").decode(),
        "level": outcome.level,
        "statement": base64.b64encode(outcome.statement).decode(),
        "report": base64.b64encode(outcome.report).decode(),
        "complete": outcome.complete,
        "received": outcome.received,
        "needs": outcome.needs,
        "cause": outcome.cause[:_MAX_TEXT].encode("utf-8", "replace").decode(),
    }


def outcome_of(value: Any) -> Outcome:
    """Raises Malformed."""
    read = _Reader(value, _OUTCOME, "outcome")
    return Outcome(
        read.text("claim"),
        read.text("result"),
        read.text("level"),
        read.data("statement", _MAX_STATEMENT),
        read.data("report", MAX_REPORT),
        read.flag("complete"),
        read.count("received"),
        read.text("needs"),
        read.text("cause"),
    )


def dumps(value: dict[str, Any]) -> bytes:
    """A line."""
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def loads(line: bytes | str) -> dict[str, Any]:
    """The object on a line. Raises Malformed."""
    if len(line) > MAX_LINE:
        raise Malformed("a line that is too long")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise Malformed("a line that is no JSON") from None
    if not isinstance(value, dict):
        raise Malformed("a line that is no object")
    return value


def read_lines(stream: IO[bytes], take: Callable[[dict[str, Any]], None]) -> None:
    """Gives each object of `stream` to `take`, until it ends. Raises Malformed for what is none."""
    while line := stream.readline(MAX_LINE + 1):
        if not line.endswith(b"\n"):
            raise Malformed("a line that is too long, or cut off")
        take(loads(line))


class _Reader:
    """Takes an object apart: these very keys, each of its type."""

    def __init__(self, value: Any, keys: AbstractSet[str], what: str) -> None:
        if not isinstance(value, dict) or set(value) != keys:
            raise Malformed(f"{what}: not an object with the keys {', '.join(sorted(keys))}")
        self._value, self._what = value, what

    def text(self, key: str) -> str:
        return self._text(self._value[key], key)

    def _text(self, value: Any, key: str) -> str:
        if not isinstance(value, str) or len(value) > _MAX_TEXT:
            raise Malformed(f"{self._what}: {key}: not a short text")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._value[key]
        if not isinstance(value, list) or len(value) > _MAX_TAGS:
            raise Malformed(f"{self._what}: {key}: not a short list")
        return tuple(self._text(item, key) for item in value)

    def flag(self, key: str) -> bool:
        value = self._value[key]
        if not isinstance(value, bool):
            raise Malformed(f"{self._what}: {key}: neither true nor false")
        return value

    def number(self, key: str, *, zero: bool = False) -> float:
        value = self._value[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
            raise Malformed(f"{self._what}: {key}: not a number")
        if not value and not zero:
            raise Malformed(f"{self._what}: {key}: nothing")
        return float(value)

    def count(self, key: str) -> int:
        value = self._value[key]
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
            raise Malformed(f"{self._what}: {key}: not a count")
        return value

    def data(self, key: str, limit: int) -> bytes:
        value = self._value[key]
        if not isinstance(value, str) or len(value) > 4 * (limit + 3) // 3:
            raise Malformed(f"{self._what}: {key}: too long")
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise Malformed(f"{self._what}: {key}: not base64") from None
