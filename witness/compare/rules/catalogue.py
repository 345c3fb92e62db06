"""The catalogue of named rules, the judging of one member by it, and the id of all that affects a comparison's result.

The id is signed with every observation. Its first part is a digest over the formats of the manifests, the parts of
this program that decide, and the rules, each with its version; then come the versions of what Python itself brings:
Unicode (which names of members are plain) and zlib (whether bytes can be deflated again, for `archiveExact`). No rule
depends on another library, nor on the grammar of the Python that runs it.
"""

import unicodedata
import zlib
from typing import Final

from witness.compare.rules import (
    bytecode,
    compressed,
    entry_points,
    json_files,
    line_ends,
    metadata,
    record,
    sbom,
    top_level,
    wheel_file,
)
from witness.compare.rules.rule import Pair, Rule, Subject, Uses
from witness.digest import sha256_hex
from witness.errors import Malformed
from witness.wheel.reader import Wheel

# In this order a member is judged, by the first that can account for all of its differences.
SUBJECTS: Final[tuple[Subject, ...]] = (
    metadata.SUBJECT,
    wheel_file.SUBJECT,
    record.SUBJECT,
    entry_points.SUBJECT,
    top_level.SUBJECT,
    line_ends.TEXT_SUBJECT,
    json_files.SUBJECT,
    sbom.SUBJECT,
    line_ends.SOURCE_SUBJECT,
    compressed.SUBJECT,
    bytecode.SUBJECT,
)
RULES: Final[tuple[Rule, ...]] = tuple(rule for subject in SUBJECTS for rule in subject.rules)

# What decides besides the rules. A version grows when the result of some comparison changes with it. `archive` is all
# that finds ambiguities, `conformance` what tells flaws, `names` whether two file names stand for one wheel.
PARTS: Final = (
    "archive@1",
    "catalogue@1",
    "conformance@1",
    "ladder@1",
    "manifest@1",
    "names@1",
    "reader@1",
    "regenerate@1",
)
_MANIFESTS: Final = ("wheelwitness-payload-v1", "wheelwitness-dist-info-v1", "wheelwitness-record-v1")
_SCHEMES: Final = (
    "purelib",
    "platlib",
    "data",
)  # of a .data directory; scripts and headers are never equated
_LONGEST: Final = 300  # characters of a path that an observation has room for


def equate(published: Wheel, rebuilt: Wheel, path: str) -> Uses:
    """The rules that account for every difference of the member at `path` of both wheels; empty if none do."""
    if published.dist_info != rebuilt.dist_info or not _open_to_rules(published, rebuilt, path):
        return ()
    pair = Pair(published, rebuilt, path)
    for subject in SUBJECTS:
        if not subject.covers(pair):
            continue
        try:
            uses = subject.judge(pair)
        except Malformed:
            continue
        if uses and all(use.rule.level == "content" or pair.about for use in uses):
            return uses
    return ()


def _open_to_rules(published: Wheel, rebuilt: Wheel, path: str) -> bool:
    """Whether any rule may look at `path`: it is in both, equally executable, and of no kind that is never equated."""
    ours, theirs = published.members.get(path), rebuilt.members.get(path)
    if ours is None or theirs is None or ours.executable != theirs.executable or len(path) > _LONGEST:
        return False
    top, _, rest = path.partition("/")
    if top.endswith(".data") and rest.partition("/")[0] not in _SCHEMES:
        return False
    return not path.lower().endswith(".pth")


def rule_set_id() -> str:
    """The name of this rule set, such as `rules/2:0123456789abcdef+unicode-14.0.0+zlib-1.2.13`."""
    ids = sorted((*_MANIFESTS, *PARTS, *(rule.id for rule in RULES)))
    digest = sha256_hex("\n".join(ids).encode())[:16]
    return f"rules/2:{digest}+unicode-{unicodedata.unidata_version}+zlib-{zlib.ZLIB_RUNTIME_VERSION}"
