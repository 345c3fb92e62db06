"""The catalogue of named rules that may equate two different members at the level `metadata`.

Each is a small pure function with a precondition that it checks itself: it returns the two values that it equates, or
nothing. A difference that no rule equates stays a difference. The id of the rule set names everything that affects a
comparison's result, and is signed with it: the formats of the manifests and the rules with their versions.
"""

import base64
import csv
import io
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from witness.digest import sha256_hex
from witness.errors import Malformed
from witness.wheel.manifest import SIGNATURES
from witness.wheel.reader import Wheel

_MANIFESTS: Final = ("wheelwitness-payload-v1", "wheelwitness-dist-info-v1", "wheelwitness-record-v1")
_MAX_METADATA: Final = 4 * 1024 * 1024
_MAX_SHOWN: Final = 300
_FIELD: Final = re.compile(
    r"([!-9;-~]+):"
)  # RFC 5322 section 2.2; a line of another form ends the fields for pip
# The multiple-use fields of core metadata: where any other stands twice, its place decides which one is read.
_MULTIPLE: Final = frozenset(
    {
        "classifier",
        "dynamic",
        "import-name",
        "import-namespace",
        "license-file",
        "obsoletes",
        "obsoletes-dist",
        "platform",
        "project-url",
        "provides",
        "provides-dist",
        "provides-extra",
        "requires",
        "requires-dist",
        "requires-external",
        "supported-platform",
    }
)
_INSTALLED: Final = ("purelib", "platlib")  # schemes of a .data directory whose files can be imported

Equated = tuple[str, str]  # what the rule saw in the published and in the rebuilt wheel


@dataclass(frozen=True, slots=True)
class Rule:
    """A row: `id` with its version, the member of `.dist-info` it is for, and why no installer can tell."""

    id: str
    member: str
    why: str
    equate: Callable[[Wheel, Wheel, str], Equated | None]


def records_hold(published: Wheel, rebuilt: Wheel) -> bool:
    """Whether each wheel's RECORD is right about it. Where not, no rule may equate what RECORD should have told."""
    return all(_is_complete(wheel, f"{wheel.dist_info}/RECORD") for wheel in (published, rebuilt))


def _record(published: Wheel, rebuilt: Wheel, path: str) -> Equated | None:
    """Both RECORDs list exactly their own wheel's members, with the right hashes and sizes."""
    if not (_is_complete(published, path) and _is_complete(rebuilt, path)):
        return None
    return published.members[path].sha256, rebuilt.members[path].sha256


def _is_complete(wheel: Wheel, path: str) -> bool:
    try:
        text = wheel.read(path).decode("utf-8")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (Malformed, UnicodeDecodeError, csv.Error):
        return False
    if any(len(row) != 3 for row in rows):
        return False
    unlisted = {path, *(f"{wheel.dist_info}/{name}" for name in SIGNATURES)}
    listed = {name: (digest, size) for name, digest, size in rows}
    if len(listed) != len(rows) or not listed.keys() <= wheel.members.keys():
        return False
    if any(listed.get(name, ("", "")) != ("", "") for name in unlisted):
        return False
    return {name: row for name, row in listed.items() if name not in unlisted} == {
        name: (_record_hash(member.sha256), str(member.size))
        for name, member in wheel.members.items()
        if name not in unlisted
    }


def _record_hash(sha256: str) -> str:
    return "sha256=" + base64.urlsafe_b64encode(bytes.fromhex(sha256)).rstrip(b"=").decode()


def _metadata_order(published: Wheel, rebuilt: Wheel, path: str) -> Equated | None:
    """The same fields with the same values, in another order; and the same description but for empty lines at its end.

    Fields of one name keep meaning a set (core metadata specification): installers read each of them whatever its
    place. Continuation lines stay with their field.
    """
    ours, theirs = _fields(published, path), _fields(rebuilt, path)
    if ours is None or theirs is None or sorted(ours[0]) != sorted(theirs[0]) or ours[1] != theirs[1]:
        return None
    names = Counter(field.partition(":")[0].lower() for field in ours[0])
    if any(count > 1 and name not in _MULTIPLE for name, count in names.items()):
        return None
    return published.members[path].sha256, rebuilt.members[path].sha256


