"""METADATA from the PKG-INFO of the sdist: the same, the same under the rules of level `metadata`, or as setuptools
and wheel made the one from the other before PKG-INFO held the requirements (docs/explanation/static.md).
"""

import io
import re
import textwrap
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import HeaderParser
from itertools import islice
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from rebuilders.static.sources import Sources
from witness.compare.rules.catalogue import equate
from witness.errors import Malformed
from witness.wheel.reader import Wheel, read_wheel

MAX_METADATA: Final = 4 * 1024 * 1024
_MAX_REQUIREMENTS: Final = 5000
_SECTION: Final = re.compile(r"\[([^\[\]:]*)(?::(.*))?\]")
# Fields that a tool may write anew into a wheel, whatever the sdist's say (PEP 643 speaks of the others).
_OF_THE_TOOL: Final = frozenset({"metadata-version", "dynamic", "requires-dist", "provides-extra"})
_VERSIONS: Final = ("1.0", "1.1", "1.2", "2.0", "2.1", "2.2", "2.3", "2.4", "2.5")
# Fields of which installers make something: where they are not Dynamic, a wheel has those of its sdist (PEP 643).
_BINDING: Final = ("requires-dist", "requires-python", "provides-extra")
_ONCE: Final = ("metadata-version", "name", "version", "requires-python", "description")
_SINCE: Final = (2, 2)


def metadata_follows(wheel: Wheel, metadata: bytes, sources: Sources) -> str:
    """How METADATA follows from the sdist: a rule's id and what it rests on, or nothing."""
    pkg_info = pkg_info_of(sources)
    if pkg_info is None:
        return ""
    if pkg_info == metadata:
        return "PKG-INFO"
    if pkg_info.replace(b"\r\n", b"\n") == metadata.replace(b"\r\n", b"\n"):
        return "PKG-INFO, with other line ends" if b"\r" not in pkg_info.replace(b"\r\n", b"") else ""
    if rule := _equated(wheel, pkg_info):
        return f"PKG-INFO, by {rule}"
    requires = sources.egg_text("requires.txt")
    return "PKG-INFO and requires.txt" if _converted(metadata, pkg_info, requires or b"") else ""


def contradicts(metadata: bytes, sources: Sources) -> bool:
    """Whether METADATA has another value of a field that the sdist's PKG-INFO fixes for every wheel (PEP 643)."""
    pkg_info = pkg_info_of(sources)
    if pkg_info is None:
        return False
    ours, theirs = _fields(metadata), _fields(pkg_info)
    if ours is None or theirs is None:
        return False
    version = re.fullmatch(r"(\d{1,3})\.(\d{1,3})", theirs["Metadata-Version"] or "")
    if version is None or (int(version[1]), int(version[2])) < _SINCE:
        return False
    dynamic = {str(value).casefold() for value in theirs.get_all("Dynamic", [])}
    return any(_values(ours, name) != _values(theirs, name) for name in _BINDING if name not in dynamic)


def pkg_info_of(sources: Sources) -> bytes | None:
    """The PKG-INFO at the sdist's top."""
    member = sources.sdist.facts.members.get("PKG-INFO")
    if member is None or member.size > MAX_METADATA:
        return None
    return bytes(sources.sdist.content("PKG-INFO"))


def _values(message: Message, name: str) -> frozenset[str] | None:
    texts = (str(value) for value in message.get_all(name, []))
    if name == "provides-extra":
        return frozenset(map(canonicalize_name, texts))
    if name != "requires-dist":
        return frozenset("".join(text.split()) for text in texts)
    return _requirements(texts)


def _requirements(texts: Iterator[str]) -> frozenset[str] | None:
    found = tuple(islice(texts, _MAX_REQUIREMENTS + 1))
    if len(found) > _MAX_REQUIREMENTS:
        return None
    try:
        return frozenset(map(_requirement, found))
    except (
        InvalidRequirement,
        ValueError,
        RecursionError,
    ):  # of nested markers, and of numbers too long for int
        return None


def _requirement(text: str) -> str:
    """The requirement in one form, whichever tool wrote it (PEP 508, PEP 503, PEP 685)."""
    read = Requirement(text)
    extras = ",".join(sorted(map(canonicalize_name, read.extras)))
    marker = re.sub(
        r"""(extra == )"([^"]*)\"""",
        lambda found: f'{found[1]}"{canonicalize_name(found[2])}"',
        str(read.marker or ""),
    )
    return f"{canonicalize_name(read.name)}[{extras}]{read.specifier}@{read.url or ''};{marker}"


