"""WHEEL (PEP 427): the tags as a set, everything that installers read as it stands.

pip reads `Root-Is-Purelib` in any letter case; uv and `installer` only know `true`. `True` is therefore purelib for
one and platlib for the others, and never equal to `true`. `False` and `false` are platlib for all of them.
"""

import re
from typing import Final

from witness.compare.rules.headers import Field, Headers, read_headers
from witness.compare.rules.rule import MAX_SHOWN, Pair, Rule, Subject, Use, Uses

_MEMBER: Final = "`WHEEL`"

GENERATOR: Final = Rule(
    "generator@1",
    "metadata",
    _MEMBER,
    "the value of the one `Generator`",
    "no `Generator` or several of them; one that goes over several lines",
    "No installer reads it.",
)
TAG_ORDER: Final = Rule(
    "tag-order@1",
    "metadata",
    _MEMBER,
    "the order of the `Tag` fields among themselves",
    "another set of tags; a tag twice; tags at other places among the fields",
    "Installers take the tags from the file name, and they are a set (PEP 425).",
)
PURELIB_CASE: Final = Rule(
    "purelib-case@1",
    "metadata",
    _MEMBER,
    "`Root-Is-Purelib: False` and `Root-Is-Purelib: false`",
    "`True` beside `true`, which pip reads alike, and uv and `installer` do not; any other value",
    "Whatever is not `true` is platlib for every installer; pip, which ignores case, agrees on these two.",
)
WHEEL_TAIL: Final = Rule(
    "wheel-blank-tail@1",
    "metadata",
    _MEMBER,
    "empty lines at the end",
    "text below the fields, unless it is the same",
    "Fields end at the first empty line.",
)
RULES: Final = (GENERATOR, TAG_ORDER, PURELIB_CASE, WHEEL_TAIL)
_PLATLIB: Final = {"Root-Is-Purelib: False", "Root-Is-Purelib: false"}


def _judge(pair: Pair) -> Uses | None:
    contents = pair.contents()
    ours, theirs = (read_headers(content) for content in contents)
    if ours.crlf or theirs.crlf or ours.description.rstrip("\n") != theirs.description.rstrip("\n"):
        return None
    tags = _tags(ours), _tags(theirs)
    if _frame(ours) != _frame(theirs) or sorted(tags[0]) != sorted(tags[1]):
        return None
    uses: list[Use] = []
    if tags[0] != tags[1]:
        if any(len(set(each)) != len(each) for each in tags):
            return None
        uses.append(Use(TAG_ORDER, *(_cut(", ".join(each)) for each in tags)))
    for one, other in zip(ours.fields, theirs.fields, strict=True):
        if one.key != "tag" and one.text != other.text:
            rule = _rule_of(ours, theirs, one, other)
            if rule is None:
                return None
            uses.append(Use(rule, _cut(one.text), _cut(other.text)))
    tails = [len(content) - len(content.rstrip(b"\n")) for content in contents]
    if tails[0] != tails[1]:
        uses.append(Use(WHEEL_TAIL, *(f"ends in {tail} line feeds" for tail in tails)))
    return tuple(uses)


def _rule_of(ours: Headers, theirs: Headers, one: Field, other: Field) -> Rule | None:
    """The rule that equates two fields at the same place and of the same name."""
    if any(len(headers.values(one.key)) != 1 for headers in (ours, theirs)):
        return None
    if all(re.fullmatch("Generator: .*", field.text) for field in (one, other)):
        return GENERATOR
    return PURELIB_CASE if {one.text, other.text} == _PLATLIB else None


def _frame(headers: Headers) -> list[str]:
    """The names of the fields, in their order and as written."""
    return [field.text.partition(":")[0] for field in headers.fields]


def _tags(headers: Headers) -> list[str]:
    return [field.text for field in headers.fields if field.key == "tag"]


def _cut(text: str) -> str:
    return text[:MAX_SHOWN]


SUBJECT: Final = Subject(RULES, lambda pair: pair.about == "WHEEL", _judge)
