"""The members of `.dist-info` and `.data` one by one: from what each follows, or why it does not.

A row of `RULES` is for the members whose path below `.dist-info` its pattern matches, the first row that does; it has
the id of a rule with its version, and a function that says from what the member follows. What no row is for does not
follow. The ids are signed with an observation: a rule that changes gets another version.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from functools import cached_property
from typing import Final

from packaging.tags import Tag, parse_tag
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from rebuilders.static.declared import Declared
from rebuilders.static.entry_points import parse_entry_points
from rebuilders.static.metadata import MAX_METADATA, metadata_follows
from rebuilders.static.namespaces import is_namespace_file
from rebuilders.static.places import Files, Open
from rebuilders.static.sources import Sources
from witness.compare.rules.record import records_hold
from witness.names import WheelName
from witness.wheel.manifest import Member
from witness.wheel.reader import Wheel

_MAX_TEXT: Final = 1024 * 1024
_LICENSE: Final = re.compile(r"(?:licen[cs]e|copying|notice|authors)[^/]*", re.IGNORECASE)
_SCRIPT_PATH: Final = re.compile(r"(?<![\w./-])(?:scripts|bin)/[\w.+-]{1,100}")
_MAX_LINE: Final = 1000
_PYTHON: Final = re.compile(
    rb"#!.*python[0-9.]*(?=[ \t\r\n]|$)[^\r\n]*"
)  # as distutils finds a script of Python


@dataclass(frozen=True)
class Pair:
    """A published wheel and its sdist, with what was read of both."""

    wheel: Wheel
    name: WheelName
    files: Files
    sources: Sources
    declared: Declared

    def text(self, name: str) -> bytes:
        """A member of `.dist-info`, inflated once."""
        if name not in self._texts:
            self._texts[name] = self.wheel.read(f"{self.wheel.dist_info}/{name}")
        return self._texts[name]

    @cached_property
    def _texts(self) -> dict[str, bytes]:
        return {}

    @cached_property
    def headers(self) -> Message:
        """The fields of METADATA; none if there is no such member, or too large a one."""
        member = self.wheel.members.get(f"{self.wheel.dist_info}/METADATA")
        text = self.text("METADATA") if member is not None and member.size <= MAX_METADATA else b""
        return HeaderParser().parsestr(text.decode("utf-8", "replace"))

    @cached_property
    def license_files(self) -> dict[str, str]:
        """What METADATA names, by the last part of the path."""
        told = (str(value) for value in self.headers.get_all("License-File", []))
        return {path.rpartition("/")[2]: path for path in told}

    @cached_property
    def mentioned(self) -> frozenset[str]:
        """Files of `scripts/` and `bin/` that the files which say how to build have the paths of."""
        texts = self.sources.sdist.facts.texts.values()
        return frozenset(path for text in texts for path in _SCRIPT_PATH.findall(text))

    def member(self, name: str) -> Member:
        return self.wheel.members[f"{self.wheel.dist_info}/{name}"]


Follows = Callable[[Pair, str], str]


@dataclass(frozen=True, slots=True)
class Rule:
    """Args: id: with its version. pattern: of paths below `.dist-info`. reason: why a member does not follow."""

    id: str
    pattern: str
    reason: str
    follows: Follows


def _record(pair: Pair, _: str) -> str:
    return "the members" if records_hold(pair.wheel) else ""


def _metadata(pair: Pair, name: str) -> str:
    if pair.member(name).size > MAX_METADATA:
        return ""
    return metadata_follows(pair.wheel, pair.text(name), pair.sources)


def _about(pair: Pair, name: str) -> str:
    """WHEEL: its tags and build are those of the file's name, it is pure, and it says nothing else."""
    try:
        text = pair.text(name).decode("ascii")
    except UnicodeDecodeError:
        return ""
    if not all(line.isprintable() for line in text.replace("\r\n", "\n").split("\n")):
        return ""
    about = HeaderParser().parsestr(text)
    names = [field.lower() for field in about.keys()]  # noqa: SIM118 - a message is no mapping
    single = [field for field in names if field != "tag"]
    known = {"wheel-version", "generator", "root-is-purelib", "build"}
    tags: set[Tag] = set()
    for tag in about.get_all("Tag", []):
        if str(tag).count("-") != 2:
            return ""
        tags |= parse_tag(str(tag))
    fits = (
        not str(about.get_payload()).strip()
        and len(set(single)) == len(single)
        and set(single) <= known
        and str(about["Wheel-Version"]).startswith("1.")
        and str(about["Root-Is-Purelib"]).lower() == "true"
        and tags == pair.name.tags
        and str(about["Build"] or "") == pair.name.build
    )
    return "the file's name" if fits else ""


