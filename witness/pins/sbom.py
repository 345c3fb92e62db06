"""SBOMs in JSON: CycloneDX 1.4 to 1.6, and SPDX 2.3.

Counted is what a package URL of type `pypi` names. A SHA-256 stands for a file; where the SBOM does not say for which,
all those of a component make one pin. A component without one is an error: the lock file that the SBOM was made from
will have it. What the SBOM itself is about (`metadata.component` of CycloneDX, and in SPDX what the document describes,
unless that has a package URL) is not a component.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from witness.errors import Malformed
from witness.escape import printable
from witness.limits import MIB
from witness.pins.addresses import last_part
from witness.pins.document import MAX_ENTRIES, Document, Table
from witness.pins.public import is_address
from witness.pins.purl import PackageUrl
from witness.pins.release import Locked, LockedFile, Release, digest_of, release_of, version_of

CYCLONEDX: Final = ("1.4", "1.5", "1.6")
SPDX: Final = ("SPDX-2.3",)
_PACKAGES: Final = ("library", "application", "framework")
_SEARCHED: Final = MIB  # bytes in which a name is looked for, to tell its line
_UNSAID: Final = ("", "NOASSERTION", "NONE")


@dataclass(slots=True)
class _Others:
    """How many components were left out, by kind."""

    counts: Counter[str] = field(default_factory=Counter)

    def notes(self, document: Document) -> tuple[str, ...]:
        return tuple(
            f"{document.name}: left out: {count} of kind {printable(kind, limit=40)}, not from PyPI"
            for kind, count in sorted(self.counts.items())
        )


def parse_cyclonedx(document: Document) -> Locked:
    """The releases of a CycloneDX document. Raises InputError."""
    top = document.top
    version = top.text("specVersion")
    if version not in CYCLONEDX:
        raise top.refuse(
            "specVersion", f"this program reads {', '.join(CYCLONEDX)}, not {printable(version)}"
        )
    others = _Others()
    releases = [release for table in _components(top) if (release := _component(table, others)) is not None]
    if len(releases) > MAX_ENTRIES:
        raise top.refuse("components", f"more than the {MAX_ENTRIES} entries allowed")
    return Locked(version, tuple(releases), others.notes(document))


def parse_spdx(document: Document) -> Locked:
    """The releases of an SPDX document. Raises InputError."""
    top = document.top
    version = top.text("spdxVersion")
    if version not in SPDX:
        raise top.refuse("spdxVersion", f"this program reads {', '.join(SPDX)}, not {printable(version)}")
    others = _Others()
    about = _described(top)
    releases = [
        release for table in top.tables("packages") if (release := _package(table, about, others)) is not None
    ]
    return Locked(version.removeprefix("SPDX-"), tuple(releases), others.notes(document))


def _components(table: Table) -> Iterator[Table]:
    for component in table.tables("components"):
        yield component
        yield from _components(component)


def _component(table: Table, others: _Others) -> Release | None:
    kind, text = table.text("type", "library"), table.text("purl", "")
    if not text and kind not in _PACKAGES:
        others.counts[kind] += 1
        return None
    if not text:
        return _unknown(table)
    placed = Table(table.document, table.value, table.at_purl(text), table.path)
    purl = _purl(placed, text)
    if purl.type != "pypi":
        others.counts[purl.type] += 1
        return None
    return _release(placed, purl, _distributions(placed, purl))


def _distributions(table: Table, purl: PackageUrl) -> Iterator[LockedFile]:
    yield from _files(table, table, purl.qualifiers.get("file_name", ""), _sources(purl, ""))
    for reference in table.tables("externalReferences"):
        if reference.text("type") == "distribution":
            url = reference.text("url")
            yield from _files(table, reference, _file_name(url), _sources(purl, url))


def _files(table: Table, holder: Table, name: str, sources: tuple[str, ...]) -> Iterator[LockedFile]:
    """The files whose hashes `holder` has. Several of them are the release's, of which no name is told."""
    hashes = _hashes(holder, "hashes", "alg", "content", "SHA-256")
    for digest in hashes:
        yield LockedFile(name if len(hashes) == 1 else "", digest, table.at_digest(digest), sources)


