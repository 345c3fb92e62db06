"""Build requirements that are fit to be resolved: each a release of a project, on one line.

They come from strangers, as a table in a file or as a hook's answer, and go into a requirements file for uv, which
runs outside the sandbox. There, a line break inside a quoted marker would begin an option, and a URL would be fetched.
"""

from packaging.requirements import InvalidRequirement, Requirement

from witness.errors import Malformed
from witness.escape import printable


def parse_requirement(text: str) -> Requirement:
    """The requirement `text` (PEP 508). Raises Malformed if it is none, names an address, or cannot be printed."""
    shown = printable(text, limit=80)
    if not text.isprintable():
        raise Malformed(f"{shown!r} is not a requirement: it has control characters")
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        words = printable(" ".join(str(error).split()), limit=200)
        raise Malformed(f"{shown!r} is not a requirement: {words}") from None
    if requirement.url is not None:
        raise Malformed(f"{shown!r} names an address, not a release")
    return requirement
