"""What a page of an index lists, as far as a proxy has to understand it; the rest stays in the page. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

from witness.digest import SHA256_HEX
from witness.limits import MIB

MAX_PAGE: Final = 64 * MIB
MAX_FILES: Final = 100_000


@dataclass(frozen=True, slots=True)
class Listed:
    """A file of a page. `url` is absolute and has no fragment; `sha256` is empty where the page has no usable one."""

    filename: str
    url: str
    sha256: str

    @property
    def flaw(self) -> str:
        """Why the file cannot be offered whatever anyone says of it; empty if it can.

        pip takes a file's name from the address, uv from the page: they must be one.
        """
        try:
            parts = urlsplit(self.url)
        except ValueError:
            return "its address cannot be read"
        if parts.scheme not in ("http", "https") or not parts.netloc:
            return "its address is not one of the web"
        if unquote(parts.path.rpartition("/")[2]) != self.filename:
            return "its address ends in another name"
        return ""


Linker = Callable[[Listed], str]


class ListedPage(Protocol):
    """A page of one project as the index served it."""

    @property
    def files(self) -> tuple[Listed, ...]:
        """Everything that it lists, in its order."""

    def as_json(self, kept: Sequence[bool], link: Linker, about: dict[str, object]) -> bytes | None:
        """The page in JSON with the files that are `kept`, and `about` the filtering; None if it was served in HTML."""

    def as_html(self, kept: Sequence[bool], link: Linker, notes: Sequence[str]) -> bytes:
        """The page in HTML with the files that are `kept`, and `notes` as text below them."""


def usable(sha256: object) -> str:
    """`sha256` if it is one in lower-case hex, else an empty text."""
    return sha256 if isinstance(sha256, str) and SHA256_HEX.fullmatch(sha256) else ""
