"""PyPI's changelog by XML-RPC, which names what has changed since a serial: off unless the operator wants it.

Answers are bounded, and parsed by the standard library only after all that XML-RPC does not need has been refused:
declarations of a document type or of entities, and other encodings than UTF-8, in which those could hide.
"""

import re
import xmlrpc.client
from dataclasses import dataclass
from typing import Any, Final
from xml.parsers.expat import ExpatError

from packaging.utils import canonicalize_name

from witness.errors import FetchFailed, Malformed
from witness.fetch import Poster
from witness.limits import MIB
from witness.names import PROJECT

FULL: Final = 50_000  # rows: PyPI's bound for one answer
_MAX_ANSWER: Final = 64 * MIB
_MAX_NAME: Final = 200
_MAX_SERIAL: Final = 2**53 - 1
_PROLOG: Final = re.compile(
    rb"""(?:<\?xml version=(?:'1\.0'|"1\.0")(?:\s+encoding=(?:'utf-8'|"utf-8"))?\s*\?>)?\s*<methodResponse>""",
    re.IGNORECASE,
)
_ROW: Final = 5  # name, version, time, action, serial


@dataclass(frozen=True, slots=True)
class Since:
    """The projects that changed, by normalised name, the last serial, and whether there is more to ask for."""

    projects: frozenset[str]
    serial: int
    more: bool


@dataclass(frozen=True, slots=True)
class Changelog:
    """The changelog at `url`. Methods raise FetchFailed for no answer, and Malformed for one that is none."""

    url: str
    poster: Poster

    def last(self) -> int:
        """The serial of the last change."""
        return _serial(self._ask("changelog_last_serial"))

    def since(self, serial: int) -> Since:
        """What changed after `serial`."""
        rows = self._ask("changelog_since_serial", serial)
        if not isinstance(rows, list):
            raise Malformed("the index's changelog is not a list")
        last, projects = serial, set[str]()
        for row in rows:
            name, at = _row(row)
            projects.add(name)
            last = max(last, at)
        return Since(frozenset(projects), last, len(rows) >= FULL and last > serial)

    def _ask(self, method: str, *arguments: int) -> Any:
        body = xmlrpc.client.dumps(arguments, method).encode()
        answer = self.poster.post(self.url, body, limit=_MAX_ANSWER, kind="text/xml")
        if answer.status != 200:
            raise FetchFailed(f"the index's changelog: the server answered {answer.status}")
        return parse_answer(answer.body)


def parse_answer(body: bytes) -> Any:
    """The one value of an XML-RPC response. Raises Malformed, for a fault too."""
    if not _PROLOG.match(body) or b"<!" in body:
        raise Malformed("the index's changelog: not a response of XML-RPC in UTF-8")
    try:
        values, _ = xmlrpc.client.loads(body)
    except xmlrpc.client.Fault as fault:
        raise Malformed(f"the index's changelog: {str(fault.faultString)[:200]}") from None
    except (
        xmlrpc.client.Error,
        ExpatError,
        ValueError,
        TypeError,
        LookupError,
        ArithmeticError,
        AttributeError,
    ) as error:
        raise Malformed(f"the index's changelog: {type(error).__name__}") from None
    if len(values) != 1:
        raise Malformed("the index's changelog: not one value")
    return values[0]


def _row(row: object) -> tuple[str, int]:
    if not isinstance(row, list) or len(row) != _ROW or not isinstance(row[0], str):
        raise Malformed("the index's changelog: not a row of name, version, time, action and serial")
    name = row[0]
    if len(name) > _MAX_NAME or not PROJECT.fullmatch(name):
        raise Malformed("the index's changelog: not the name of a project")
    return canonicalize_name(name), _serial(row[4])


def _serial(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= _MAX_SERIAL:
        raise Malformed("the index's changelog: not a serial")
    return value
