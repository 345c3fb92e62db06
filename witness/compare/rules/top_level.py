"""top_level.txt: the names that setuptools lists for people."""

from typing import Final

from witness.compare.rules.rule import MAX_SHOWN, Pair, Rule, Subject, Use, Uses
from witness.errors import Malformed

_INSTALLED: Final = ("purelib", "platlib")  # schemes of a .data directory whose files can be imported

TOP_LEVEL: Final = Rule(
    "top-level@1",
    "metadata",
    "`top_level.txt`",
    "names that only one of the two lists and that no member of either wheel has anything of; their order; empty lines",
    "a name of which a member exists, in any letter case; anything but identifiers in ASCII",
    "No installer reads the list, and these names stand for nothing that could be imported.",
)


def _judge(pair: Pair) -> Uses | None:
    ours, theirs = (_names(content) for content in pair.contents())
    members = (member for wheel in (pair.published, pair.rebuilt) for member in wheel.members)
    tops = {_top(member).casefold() for member in members}
    if {name.casefold() for name in ours ^ theirs} & tops:
        return None
    return (Use(TOP_LEVEL, _shown(ours), _shown(theirs)),)


def _shown(names: frozenset[str]) -> str:
    return (", ".join(sorted(names)) or "(none)")[:MAX_SHOWN]


def _top(member: str) -> str:
    """The module that an import finds `member` in, once it is installed."""
    parts = member.split("/")
    if parts[0].endswith(".data") and len(parts) > 2 and parts[1] in _INSTALLED:
        del parts[:2]
    return parts[0].split(".", 1)[0]


def _names(content: bytes) -> frozenset[str]:
    try:
        names = content.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Malformed("names that are not ASCII") from None
    if not all(name.isidentifier() for name in names if name):
        raise Malformed("something else than names")
    return frozenset(filter(None, names))


SUBJECT: Final = Subject((TOP_LEVEL,), lambda pair: pair.about == "top_level.txt", _judge)
