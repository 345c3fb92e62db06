"""Spellings of one `Requires-Dist` that pip, uv and `packaging` read alike.

A grammar of its own, narrower than PEP 508: what it accepts, all three parse, and to the same requirement. So the
outcome depends on no version of a library. Equal under it are only white space, parentheses around the versions
and around a single comparison, quotation marks, the order of versions and of extras, and the project's name by PEP 503.

Not equated, although they mean the same to some reader: versions that are not in normal form or not in the same one
(`1.0`, `1`), spellings of an extra (pip did not normalise extras before PEP 685), names of marker variables, URLs,
`===`.
"""

import re
from typing import Final

from witness.errors import Malformed

_MAX: Final = 1000  # characters
_DEEPEST: Final = 8  # parentheses in parentheses

# Possessive for single characters, and each group begins with a character of its own, so that nothing is matched twice.
# Not for groups: Python before 3.11.5 matches those wrongly (gh-106052).
_NAME: Final = r"[A-Za-z0-9]++(?:[._-]++[A-Za-z0-9]++)*"
# PEP 440 in its normal form: of others, one reader may take what the next refuses or mends.
_RELEASE: Final = r"(?:\d++!)?\d++(?:\.\d++)*"
_SUFFIX: Final = r"(?:(?:a|b|rc)\d++)?(?:\.post\d++)?(?:\.dev\d++)?"
_LOCAL: Final = r"(?:\+[a-z0-9]++(?:\.[a-z0-9]++)*)?"
_VERSION: Final = (
    rf"(?:[=!]= *+{_RELEASE}(?:\.\*|{_SUFFIX}{_LOCAL})"
    rf"|~= *+(?=[0-9!]*\.){_RELEASE}{_SUFFIX}|(?:<=|>=|<|>) *+{_RELEASE}{_SUFFIX})"
)
_VERSIONS: Final = rf"{_VERSION}(?: *+, *+{_VERSION})*"
_REQUIREMENT: Final = re.compile(
    rf"(?P<name>{_NAME}) *+(?:\[ *+(?P<extras>{_NAME}(?: *+, *+{_NAME})*) *+\])? *+"
    rf"(?:\( *+(?P<inside>{_VERSIONS}) *+\)|(?P<bare>{_VERSIONS}))?(?: *+; *+(?P<marker>\S.*+))?"
)
_TOKEN: Final = re.compile(
    r"(?P<open>\()|(?P<close>\))|(?P<text>'[ !#-&(-\[\]-~]*'|\"[ !#-&(-\[\]-~]*\")"
    r"|(?P<op><=|>=|==|!=|~=|<|>)|(?P<word>[a-z_]+)"
)
_VARIABLES: Final = frozenset(
    {
        "extra", "implementation_name", "implementation_version", "os_name", "platform_machine",
        "platform_python_implementation", "platform_release", "platform_system", "platform_version",
        "python_full_version", "python_version", "sys_platform",
    }
)  # fmt: skip
_COMPARISON: Final = ("value", "op", "value")

Token = tuple[str, str]  # its kind, and what it says without its spelling


def canonical(requirement: str) -> str:
    """What all spellings of `requirement` have in common.

    Raises:
        Malformed: it is in no form of which it is known that all installers read it alike.
    """
    if len(requirement) > _MAX or not requirement.isascii() or requirement != requirement.strip():
        raise Malformed("a requirement in an unusual form")
    found = _REQUIREMENT.fullmatch(requirement)
    if found is None:
        raise Malformed("a requirement in an unusual form")
    name = re.sub(r"[-_.]+", "-", found["name"]).lower()
    extras = ",".join(sorted(part.strip(" ") for part in (found["extras"] or "").split(",")))
    versions = sorted(re.sub(" +", "", part) for part in (found["inside"] or found["bare"] or "").split(","))
    return f"{name}[{extras}]{','.join(versions)};{_marker(found['marker'] or '')}"


def _marker(text: str) -> str:
    if not text:
        return ""
    tokens = _reduced(_tokens(text))
    if _expression(tokens, 0, 0) != len(tokens):
        raise Malformed("a marker in an unusual form")
    return " ".join(said for _, said in tokens)


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise Malformed("a marker in an unusual form")
        kind, said = str(found.lastgroup), found[0]
        behind = found.end()
        spaced = (at == 0 or text[at - 1] == " ") and (behind == len(text) or text[behind] == " ")
        if kind == "text":
            tokens.append(("value", f'"{said[1:-1]}"'))
        elif kind == "word":
            tokens.append(_word(said, spaced=spaced))
        else:
            tokens.append((kind, said))
        at = behind
        while text[at : at + 1] == " ":
            at += 1
    return _joined(tokens)


def _word(said: str, *, spaced: bool) -> Token:
    """A variable or an operator. Operators in letters stand between spaces, or readers may take them for another."""
    if said in _VARIABLES:
        return "value", said
    if said in ("and", "or", "in", "not") and spaced:
        return {"and": "join", "or": "join", "in": "op", "not": "not"}[said], said
    raise Malformed("an unknown word in a marker")


def _joined(tokens: list[Token]) -> list[Token]:
    """`not` and `in` as the one operator that they are."""
    made: list[Token] = []
    for token in tokens:
        if made and made[-1] == ("not", "not"):
            if token != ("op", "in"):
                raise Malformed("a marker in an unusual form")
            made[-1] = ("op", "not in")
        else:
            made.append(token)
    return made


def _reduced(tokens: list[Token]) -> list[Token]:
    """Without the parentheses around single comparisons, which group nothing."""
    made: list[Token] = []
    for token in tokens:
        made.append(token)
        while (
            len(made) >= 5
            and (made[-1][0], made[-5][0]) == ("close", "open")
            and tuple(kind for kind, _ in made[-4:-1]) == _COMPARISON
        ):
            made[-5:] = made[-4:-1]
    return made


def _expression(tokens: list[Token], at: int, depth: int) -> int:
    """Where the expression that begins at `at` ends: comparisons and expressions in parentheses, joined."""
    if depth > _DEEPEST:
        raise Malformed("a marker in an unusual form")
    while True:
        kinds = tuple(kind for kind, _ in tokens[at : at + 3])
        if kinds == _COMPARISON:
            at += 3
        elif kinds[:1] == ("open",):
            at = _expression(tokens, at + 1, depth + 1)
            if tokens[at : at + 1] != [("close", ")")]:
                raise Malformed("a marker in an unusual form")
            at += 1
        else:
            raise Malformed("a marker in an unusual form")
        if at >= len(tokens) or tokens[at][0] != "join":
            return at
        at += 1