def _described(top: Table) -> frozenset[str]:
    """The ids of what the document is about."""
    own = top.text("SPDXID", "")
    told = (
        item.text("relatedSpdxElement", "")
        for item in top.tables("relationships")
        if item.text("relationshipType", "") == "DESCRIBES" and item.text("spdxElementId", "") == own
    )
    return frozenset((*top.texts("documentDescribes"), *told)) - {""}


def _package(table: Table, about: frozenset[str], others: _Others) -> Release | None:
    references = [
        item.text("referenceLocator")
        for item in table.tables("externalRefs")
        if item.text("referenceType") == "purl"
    ]
    if not references:
        return None if table.text("SPDXID", "") in about else _unknown(table)
    placed = Table(table.document, table.value, table.at_purl(references[0]), table.path)
    purls = [_purl(placed, text) for text in references]
    ours = [purl for purl in purls if purl.type == "pypi"]
    if not ours:
        others.counts[purls[0].type] += 1
        return None
    if len(ours) > 1:
        raise placed.refuse("externalRefs", "several package URLs of type pypi")
    purl, told = ours[0], _hashes(placed, "checksums", "algorithm", "checksumValue", "SHA256")
    if len(told) > 1:
        raise placed.refuse("checksums", "several values of SHA256")
    address = placed.text("downloadLocation", "")
    where = "" if address in _UNSAID else address
    if where and not is_address(where):
        reason = "installed from a version control system, or a path"
        return _release(placed, purl, iter(()), elsewhere=reason)
    name = placed.text("packageFileName", "") or purl.qualifiers.get("file_name", "") or _file_name(where)
    sources = _sources(purl, where)
    files = [LockedFile(last_part(name), digest, placed.at_digest(digest), sources) for digest in told]
    return _release(placed, purl, iter(files))


def _release(table: Table, purl: PackageUrl, files: Iterator[LockedFile], *, elsewhere: str = "") -> Release:
    if "vcs_url" in purl.qualifiers:
        elsewhere = "installed from a version control system"
    if not purl.version and not elsewhere:
        raise table.refuse("purl", "names no version")
    version = purl.version if elsewhere else version_of(table, purl.version)
    named = Table(table.document, {"name": purl.name, "version": version}, table.origin, table.path)
    return release_of(named, () if elsewhere else files, elsewhere=elsewhere)


def _unknown(table: Table) -> Release:
    name = table.text("name")
    if not name.strip():
        raise table.refuse("name", "empty")
    reason = "no package URL says that it is from PyPI"
    version = printable(table.text("version", ""), limit=80)
    searched = len(table.document.data) <= _SEARCHED
    origin = table.at(f'"{name}"') if searched else table.origin
    return Release(printable(name, limit=120), version, origin, elsewhere=reason)


def _purl(table: Table, text: str) -> PackageUrl:
    try:
        return PackageUrl.parse(text)
    except Malformed as error:
        raise table.refuse("purl", f"{error}: {printable(text, limit=120)}") from None


def _hashes(table: Table, key: str, algorithm: str, content: str, wanted: str) -> list[str]:
    """The SHA-256 in a list of hashes, in lower case, which neither format demands."""
    told = {item.text(content).lower() for item in table.tables(key) if item.text(algorithm) == wanted}
    return [digest_of(table, digest) for digest in sorted(told)]


def _sources(purl: PackageUrl, url: str) -> tuple[str, ...]:
    """Where it comes from, as told: without a word of it, a package URL of type pypi is PyPI's (purl-spec)."""
    told = (purl.qualifiers.get("repository_url", ""), purl.qualifiers.get("download_url", ""), url)
    return tuple(dict.fromkeys(text for text in told if text))


def _file_name(address: str) -> str:
    name = last_part(address)
    return name if name.endswith((".whl", ".tar.gz", ".zip")) else ""
