"""entry_points.txt (entry points specification): a mapping of groups to names to object references.

pip reads it with `importlib.metadata`, `installer` with `configparser`, uv with a parser of its own. They disagree
about indented lines, comments, other delimiters, the section DEFAULT, and everything twice. Here, only lines of three
forms are read (a group, `name = reference`, nothing), in characters that none of them treats specially.
"""

import re
from collections.abc import Mapping
from typing import Final

from witness.compare.rules.rule import Pair, Rule, Subject, Uses
from witness.errors import Malformed

ENTRY_POINTS: Final = Rule(
    "entry-points@1",
    "metadata",
    "`entry_points.txt`",
    "the order of groups and of names, spaces around `=`, empty lines",
    "another group, name or reference; a group or name twice, in any letter case; one name for a console and a GUI "
    "script; comments, indented lines, extras, `%`, `:` as a delimiter, the group DEFAULT, other line ends",
    "Installers make one script for each name. With all names distinct, their order does not matter.",
)

_GROUP: Final = re.compile(r"\[([A-Za-z0-9_]+(?:[.-][A-Za-z0-9_]+)*)\]")
_ENTRY: Final = re.compile(
    r"([A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}) *= *([A-Za-z_][A-Za-z0-9_.]*(?::[A-Za-z_][A-Za-z0-9_.]*)?)"
)
_SCRIPTS: Final = ("console_scripts", "gui_scripts")
_MAX: Final = 1024 * 1024  # bytes

Mapped = Mapping[str, Mapping[str, str]]


def read_entry_points(content: bytes) -> Mapped:
    """The groups in `content`.

    Raises:
        Malformed: readers may see another mapping than this one.
    """
    try:
        lines = content.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Malformed("entry points that are not ASCII") from None
    groups: dict[str, dict[str, str]] = {}
    folded: set[str] = {"default"}
    current: dict[str, str] | None = None
    for line in filter(None, lines):
        if (group := _GROUP.fullmatch(line)) and group[1].lower() not in folded:
            folded.add(group[1].lower())
            current = groups[group[1]] = {}
        elif (entry := _ENTRY.fullmatch(line)) and current is not None and entry[1] not in current:
            current[entry[1]] = entry[2]
        else:
            raise Malformed("a line that readers take for different things")
    _check_distinct(groups)
    return groups


def _check_distinct(groups: Mapped) -> None:
    """Where two names make one file, on some system, their order decides which of them is installed."""
    for group, entries in groups.items():
        if len({name.lower() for name in entries}) != len(entries):
            raise Malformed(f"names in {group} that differ by letter case only")
    scripts = [_file(name) for group in _SCRIPTS for name in groups.get(group, ())]
    if len(set(scripts)) != len(scripts):
        raise Malformed("two scripts of one name")


def _file(name: str) -> str:
    """What the names have in common whose scripts may be one file: on Windows, some get or lose a suffix."""
    return re.sub(r"(?:-script)?(?:\.py|\.pyw|\.exe)*$", "", name.lower())


def _judge(pair: Pair) -> Uses | None:
    ours, theirs = (read_entry_points(content) for content in pair.contents(_MAX))
    return (pair.use_of(ENTRY_POINTS),) if ours == theirs else None


SUBJECT: Final = Subject((ENTRY_POINTS,), lambda pair: pair.about == "entry_points.txt", _judge)
