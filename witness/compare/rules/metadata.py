"""METADATA (core metadata specification): a rule for each field that may differ, and for how the file is written.

What installers act on (`Name`, `Version`, `Requires-Python`, `Provides-Extra`, what `Requires-Dist` requires) is
equal, or the file is not.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from witness.compare.rules.headers import Headers, read_headers
from witness.compare.rules.requirement import canonical
from witness.compare.rules.rule import MAX_SHOWN, Pair, Rule, Subject, Use, Uses
from witness.errors import Malformed
from witness.wheel.headers import MULTIPLE

_MEMBER: Final = "`METADATA`"

ORDER: Final = Rule(
    "metadata-order@2",
    "metadata",
    _MEMBER,
    "the order of the fields",
    "a field twice that may stand once: its place decides which of the two is read",
    "Installers look fields up by name, and fields that may stand several times are sets. A resolver may try "
    "requirements in their order; what solves the one order solves the other.",
)
TAIL: Final = Rule(
    "metadata-blank-tail@1",
    "metadata",
    _MEMBER,
    "empty lines at the end of the file",
    "white space other than line ends; empty lines within the description",
    "They are the end of the description, which no installer interprets.",
)
HEAD: Final = Rule(
    "metadata-blank-head@1",
    "metadata",
    _MEMBER,
    "empty lines between the one that ends the fields and the description",
    "white space other than line ends; empty lines within the fields or the description",
    "Fields end at the first empty line. What follows is the description, which no installer interprets.",
)
LINE_ENDS: Final = Rule(
    "metadata-line-ends@1",
    "metadata",
    _MEMBER,
    "CRLF and LF: as the end of every line of the fields, and within the description",
    "fields that end in both ways; a CR without LF anywhere in the file; a field that installers act on and that goes "
    "over several lines",
    "pip, uv and `installer` end a field at either. Only the values of folded fields and the description keep the "
    "difference, and installers interpret neither.",
)
SPELLING: Final = Rule(
    "requires-dist-spelling@1",
    "metadata",
    _MEMBER,
    "of a `Requires-Dist`: spaces, parentheses around the versions or a single comparison, quotation marks, the order "
    "of versions and extras, the project's name by PEP 503",
    "another project, version, extra or marker; other spellings of a version or an extra; URLs; `===`; whatever is in "
    "no usual form",
    "pip, uv and `packaging` parse both spellings to one requirement.",
)
VERSION: Final = Rule(
    "metadata-version@1",
    "metadata",
    _MEMBER,
    "`Metadata-Version` 2.1 to 2.5",
    "other versions; fields that came with a later version than the one that is claimed",
    "For a wheel, pip, uv and `installer` read the same fields in each of these versions. (`License-File` is not held "
    "against the version: setuptools wrote it for years before it was standard.)",
)
DYNAMIC: Final = Rule(
    "metadata-dynamic@1",
    "metadata",
    _MEMBER,
    "`Dynamic` fields that only one of the two has",
    "`Dynamic: Version`, which uv reads, and `Name`; names of no field; one twice; a `Metadata-Version` before 2.2",
    "It says how the sdist's metadata came about. For a wheel no installer acts on it.",
)
LICENSE_FILE: Final = Rule(
    "metadata-license-file@1",
    "metadata",
    _MEMBER,
    "`License-File` fields that only one of the two has",
    "one that names no member of both wheels' `.dist-info`, or of `licenses` in it; one twice",
    "It names a file that both wheels install, and installers do not read it.",
)
UNKNOWN: Final = Rule(
    "metadata-unknown@1",
    "metadata",
    _MEMBER,
    "`UNKNOWN` and nothing: for `Author`, `Author-email`, `Download-URL`, `Home-page`, `License`, `Platform`, "
    "`Summary` and the description",
    "any other value; any other field",
    "`UNKNOWN` is what distutils wrote where it knew nothing, in fields that installers do not read.",
)
RULES: Final = (ORDER, HEAD, TAIL, LINE_ENDS, SPELLING, VERSION, DYNAMIC, LICENSE_FILE, UNKNOWN)

_SINGLE: Final = frozenset(
    {
        "author", "author-email", "description", "description-content-type", "download-url", "home-page", "keywords",
        "license", "license-expression", "maintainer", "maintainer-email", "requires-python", "summary",
    }
)  # fmt: skip
_ACTED_ON: Final = frozenset(
    {
        "dynamic", "metadata-version", "name", "obsoletes-dist", "provides-dist", "provides-extra", "requires-dist",
        "requires-external", "requires-python", "version",
    }
)  # fmt: skip
_PLACEHOLDERS: Final = frozenset(
    {"author", "author-email", "download-url", "home-page", "license", "platform", "summary"}
)
_VERSIONS: Final = ("2.1", "2.2", "2.3", "2.4", "2.5")
_SINCE: Final = {
    "dynamic": "2.2",
    "license-expression": "2.4",
    "import-name": "2.5",
    "import-namespace": "2.5",
}
_EMPTY_LINES: Final = re.compile(r"\A(?:\r?\n)+")
_MOST: Final = 1000  # requirements whose spelling is judged

Both = tuple[list[str], list[str]]  # values of one field that only the published, only the rebuilt wheel has


def _judge(pair: Pair) -> Uses | None:
    contents = pair.contents()
    ours, theirs = (read_headers(content) for content in contents)
    if any(_doubled(headers) for headers in (ours, theirs)):
        return None
    found = [
        *_fields(pair, ours, theirs),
        *_texts(pair, ours, theirs),
    ]
    heads = [_blank_head(headers) for headers in (ours, theirs)]
    if heads[0] != heads[1]:
        found.append(Use(HEAD, *(f"{head} empty lines before the description" for head in heads)))
    tails = [_blank_tail(content) for content in contents]
    if tails[0] != tails[1]:
        found.append(Use(TAIL, *(f"ends in {tail} line ends" for tail in tails)))
    if _sequence(ours, theirs) != _sequence(theirs, ours):
        found.append(pair.use_of(ORDER))
    return tuple(found)


def _doubled(headers: Headers) -> bool:
    counted = Counter(field.key for field in headers.fields)
    return any(count > 1 and key not in MULTIPLE for key, count in counted.items())


def _fields(pair: Pair, ours: Headers, theirs: Headers) -> list[Use]:
    """A use of a rule for each field whose values differ. Raises Malformed if there is none."""
    texts = [Counter(field.text for field in headers.fields) for headers in (ours, theirs)]
    left = [
        [field for field in headers.fields if texts[other][field.text] < texts[1 - other][field.text]]
        for other, headers in ((1, ours), (0, theirs))
    ]
    uses = []
    placeholders: list[list[str]] = [[], []]
    for key in sorted({field.key for side in left for field in side}):
        mine, others = ([field.value for field in side if field.key == key] for side in left)
        if key in _PLACEHOLDERS and {tuple(mine), tuple(others)} == {("UNKNOWN",), ()}:
            placeholders[not mine].append(key)
            continue
        judge = _JUDGES.get(key)
        use = judge(pair, ours, theirs, (mine, others)) if judge else None
        if use is None:
            raise Malformed(f"{key} differs")
        uses.append(use)
    if any(placeholders):
        uses.append(Use(UNKNOWN, *(_shown(f"{key}: UNKNOWN" for key in side) for side in placeholders)))
    return uses


def _requires_dist(_pair: Pair, _ours: Headers, _theirs: Headers, both: Both) -> Use | None:
    if max(map(len, both)) > _MOST:
        return None
    mine, others = ([canonical(value) for value in side] for side in both)
    return Use(SPELLING, _shown(both[0]), _shown(both[1])) if sorted(mine) == sorted(others) else None


def _metadata_version(_pair: Pair, ours: Headers, theirs: Headers, both: Both) -> Use | None:
    for headers, values in ((ours, both[0]), (theirs, both[1])):
        if len(values) != 1 or values[0] not in _VERSIONS:
            return None
        if any(_SINCE.get(field.key, "") > values[0] for field in headers.fields):
            return None
    return Use(VERSION, both[0][0], both[1][0])


def _dynamic(_pair: Pair, ours: Headers, theirs: Headers, both: Both) -> Use | None:
    for headers, values in ((ours, both[0]), (theirs, both[1])):
        every = [value.lower() for value in headers.values("dynamic")]
        if len(set(every)) != len(every) or any(value.lower() not in MULTIPLE | _SINGLE for value in values):
            return None
        if every and headers.values("metadata-version") not in [[version] for version in _VERSIONS[1:]]:
            return None
    return Use(DYNAMIC, _shown(both[0]), _shown(both[1]))


def _license_file(pair: Pair, ours: Headers, theirs: Headers, both: Both) -> Use | None:
    members = pair.published.members.keys() & pair.rebuilt.members.keys()
    about = pair.published.dist_info
    for headers, values in ((ours, both[0]), (theirs, both[1])):
        every = headers.values("license-file")
        if len(set(every)) != len(every):
            return None
        if not all({f"{about}/{value}", f"{about}/licenses/{value}"} & members for value in values):
            return None
    return Use(LICENSE_FILE, _shown(both[0]), _shown(both[1]))


_JUDGES: Final[dict[str, Callable[[Pair, Headers, Headers, Both], Use | None]]] = {
    "requires-dist": _requires_dist,
    "metadata-version": _metadata_version,
    "dynamic": _dynamic,
    "license-file": _license_file,
}


def _texts(pair: Pair, ours: Headers, theirs: Headers) -> list[Use]:
    """How the descriptions differ besides empty lines around them, and how the lines of the two files do."""
    said = [headers.description.replace("\r\n", "\n").strip("\n") for headers in (ours, theirs)]
    written = [_without_head(headers.description).rstrip("\n") for headers in (ours, theirs)]
    uses = []
    if said[0] != said[1]:
        if set(said) != {"UNKNOWN", ""}:
            raise Malformed("the description differs")
        uses.append(Use(UNKNOWN, *(f"description: {text or '(none)'}" for text in said)))
    elif written[0] == written[1] and ours.crlf == theirs.crlf:
        return uses
    if ours.crlf == theirs.crlf and not any("\r" in text for text in written):
        return uses
    if any("\r" in text for text in said):
        raise Malformed("a carriage return without a line feed")
    if ours.crlf != theirs.crlf and any(
        field.folded and field.key in _ACTED_ON for headers in (ours, theirs) for field in headers.fields
    ):
        raise Malformed("a folded field that installers act on")
    digests = [wheel.members[pair.path].sha256 for wheel in (pair.published, pair.rebuilt)]
    ends = (f"{_ends(each)}; sha256:{digest}" for each, digest in zip((ours, theirs), digests, strict=True))
    return [*uses, Use(LINE_ENDS, *ends)]


def _sequence(headers: Headers, other: Headers) -> list[str]:
    """What the fields say, in their order; without those that only one of the two can have."""
    optional = _PLACEHOLDERS | {"dynamic", "license-file"}
    texts = {field.text for field in other.fields}
    said = []
    for field in headers.fields:
        if field.text in texts:
            said.append(field.text)
        elif field.key == "requires-dist":
            said.append(canonical(field.value))
        elif field.key not in optional:
            said.append(field.key)
    return said


def _ends(headers: Headers) -> str:
    description = headers.description
    crlf = description.count("\r\n")
    bare = description.count("\n") - crlf
    told = {
        (False, False): "no line ends",
        (True, False): "CRLF",
        (False, True): "LF",
        (True, True): "CRLF and LF",
    }
    return f"{'CRLF' if headers.crlf else 'LF'}, description {told[bool(crlf), bool(bare)]}"


def _blank_head(headers: Headers) -> int:
    """How many empty lines the description begins with; none, where there is nothing else in it."""
    description = headers.description.replace("\r\n", "\n")
    text = description.lstrip("\n")
    return len(description) - len(text) if text else 0


def _without_head(description: str) -> str:
    return _EMPTY_LINES.sub("", description)


def _blank_tail(content: bytes) -> int:
    """How many line ends the file ends in."""
    return content[len(content.rstrip(b"\r\n")) :].count(b"\n")


def _shown(values: Iterable[str]) -> str:
    return (", ".join(sorted(values)) or "(none)")[:MAX_SHOWN]


SUBJECT: Final = Subject(RULES, lambda pair: pair.about == "METADATA", _judge)
