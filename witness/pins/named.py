"""A file on PyPI by its name alone, as a pin: its digest is what the user's own index says (Simple API, PEP 691).

Only that index is asked, which learns the name as it does when the file is installed.
"""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from witness.canonical import loads
from witness.digest import SHA256_HEX
from witness.errors import FetchFailed, InputError, Malformed, NotFound
from witness.escape import printable
from witness.fetch import Fetcher, shown
from witness.limits import MIB
from witness.names import SdistName, WheelName
from witness.pins.pin import Origin, Pin, Unpinned
from witness.pins.public import is_address

_JSON: Final = "application/vnd.pypi.simple.v1+json"
_MAX_PAGE: Final = 64 * MIB
_EXAMPLE: Final = "For example pypi:demo-1.0-py3-none-any.whl."


@dataclass(frozen=True, slots=True)
class NamedFiles:
    """Looks files up by name. Args: endpoint: the index's base URL, ending with a slash."""

    endpoint: str
    fetcher: Fetcher

    def find(self, filename: str) -> Pin | Unpinned:
        """The pin of `filename`.

        Raises:
            InputError: not a distribution's file name, or the index has no such file, or no SHA-256 of it.
            FetchFailed: the index does not answer as an index does.
        """
        origin = Origin(f"pypi:{filename}")
        name = _parse(filename)
        if isinstance(name, SdistName):
            return Unpinned(filename, "not-applicable", "not a wheel", origin)
        digest = self._digest(name)
        return Pin(name.project, str(name.version), frozenset({digest}), origin, filename)

    def _digest(self, name: WheelName) -> str:
        if not is_address(self.endpoint):
            hint = "Name one that speaks HTTP with WHEELWITNESS_INDEX, or give the file itself."
            raise InputError(f"{shown(self.endpoint)}: not the address of an index", hint=hint)
        url = f"{self.endpoint}{quote(name.project)}/"
        try:
            page = self.fetcher.get(url, limit=_MAX_PAGE, accept=_JSON).body
        except NotFound:
            raise InputError(f"pypi:{name.filename}: the index has no project {name.project}") from None
        files = [file for file in _files(page, url) if file.get("filename") == name.filename]
        if not files:
            hint = "Check the name, letter by letter; it is that of one file, not of a release."
            raise InputError(f"pypi:{name.filename}: the index has no such file", hint=hint)
        hashes = files[0].get("hashes")
        digest = hashes.get("sha256") if isinstance(hashes, dict) else None
        if len(files) > 1 or not isinstance(digest, str) or not SHA256_HEX.fullmatch(digest):
            raise InputError(f"pypi:{name.filename}: the index has no single SHA-256 of it")
        return digest


def _parse(filename: str) -> WheelName | SdistName:
    try:
        return WheelName.parse(filename) if filename.endswith(".whl") else SdistName.parse(filename)
    except Malformed as error:
        raise InputError(f"pypi:{printable(str(error))}", hint=_EXAMPLE) from None


def _files(page: bytes, url: str) -> list[dict[str, Any]]:
    try:
        value = loads(page, what="the index's page", limit=_MAX_PAGE)
    except Malformed as error:
        raise FetchFailed(f"{shown(url)}: {printable(str(error), limit=200)}") from None
    files = value.get("files") if isinstance(value, dict) else None
    if not isinstance(files, list) or not all(isinstance(file, dict) for file in files):
        raise FetchFailed(f"{shown(url)}: not a project's page in JSON (PEP 691)")
    return files
