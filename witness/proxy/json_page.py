"""A page in JSON (PEP 691, 700, 708, 714, 740, 792), filtered without a model: what we do not know stays in it.

What changes: files are left out, addresses become absolute, `hashes` keeps its sha256 alone, and a fragment is taken
off an address. pip takes a file if any of the hashes that are named fits: another one beside the sha256 that was judged
would let another file in.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urldefrag, urljoin

from witness.canonical import loads
from witness.errors import Malformed
from witness.proxy.listing import MAX_FILES, MAX_PAGE, Linker, Listed, usable
from witness.proxy.markup import document, element

ABOUT: Final = "_wheelwitness"  # PEP 700 leaves keys that begin with an underscore to servers
_METADATA: Final = ("core-metadata", "dist-info-metadata")


@dataclass(frozen=True, slots=True)
class JsonPage:
    """See `ListedPage`. `value` is the document, of which `files` are read; `url` is where it was."""

    value: Mapping[str, Any]
    url: str
    files: tuple[Listed, ...]

    def as_json(self, kept: Sequence[bool], link: Linker, about: dict[str, object]) -> bytes:
        files = [
            {**entry, **self._changed(entry, listed, link)}
            for entry, listed, stays in zip(self.value["files"], self.files, kept, strict=True)
            if stays
        ]
        page = {**self.value, "files": files, ABOUT: about}
        return json.dumps(page, ensure_ascii=False, separators=(",", ":")).encode()

    def as_html(self, kept: Sequence[bool], link: Linker, notes: Sequence[str]) -> bytes:
        anchors = (
            element("a", list(self._attributes(entry, listed, link)), listed.filename) + "<br>"
            for entry, listed, stays in zip(self.value["files"], self.files, kept, strict=True)
            if stays
        )
        below = (element("p", [], note) for note in notes)
        return document(f"Links for {self.value['name']}", _metas(self.value), (*anchors, *below))

    def _changed(self, entry: Mapping[str, Any], listed: Listed, link: Linker) -> dict[str, Any]:
        changed: dict[str, Any] = {"url": link(listed)}
        if listed.sha256:
            changed["hashes"] = {"sha256": listed.sha256}
        if isinstance(entry.get("provenance"), str):
            changed["provenance"] = urljoin(self.url, entry["provenance"])
        return changed

    def _attributes(
        self, entry: Mapping[str, Any], listed: Listed, link: Linker
    ) -> Iterator[tuple[str, str]]:
        yield "href", link(listed) + (f"#sha256={listed.sha256}" if listed.sha256 else "")
        if isinstance(python := entry.get("requires-python"), str):
            yield "data-requires-python", python
        if (yanked := entry.get("yanked")) not in (None, False):
            yield "data-yanked", yanked if isinstance(yanked, str) else ""
        if isinstance(signed := entry.get("gpg-sig"), bool):
            yield "data-gpg-sig", "true" if signed else "false"
        if isinstance(provenance := entry.get("provenance"), str):
            yield "data-provenance", urljoin(self.url, provenance)
        metadata = next((entry[key] for key in _METADATA if key in entry), None)
        if metadata not in (None, False):
            text = "true"
            if isinstance(metadata, dict) and usable(metadata.get("sha256")):
                text = f"sha256={metadata['sha256']}"
            yield from ((f"data-{key}", text) for key in _METADATA)


def parse(body: bytes, url: str) -> JsonPage:
    """The page in `body`, which was served at `url`. Raises Malformed for what is not one of version 1."""
    value = loads(body, what="the index's page", limit=MAX_PAGE)
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise Malformed("the index's page: not a project's page in JSON (PEP 691)")
    meta = value.get("meta")
    version = meta.get("api-version") if isinstance(meta, dict) else None
    if not isinstance(version, str) or version.partition(".")[0] != "1":
        raise Malformed(f"the index's page: its api-version is not 1.x: {str(version)[:20]!r}")
    entries = value.get("files")
    if not isinstance(entries, list) or len(entries) > MAX_FILES:
        raise Malformed("the index's page: no list of files, or one that is too long")
    return JsonPage(value, url, tuple(_listed(entry, url) for entry in entries))


def _listed(entry: object, url: str) -> Listed:
    if not isinstance(entry, dict):
        raise Malformed("the index's page: a file that is no object")
    filename, address, hashes = entry.get("filename"), entry.get("url"), entry.get("hashes")
    if not isinstance(filename, str) or not isinstance(address, str) or not isinstance(hashes, dict):
        raise Malformed("the index's page: a file without its name, address or hashes")
    try:
        absolute = urldefrag(urljoin(url, address)).url
    except ValueError:
        absolute = ""
    return Listed(filename, absolute, usable(hashes.get("sha256")))


def _metas(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    meta, status = value["meta"], value.get("project-status")
    yield "pypi:repository-version", meta["api-version"]
    for name, found in (
        ("pypi:tracks", meta.get("tracks")),
        ("pypi:alternate-locations", value.get("alternate-locations")),
    ):
        for item in found if isinstance(found, list) else ():
            if isinstance(item, str):
                yield name, item
    if isinstance(status, dict):
        for key, name in (("status", "pypi:project-status"), ("reason", "pypi:project-status-reason")):
            if isinstance(status.get(key), str):
                yield name, status[key]
