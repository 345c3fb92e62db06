"""What the pages say of results, in words. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Words:
    """A heading, a sentence, and a label of one or two words. `tone` is good, bad, split or idle."""

    label: str
    heading: str
    sentence: str
    tone: str


_BUILT: Final[Mapping[str, Words]] = {
    "bitwise": Words(
        "identical",
        "Reproduced: the same file",
        "The rebuilt wheel is the published one, byte for byte.",
        "good",
    ),
    "exact": Words(
        "same members",
        "Reproduced: the same members",
        "Every member has the same bytes and the same exec bit. From them follows the published file, byte by byte.",
        "good",
    ),
    "archive": Words(
        "same members",
        "Reproduced: the same members",
        "Every member has the same bytes and the same exec bit. The archive was compressed by another library.",
        "good",
    ),
    "metadata": Words(
        "equal by rules",
        "Equal by named rules",
        "The payload is identical. What differs in .dist-info is equated by named rules: no installer can tell.",
        "good",
    ),
    "content": Words(
        "equal by rules",
        "Equal by named rules",
        "What differs is what named rules equate, such as ends of lines in source code.",
        "good",
    ),
    "mismatch": Words(
        "differs",
        "The rebuilt wheel differs",
        "What one installs is not what the other installs. That may be an accident of the build, or not: look at what "
        "differs.",
        "bad",
    ),
    "disputed": Words(
        "disputed",
        "The operators do not agree",
        "Some rebuilt it and got the same, others got something else. One of the builds was another, or somebody is "
        "mistaken.",
        "split",
    ),
    "build-failed": Words(
        "not built",
        "Not built",
        "The build ended without a wheel. That says nothing against the published one.",
        "idle",
    ),
    "not-attempted": Words(
        "not attempted",
        "Not attempted",
        "Nothing was built, and nothing follows for the published wheel.",
        "idle",
    ),
}
_STATIC: Final[Mapping[str, Words]] = {
    "match": Words(
        "follows",
        "Follows from the sdist",
        "Nothing was run. Every file of the wheel is in the sdist, or follows from what is in it.",
        "good",
    ),
    "mismatch": Words(
        "does not follow",
        "Does not follow from the sdist",
        "Nothing was run. The wheel holds something that is not in the sdist and does not follow from it.",
        "bad",
    ),
}


def words_for(state: str, level: str = "", *, exact: bool = False, method: str = "rebuild") -> Words:
    """What a state or a result means; of a match its level decides."""
    if method == "static" and state in _STATIC:
        return _STATIC[state]
    if state == "match":
        return _BUILT["exact" if level == "archive" and exact else level or "bitwise"]
    return _BUILT[state]


# What states are called where files are counted.
COUNTED: Final = {
    "match": "reproduced",
    "mismatch": "differ",
    "disputed": "disputed",
    "build-failed": "not built",
    "not-attempted": "not attempted",
}
KINDS: Final = {
    "content": "the bytes differ",
    "executable-bit": "the exec bit differs",
    "only-in-published": "only in the published wheel",
    "only-in-rebuilt": "only in the rebuilt wheel",
    "filename": "the name of the file differs",
}
