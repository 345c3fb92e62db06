"""A file on PyPI by its name alone, as a pin: its digest is what the user's own index says (Simple API, PEP 691).

Only that index is asked, which learns the name as it does when the file is installed.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urljoin

from witness.canonical import loads
from witness.digest import SHA256_HEX
from witness.errors import FetchFailed, InputError, Malformed, NotFound
from witness.escape import printable
from witness.fetch import Fetcher, shown
from witness.limits import MIB
from witness.names import SdistName, WheelName
from witness.pins.installed import Installed
from witness.pins.pin import Origin, Pin, Unpinned
from witness.pins.public import is_address

_JSON: Final = "application/vnd.pypi.simple.v1+json"
_MAX_PAGE: Final = 64 * MIB
_EXAMPLE: Final = "For example pypi:demo-1.0-py3-none-any.whl."


@dataclass(frozen=True, slots=True)
class NamedFiles:
    """Looks files up by name.

    Args:
        endpoint: gives the index's base URL; called when it is needed.
        fetcher: gets its pages.
        workers: how many pages are under way at once.
    """

    endpoint: Callable[[], str]
    fetcher: Fetcher
    workers: int = 8

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

    def find_all_installed(self, installed: Sequence[Installed]) -> list[Pin | Unpinned]:
        """`find_installed` of each, in order."""
        with ThreadPoolExecutor(self.workers) as pool:
            return list(pool.map(self.find_installed, installed))

    def find_installed(self, installed: Installed) -> Pin | Unpinned:
        """The pin of the wheel that `installed` came from: that of its release with the same tags.

        Raises:
            InputError: the index is none.
            FetchFailed: it does not answer as an index does.
        """
        text, origin = f"{installed.project}=={installed.version}", installed.origin
        try:
            url, page = self._page(installed.project)
        except NotFound:
            reason = "the index has no such project: it is from elsewhere, or gone"
            return Unpinned(text, "not-applicable", reason, origin)
        found = [file for file in page if _is_of(file, installed)]
        digests = frozenset(sha256 for file in found if (sha256 := _sha256(file)))
        if not digests:
            reason = "the index has no such wheel: built where it was installed, from elsewhere, or gone"
            return Unpinned(text, "not-applicable", reason, origin)
        return Pin(
            project=installed.project,
            version=installed.version,
            sha256=digests,
            origin=origin,
            filename=str(found[0]["filename"]) if len(found) == 1 else None,
            sources=tuple(dict.fromkeys(_address(url, file) for file in found)),
            record=installed.record,
        )

    def _digest(self, name: WheelName) -> str:
        try:
            _, page = self._page(name.project)
        except NotFound:
            raise InputError(f"pypi:{name.filename}: the index has no project {name.project}") from None
        files = [file for file in page if file.get("filename") == name.filename]
        if not files:
            hint = "Check the name, letter by letter; it is that of one file, not of a release."
            raise InputError(f"pypi:{name.filename}: the index has no such file", hint=hint)
        digest = _sha256(files[0])
        if len(files) > 1 or not digest:
            raise InputError(f"pypi:{name.filename}: the index has no single SHA-256 of it")
        return digest

    def _page(self, project: str) -> tuple[str, list[dict[str, Any]]]:
        """The address of a project's page, and its files."""
        endpoint = self.endpoint().rstrip("/")
        if not is_address(endpoint):
            hint = "Name one that speaks HTTP with --index or WHEELWITNESS_INDEX."
            raise InputError(f"{shown(endpoint)}: not the address of an index", hint=hint)
        url = f"{endpoint}/{quote(project)}/"
        return url, _files(self.fetcher.get(url, limit=_MAX_PAGE, accept=_JSON).body, url)


def _sha256(file: dict[str, Any]) -> str:
    """Empty if the index tells none."""
    hashes = file.get("hashes")
    digest = hashes.get("sha256") if isinstance(hashes, dict) else None
    return digest if isinstance(digest, str) and SHA256_HEX.fullmatch(digest) else ""


def _address(base: str, file: dict[str, Any]) -> str:
    told = str(file.get("url", ""))
    try:
        return urljoin(base, told)
    except ValueError:
        return told


def _is_of(file: dict[str, Any], installed: Installed) -> bool:
    try:
        name = WheelName.parse(str(file.get("filename")))
    except Malformed:
        return False
    told = (name.project, str(name.version), name.tags)
    return told == (installed.project, installed.version, installed.tags)


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