def _entry_points(pair: Pair, name: str) -> str:
    told = pair.declared.entry_points or {}
    return "what the project declares" if parse_entry_points(pair.text(name)) == told else ""


def _license(pair: Pair, name: str) -> str:
    """A file of the same path in the sdist; or one that METADATA names, if the wheel has it without directories."""
    member = pair.member(name)
    below = name.removeprefix("licenses/").removeprefix("license_files/")
    paths = [below]
    if "/" not in name and name in pair.license_files:
        paths.append(pair.license_files[name])
    return next((path for path in paths if pair.files.has(path, member)), "")


def _egg_info(pair: Pair, name: str) -> str:
    held = pair.sources.egg_text(name)
    return f"{pair.sources.egg_info}/{name}" if held is not None and held == pair.text(name) else ""


def _top_level(pair: Pair, name: str) -> str:
    """The names at the wheel's top, whatever their order; or the list that setuptools left in the sdist."""
    listed = pair.text(name).decode("utf-8", "replace").split("\n")
    dist_info = pair.wheel.dist_info
    tops = {path.split("/")[0].split(".")[0] for path in pair.wheel.members if not path.startswith(dist_info)}
    if all(line.isidentifier() for line in filter(None, listed)) and set(filter(None, listed)) == tops:
        return "the members"
    return _egg_info(pair, name)


def _flag(pair: Pair, name: str) -> str:
    return "an empty line" if pair.text(name) in (b"\n", b"\r\n") else ""


