"""Where OSS Rebuild's bundles come from: a site with the layout of its bucket, or a copy of it in a directory.

    pypi/<project>/<version>/<file name>/rebuild.intoto.jsonl

They are asked for by the name of the file, and not by its digest; a prefix of names cannot be asked for. As with an
`ObservationSource`, nothing is verified here.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import quote

from witness.errors import FetchFailed, Malformed, NotFound
from witness.escape import printable
from witness.fetch import Fetcher
from witness.limits import MAX_REBUILD_BUNDLE
from witness.names import WheelName

_FILE: Final = "rebuild.intoto.jsonl"
_NOTHING: Final = "has published nothing about it, which says nothing"


class RebuildSource(Protocol):
    """Looks up what one instance of OSS Rebuild published about one file. Safe to use from several threads."""

    def bundle(self, filename: str) -> bytes:
        """The bundle about the wheel `filename`, unverified, of at most `limits.MAX_REBUILD_BUNDLE` bytes.

        Raises:
            NotFound: there is none, or nobody was asked; the error says which.
            FetchFailed: the site could not be asked, or served more than the limit allows.
        """


@dataclass(frozen=True, slots=True)
class HttpRebuilds:
    """A `RebuildSource` over the files at `url`, which learns the name of every wheel that is asked about."""

    url: str
    fetcher: Fetcher

    def bundle(self, filename: str) -> bytes:
        path = "/".join(quote(part, safe="") for part in path_of(filename))
        try:
            return self.fetcher.get(f"{self.url.rstrip('/')}/{path}", limit=MAX_REBUILD_BUNDLE).body
        except NotFound:
            raise NotFound(_NOTHING) from None


@dataclass(frozen=True, slots=True)
class DirectoryRebuilds:
    """A `RebuildSource` over a directory."""

    root: Path

    def bundle(self, filename: str) -> bytes:
        path = self.root.joinpath(*path_of(filename))
        if not self.root.is_dir():
            raise FetchFailed(f"{printable(str(self.root))}: no such directory")
        try:
            with path.open("rb") as file:
                data = file.read(MAX_REBUILD_BUNDLE + 1)
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound(_NOTHING) from None
        except OSError as error:
            raise FetchFailed(f"{printable(str(path))}: {error.strerror}") from None
        if len(data) > MAX_REBUILD_BUNDLE:
            raise FetchFailed(f"{printable(str(path))}: more than the {MAX_REBUILD_BUNDLE} bytes allowed")
        return data


@dataclass(frozen=True, slots=True)
class NotAsked:
    """A `RebuildSource` that asks nobody, and says why."""

    reason: str

    def bundle(self, filename: str) -> bytes:
        del filename
        raise NotFound(self.reason)


def path_of(filename: str) -> tuple[str, ...]:
    """Where the bundle about the wheel `filename` is, in components.

    Raises:
        NotFound: it is not the name of a wheel, and so of nothing that is asked about.
    """
    try:
        name = WheelName.parse(filename)
    except Malformed:
        raise NotFound("is asked about wheels alone") from None
    return "pypi", name.project, filename.split("-")[1], filename, _FILE
