"""A page in HTML (PEP 503, 592, 629, 658, 708, 714, 740, 792), filtered anchor by anchor.

What a client may read stays: the anchors' addresses, texts and `data-` attributes, known or not, and the `pypi:` metas.
It is written anew around them, each value escaped. The fragment of an address becomes its sha256 alone.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from witness.errors import Malformed
from witness.limits import KIB
from witness.proxy.listing import MAX_FILES, MAX_PAGE, Linker, Listed, usable
from witness.proxy.markup import document, element

_MAX_OPEN: Final = 16 * KIB  # characters of a tag or comment that nothing ends; reading on takes their square
_ATTRIBUTE: Final = re.compile(r"data-[a-z0-9-]{1,100}")


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a client reads of an anchor, but for its address."""

    attributes: tuple[tuple[str, str], ...]
    text: str


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """See `ListedPage`. `anchors` belong to `files`, one to one."""

    project: str
    metas: tuple[tuple[str, str], ...]
    anchors: tuple[Anchor, ...]
    files: tuple[Listed, ...]

    def as_json(self, kept: Sequence[bool], link: Linker, about: dict[str, object]) -> None:
        """None: what HTML does not say cannot be made up."""

    def as_html(self, kept: Sequence[bool], link: Linker, notes: Sequence[str]) -> bytes:
        anchors = []
        for anchor, listed, stays in zip(self.anchors, self.files, kept, strict=True):
            if stays:
                address = link(listed) + (f"#sha256={listed.sha256}" if listed.sha256 else "")
                anchors.append(element("a", [("href", address), *anchor.attributes], anchor.text) + "<br>")
        below = (element("p", [], note) for note in notes)
        return document(f"Links for {self.project}", self.metas, (*anchors, *below))


def parse(body: bytes, url: str, project: str) -> HtmlPage:
    """The page of `project` in `body`, which was served at `url`. Raises Malformed."""
    if len(body) > MAX_PAGE:
        raise Malformed(f"the index's page: {len(body)} bytes, more than the {MAX_PAGE} allowed")
    reader = _Reader(url)
    try:
        reader.feed(body.decode("utf-8"))
        if len(reader.rawdata) > _MAX_OPEN:
            raise Malformed("the index's page: ends within a tag or a comment")
        reader.close()
    except (UnicodeDecodeError, AssertionError) as error:
        raise Malformed(f"the index's page: not HTML in UTF-8: {error}") from None
    version = dict(reader.metas).get("pypi:repository-version", "1.0")
    if version.partition(".")[0] != "1":
        raise Malformed(f"the index's page: its version is not 1.x: {version[:20]!r}")
    return HtmlPage(project, tuple(reader.metas), tuple(reader.anchors), tuple(reader.files))


@dataclass(slots=True)
class _Open:
    address: str
    attributes: tuple[tuple[str, str], ...]
    text: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    """Gathers anchors and metas. An anchor that is not closed ends where the next one begins."""

    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.metas: list[tuple[str, str]] = []
        self.anchors: list[Anchor] = []
        self.files: list[Listed] = []
        self._base = url
        self._has_base = False
        self._open: _Open | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in reversed(attrs)}  # the first of a name counts
        if tag == "base" and "href" in named and not self._has_base:
            self._base, self._has_base = _join(self._base, named["href"]), True
        elif tag == "meta" and named.get("name", "").startswith("pypi:"):
            self.metas.append((named["name"], named.get("content", "")))
        elif tag == "a":
            self._end()
            if "href" in named:
                kept = tuple((name, named[name]) for name in reversed(named) if _ATTRIBUTE.fullmatch(name))
                self._open = _Open(named["href"], kept)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._end()

    def handle_data(self, data: str) -> None:
        if self._open is not None:
            self._open.text.append(data)

    def close(self) -> None:
        super().close()
        self._end()

    def _end(self) -> None:
        if self._open is None:
            return
        if len(self.files) >= MAX_FILES:
            raise Malformed(f"the index's page: more than {MAX_FILES} links")
        address, fragment = urldefrag(_join(self._base, self._open.address))
        self.anchors.append(Anchor(self._open.attributes, " ".join("".join(self._open.text).split())))
        self.files.append(Listed(_filename(address), address, _sha256(fragment)))
        self._open = None


def _join(base: str, address: str) -> str:
    try:
        return urljoin(base, address.strip())
    except ValueError:
        return ""


def _filename(address: str) -> str:
    try:
        return unquote(urlsplit(address).path.rpartition("/")[2])
    except ValueError:
        return ""


def _sha256(fragment: str) -> str:
    found = [part[len("sha256=") :] for part in fragment.split("&") if part.startswith("sha256=")]
    return usable(found[0]) if len(found) == 1 else ""