def _fields(wheel: Wheel, path: str) -> tuple[list[str], str] | None:
    """The fields, each with its continuation lines, and the text below them; None if readers may see others."""
    try:
        text = wheel.read(path, limit=_MAX_METADATA).decode("utf-8")
    except (Malformed, UnicodeDecodeError):
        return None
    head, _, description = text.partition("\n\n")
    lines = head.removesuffix("\n").split("\n")
    if (
        lines != head.splitlines()
    ):  # a carriage return, or one of the other characters that end a line for some
        return None
    fields: list[str] = []
    for line in lines:
        if line.startswith((" ", "\t")) and fields:
            fields[-1] += "\n" + line
        elif _FIELD.match(line):
            fields.append(line)
        else:
            return None
    return fields, description.rstrip("\n")


def _generator(published: Wheel, rebuilt: Wheel, path: str) -> Equated | None:
    """The same fields in the same order, but for the value of the one `Generator`."""
    ours, theirs = _fields(published, path), _fields(rebuilt, path)
    if ours is None or theirs is None or ours[1] != theirs[1] or len(ours[0]) != len(theirs[0]):
        return None
    pairs = [pair for pair in zip(ours[0], theirs[0], strict=True) if pair[0] != pair[1]]
    if len(pairs) != 1 or not all(re.fullmatch("Generator: .*", field) for field in pairs[0]):
        return None
    return pairs[0][0][:_MAX_SHOWN], pairs[0][1][:_MAX_SHOWN]


def _top_level(published: Wheel, rebuilt: Wheel, path: str) -> Equated | None:
    """Names that only one of the two lists, of which no member of either wheel has anything."""
    ours, theirs = _names(published, path), _names(rebuilt, path)
    if ours is None or theirs is None:
        return None
    tops = {_top(member).casefold() for wheel in (published, rebuilt) for member in wheel.members}
    if {name.casefold() for name in ours ^ theirs} & tops:
        return None
    return ", ".join(sorted(ours))[:_MAX_SHOWN], ", ".join(sorted(theirs))[:_MAX_SHOWN]


def _top(member: str) -> str:
    """The module that an import finds `member` in, once it is installed."""
    parts = member.split("/")
    if parts[0].endswith(".data") and len(parts) > 2 and parts[1] in _INSTALLED:
        del parts[:2]
    return parts[0].split(".", 1)[0]


def _names(wheel: Wheel, path: str) -> frozenset[str] | None:
    try:
        names = wheel.read(path, limit=_MAX_METADATA).decode("ascii").split("\n")
    except (Malformed, UnicodeDecodeError):
        return None
    return frozenset(filter(None, names)) if all(name.isidentifier() for name in names if name) else None


RULES: Final = (
    Rule("generator@1", "WHEEL", "installers do not read Generator", _generator),
    Rule(
        "top-level@1",
        "top_level.txt",
        "a list of names for people; these names stand for nothing",
        _top_level,
    ),
    Rule(
        "metadata-order@1",
        "METADATA",
        "installers read fields by name, and nothing after the last line",
        _metadata_order,
    ),
    Rule("record-complete@1", "RECORD", "RECORD follows from the other members, which are compared", _record),
)


def equate(published: Wheel, rebuilt: Wheel, path: str) -> tuple[str, Equated] | None:
    """The id of the rule that equates the member at `path` of both wheels, and the two values; None if none does."""
    for rule in RULES:
        if path == f"{published.dist_info}/{rule.member}" and published.dist_info == rebuilt.dist_info:
            if published.members[path].executable != rebuilt.members[path].executable:
                return None
            values = rule.equate(published, rebuilt, path)
            if values is not None:
                return rule.id, values
    return None


def rule_set_id() -> str:
    """The name of this rule set: `rules/1:` and a digest over all that is in it."""
    return "rules/1:" + sha256_hex("\n".join((*_MANIFESTS, *sorted(rule.id for rule in RULES))).encode())[:16]
