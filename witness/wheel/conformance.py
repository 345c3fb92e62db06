"""What a published wheel gets wrong about itself: findings that are told and signed with a comparison. Pure.

Two weights. An *ambiguity* (witness.wheel.ambiguity, paths, layout) lets two readers of one file see different wheels,
so that such a wheel equals nothing but its own bytes. A *flaw*, which is what this module finds, is in the content of
members: whoever reads two wheels of equal members reads the same flaw in both, so that it takes nothing from the levels
`bitwise` and `archive`. It is recorded for the consumer to see; docs/adr/0018 says which is which, and why.
"""

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final

from packaging.tags import Tag, parse_tag
from packaging.utils import canonicalize_name
from packaging.version import Version

from witness.errors import Malformed
from witness.limits import MIB
from witness.names import WheelName
from witness.wheel.entry import Finding
from witness.wheel.headers import MULTIPLE, Headers, read_headers
from witness.wheel.paths import is_device
from witness.wheel.reader import Wheel
from witness.wheel.record import record_findings

_MAX_HEADERS: Final = 4 * MIB
_MAX_TAGS: Final = 500
_MAX_NAME: Final = 255
_PART: Final = r"\w+(?:\.\w+){0,19}"
_TAG: Final = re.compile(rf"{_PART}-{_PART}-{_PART}", re.ASCII)
_BUILD: Final = re.compile(r"(\d{1,99})(.*)", re.ASCII)
_SCHEMES: Final = frozenset({"purelib", "platlib", "headers", "scripts", "data"})
_INSTALLERS: Final = (
    "INSTALLER",
    "REQUESTED",
    "direct_url.json",
)  # PEP 376, PEP 610: an installer writes these
_MIME: Final = frozenset(
    {"content-type", "content-transfer-encoding", "mime-version"}
)  # `email` acts on them


def conformance(wheel: Wheel, name: WheelName | None = None) -> tuple[Finding, ...]:
    """The flaws of `wheel`, held against its file `name` where that is known; each once, in a fixed order."""
    found = chain(
        _about_paths(wheel),
        _about_dist_info(wheel, name),
        _about_wheel(wheel, name),
        _about_metadata(wheel, name),
        sorted(record_findings(wheel), key=lambda finding: (finding.kind, finding.path)),
    )
    return tuple(dict.fromkeys(found))


def _about_paths(wheel: Wheel) -> Iterator[Finding]:
    data = f"{wheel.dist_info.removesuffix('.dist-info')}.data"
    for path in wheel.members:
        if is_device(path):
            yield Finding(path, "device-name")
        parts = path.split("/")
        if not parts[0].endswith(".data") or len(parts) == 1:
            continue
        if parts[0] != data:
            yield Finding(path, "data-of-another-name")
        elif parts[1] not in _SCHEMES or len(parts) == 2:
            yield Finding(path, "data-without-scheme")
        elif len(parts) > 3 and parts[2].endswith((".dist-info", ".egg-info")):
            yield Finding(path, "second-dist-info")


def _about_dist_info(wheel: Wheel, name: WheelName | None) -> Iterator[Finding]:
    if name is not None and _of_dist_info(wheel) != (name.project, name.version):
        yield Finding(wheel.dist_info, "dist-info-of-another-release")
    for written in _INSTALLERS:
        if f"{wheel.dist_info}/{written}" in wheel.members:
            yield Finding(f"{wheel.dist_info}/{written}", "written-by-installer")


def _about_wheel(wheel: Wheel, name: WheelName | None) -> Iterator[Finding]:
    path = f"{wheel.dist_info}/WHEEL"
    headers, kind = _headers(wheel, path)
    if headers is None:
        yield Finding(path, f"wheel-{kind}")
        return
    kinds = [f"wheel-{fault}" for fault in headers.faults]
    single = ("wheel-version", "generator", "root-is-purelib", "build")
    if any(len(headers.values(field)) > 1 for field in single):
        kinds.append("wheel-field-repeated")
    if not all(value.split(".")[0] == "1" for value in headers.values("wheel-version") or ("",)):
        kinds.append("wheel-unknown-version")
    if any(v.lower() not in ("true", "false") for v in headers.values("root-is-purelib") or ("",)):
        kinds.append("wheel-root-is-purelib")
    kinds += _about_tags(headers, name)
    yield from (Finding(path, kind) for kind in kinds)


def _about_tags(headers: Headers, name: WheelName | None) -> Iterator[str]:
    texts = headers.values("tag")
    tags = _tags(texts)
    if tags is None:
        yield "wheel-without-tags" if not texts else "wheel-malformed-tag"
    elif name is not None and tags != name.tags:
        yield "wheel-tags-differ"
    if name is not None and _build(headers) != name.build:
        yield "wheel-build-differs"


def _build(headers: Headers) -> str:
    """The build tag as `WheelName` has it."""
    (told, *_) = headers.values("build") or ("",)
    found = _BUILD.fullmatch(told)
    return f"{int(found[1])}{found[2]}" if found else told


def _tags(texts: tuple[str, ...]) -> frozenset[Tag] | None:
    """The set that the tags stand for, compressed ones expanded; None if they stand for none."""
    if not 0 < len(texts) <= _MAX_TAGS or not all(map(_TAG.fullmatch, texts)):
        return None
    try:
        return frozenset(chain.from_iterable(map(parse_tag, texts)))
    except ValueError:  # a part that is no identifier
        return None


def _about_metadata(wheel: Wheel, name: WheelName | None) -> Iterator[Finding]:
    path = f"{wheel.dist_info}/METADATA"
    headers, kind = _headers(wheel, path)
    if headers is None:
        yield Finding(path, f"metadata-{kind}")
        return
    kinds = [f"metadata-{fault}" for fault in headers.faults]
    names = headers.names
    if len([field for field in names if field not in MULTIPLE]) != len(set(names) - MULTIPLE):
        kinds.append("metadata-field-repeated")
    if not {"metadata-version", "name", "version"} <= set(names):
        kinds.append("metadata-field-missing")
    if _MIME & set(names):
        kinds.append("metadata-mime-field")
    project, version = ((headers.values(field) or ("",))[0] for field in ("name", "version"))
    own = (name.project, name.version) if name else _of_dist_info(wheel)
    if own is None or _release(project, version) != own:
        kinds.append("metadata-of-another-release")
    yield from (Finding(path, kind) for kind in kinds)


def _headers(wheel: Wheel, path: str) -> tuple[Headers | None, str]:
    """The fields of the member at `path`; or None, and the kind of what is wrong with it."""
    if path not in wheel.members:
        return None, "missing"
    try:
        return read_headers(wheel.read(path, limit=_MAX_HEADERS)), ""
    except Malformed:
        return None, "too-large"


def _of_dist_info(wheel: Wheel) -> tuple[str, Version] | None:
    project, _, version = wheel.dist_info.removesuffix(".dist-info").rpartition("-")
    return _release(project, version)


def _release(project: str, version: str) -> tuple[str, Version] | None:
    """Project and version in the form that is the same for every spelling; None if they are none."""
    if len(project) > _MAX_NAME or len(version) > _MAX_NAME:
        return None
    for text in (version, version.replace("_", "+", 1)):  # older tools wrote a local version's + as _
        try:
            return canonicalize_name(project), Version(text)
        except ValueError:  # InvalidVersion, or a number too long for int
            continue
    return None