RULES: Final = (
    Rule("static-record@1", r"RECORD", "record-wrong", _record),
    Rule("static-wheel@1", r"WHEEL", "not-as-the-name-says", _about),
    Rule("static-metadata@1", r"METADATA", "not-as-pkg-info-says", _metadata),
    Rule("static-entry-points@1", r"entry_points\.txt", "not-as-declared", _entry_points),
    Rule("static-license@1", r"licenses/.+|license_files/.+", "not-in-sdist", _license),
    Rule("static-top-level@1", r"top_level\.txt", "not-as-the-members-are", _top_level),
    Rule("static-zip-safe@1", r"zip-safe|not-zip-safe", "other-content", _flag),
    Rule(
        "static-egg-info@1",
        r"(?:namespace_packages|dependency_links)\.txt|pbr\.json",
        "other-content",
        _egg_info,
    ),
    Rule("static-license@1", _LICENSE.pattern, "not-in-sdist", _license),
)
NAMESPACE: Final = "static-namespace@1"
SCRIPT: Final = "static-script@1"
COPIED: Final = "static-copied@1"
_COMPILED: Final = tuple(
    (re.compile(rule.pattern, re.IGNORECASE if "licen" in rule.pattern else 0), rule) for rule in RULES
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A member that follows: by which rule, and from what."""

    path: str
    rule: str
    source: str


def namespace_files(pair: Pair) -> Iterable[Shown]:
    """The members of the payload that setuptools makes of namespace packages."""
    for path, member in pair.wheel.members.items():
        if not path.endswith("-nspkg.pth") or member.executable or member.size > _MAX_TEXT:
            continue
        if is_namespace_file(path, pair.wheel.read(path), pair.wheel.dist_info, pair.sources):
            yield Shown(path, NAMESPACE, f"{pair.sources.egg_info}/namespace_packages.txt")


def examined(pair: Pair) -> Iterable[Shown | Open]:
    """Every member of `.dist-info`, `.data` and what should be among them, and is not."""
    prefix = f"{pair.wheel.dist_info}/"
    data = f"{pair.wheel.dist_info.removesuffix('.dist-info')}.data/"
    for path, member in pair.wheel.members.items():
        if path.startswith(prefix):
            yield _examined(pair, path, path[len(prefix) :])
        elif path.startswith(data):
            yield _of_data(pair, path, path[len(data) :], member)
    for name in ("METADATA", "WHEEL", "RECORD"):
        if prefix + name not in pair.wheel.members:
            yield Open(prefix + name, "absent")
    if pair.declared.entry_points and f"{prefix}entry_points.txt" not in pair.wheel.members:
        yield Open(f"{prefix}entry_points.txt", "left-out")
    if not _named(pair):
        yield Open(pair.wheel.dist_info, "not-as-the-name-says")


def _named(pair: Pair) -> bool:
    """Whether the directory and METADATA have the project and version of the file's name, however spelled."""
    project, _, version = pair.wheel.dist_info.removesuffix(".dist-info").rpartition("-")
    told = ((project, version), (str(pair.headers["Name"]), str(pair.headers["Version"])))
    try:
        return all(
            canonicalize_name(project) == pair.name.project and Version(version) == pair.name.version
            for project, version in told
        )
    except (InvalidVersion, ValueError):  # a number too long for int
        return False


def _examined(pair: Pair, path: str, name: str) -> Shown | Open:
    member = pair.wheel.members[path]
    for pattern, rule in _COMPILED:
        if pattern.fullmatch(name):
            source = rule.follows(pair, name)
            held = pair.files.sdist.facts.members.get(source)
            if member.executable and not (held and held.mode & 0o111):
                return Open(path, "executable-bit")
            return Shown(path, rule.id, source) if source else Open(path, rule.reason)
    return Open(path, "not-known", pair.files.is_foreign(member))


def _of_data(pair: Pair, path: str, name: str, member: Member) -> Shown | Open:
    scheme, _, below = name.partition("/")
    if scheme == "scripts" and "/" not in below:
        for start in _scripts(pair, below):
            if _is_script(pair, path, start):
                return Shown(path, SCRIPT, start)
        return Open(path, "script-not-declared")
    place = pair.declared.data.get(below) if scheme == "data" else None
    if place is None or not pair.files.has(place, member):
        return Open(path, "data-not-declared", pair.files.is_foreign(member))
    if member.executable and not pair.files.sdist.facts.members[place].mode & 0o111:
        return Open(path, "executable-bit")
    return Shown(path, COPIED, place)


def _scripts(pair: Pair, name: str) -> tuple[str, ...]:
    """The files of the sdist that may be the script `name`: as declared, or where a file of the build names it."""
    if pair.declared.scripts:
        return tuple(filter(None, (pair.declared.scripts.get(name),)))
    usual = (f"scripts/{name}", f"bin/{name}")
    return tuple(place for place in usual if place in pair.mentioned)


def _is_script(pair: Pair, path: str, place: str) -> bool:
    """The file as it is, or with the first line that bdist_wheel gives to scripts of Python."""
    sdist = pair.files.sdist
    held = sdist.facts.members.get(place)
    if held is None or held.size > _MAX_TEXT:
        return False
    if pair.files.has(place, pair.wheel.members[path]):
        return True
    source, script = bytes(sdist.content(place)), pair.wheel.read(path)
    first, rest = source.partition(b"\n")[0], source.partition(b"\n")[2]
    found = _PYTHON.fullmatch(first.rstrip(b"\r")) if len(first) <= _MAX_LINE else None
    if not found:
        return False
    options = re.search(rb"python[0-9.]*([ \t].*)?$", first.rstrip(b"\r"))
    tail = (options[1] or b"") if options else b""
    return script == b"#!python" + tail + b"\n" + rest