def _equated(wheel: Wheel, pkg_info: bytes) -> str:
    """The rules of witness.compare that equate the wheel's METADATA and `pkg_info`."""
    path = f"{wheel.dist_info}/METADATA"
    plain = io.BytesIO()
    with zipfile.ZipFile(plain, "w") as archive:
        info = zipfile.ZipInfo(path)
        info.external_attr = 0o100644 << 16
        archive.writestr(info, pkg_info)
    try:
        uses = equate(wheel, read_wheel(plain.getvalue()), path)
    except Malformed:
        return ""
    return " and ".join(use.rule.id for use in uses)


# --- as bdist_wheel made METADATA of PKG-INFO and requires.txt ---------------------------------------------------


def _converted(metadata: bytes, pkg_info: bytes, requires: bytes) -> bool:
    """Whether METADATA has the fields and description of `pkg_info`, and the requirements of requires.txt besides."""
    ours, theirs = _fields(metadata), _fields(pkg_info)
    if ours is None or theirs is None or not (_is_usual(ours) and _is_usual(theirs)):
        return False
    told = theirs.get_all("Requires-Dist")
    forms = (_requirements(iter(map(str, told))),) if told else _required(requires)
    wanted = _values(ours, "requires-dist")
    if wanted is None or wanted not in forms:
        return False
    extras = _values(theirs, "provides-extra") or _extras(requires)
    if _values(ours, "provides-extra") != extras:
        return False
    return _plain_fields(ours) == _plain_fields(theirs) and _description(ours) == _description(theirs)


def _is_usual(message: Message) -> bool:
    """Whether the fields that are left to the tool say what tools say, and nothing that an installer acts on."""
    dynamic = {str(value).strip().casefold() for value in message.get_all("Dynamic", [])}
    return message.get("Metadata-Version") in _VERSIONS and not dynamic & {"name", "version"}


def _fields(data: bytes) -> Message | None:
    """The message in `data`; None if two readers might see other fields in it."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return None
    head = text.replace("\r\n", "\n").partition("\n\n")[0]
    if head.split("\n") != head.splitlines() and head.removesuffix("\n").split("\n") != head.splitlines():
        return None
    message = HeaderParser().parsestr(text)
    twice = any(len(message.get_all(name, [])) > 1 for name in _ONCE)
    return None if message.defects or twice else message


def _plain_fields(message: Message) -> list[tuple[str, str]]:
    """All fields but those that tools write anew, in one order; UNKNOWN stands for nothing."""
    rows = (
        (name.casefold(), _plain_value(name.casefold(), " ".join(str(value).split())))
        for name, value in message.items()
        if name.casefold() not in (*_OF_THE_TOOL, "description", "license-file")
    )
    return sorted(row for row in rows if row[1] != "UNKNOWN")


def _plain_value(name: str, value: str) -> str:
    return canonicalize_name(value) if name == "name" else value


def _description(message: Message) -> str:
    """The description, whether it is a folded field (metadata 1) or stands below the fields (metadata 2.1)."""
    folded = message.get("Description")
    below = str(message.get_payload())
    if folded is not None and below.strip():
        return f"{folded}\0{below}"  # readers would differ about which of the two it is
    text = below if folded is None else _unfolded(str(folded))
    text = text.replace("\r\n", "\n").strip("\n").strip()
    return "" if text == "UNKNOWN" else text


def _unfolded(text: str) -> str:
    first, *lines = text.replace("\r\n", "\n").split("\n")
    if lines and all(line.startswith("       |") for line in lines):
        return "\n".join((first, *(line[8:] for line in lines)))
    return "\n".join((first.lstrip(), textwrap.dedent("\n".join(lines))))


def _required(requires: bytes) -> tuple[frozenset[str] | None, ...]:
    """The requirements in a requires.txt of setuptools as Requires-Dist would have them, in the two ways to write
    the condition of an extra: in parentheses, or in such only where that matters.
    """
    try:
        text = requires.decode("utf-8")
        return tuple(_requirements(_lines_required(text, always)) for always in (False, True))
    except (InvalidRequirement, UnicodeDecodeError):
        return ()


def _lines_required(text: str, always: bool) -> Iterator[str]:  # noqa: FBT001
    extra, condition = "", ""
    for line in filter(None, map(str.strip, text.split("\n"))):
        if section := _SECTION.fullmatch(line):
            extra, condition = section[1], section[2] or ""
            continue
        requirement, _, marker = line.partition(";")
        if marker:
            raise InvalidRequirement(line)  # setuptools writes markers as sections
        grouped = condition and extra and (always or " or " in condition)
        parts = [f"({condition})" if grouped else condition]
        parts.append(f'extra == "{canonicalize_name(extra)}"' if extra else "")
        told = " and ".join(filter(None, parts))
        yield f"{requirement} ; {told}" if told else requirement


def _extras(requires: bytes) -> frozenset[str]:
    found = (_SECTION.fullmatch(line.strip()) for line in requires.decode("utf-8", "replace").split("\n"))
    return frozenset(canonicalize_name(section[1]) for section in found if section and section[1])
