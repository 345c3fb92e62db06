"""How a build requirement is built of which the index has only an sdist. Pure.

There is no published wheel to infer anything from: the sdist alone says how, as it would have to pip.
"""

from datetime import datetime
from typing import Final

from rebuilders.facts.sdist import SdistFacts
from rebuilders.plan.infer import (
    BACKEND_OFF_PATH,
    BEFORE_PEP_517,
    PEP_517_DEFAULT,
    PEP_517_SINCE,
    setup_requires,
)
from rebuilders.plan.recipe import STEADY, Candidate, Frontend, Reason
from rebuilders.plan.requirement import parse_requirement
from witness.errors import Malformed

_FIRST: Final = 315_532_800  # 1980-01-01, the first time that a ZIP file can hold
_LAST: Final = 4_354_819_198  # the end of 2107, the last


def source_candidate(sdist: SdistFacts, python: str, as_of: datetime | None) -> Candidate:
    """The one way in which `sdist` is built with `python`, a minor version, from requirements as of `as_of`.

    Raises Malformed if its build requirements are not requirements.
    """
    declared = sdist.build_requires
    before = declared is None and as_of is not None and as_of < PEP_517_SINCE
    if before:
        requirements = (*BEFORE_PEP_517, *setup_requires(sdist))
    else:
        requirements = PEP_517_DEFAULT if declared is None else declared
    for text in requirements:
        try:
            parse_requirement(text)
        except Malformed as error:
            raise Malformed(f"{sdist.filename}: pyproject.toml: {error}") from None
    return Candidate(
        python=python,
        requirements=requirements,
        constraints=(),
        as_of=as_of,
        ask_backend=not before,
        variables={**STEADY, "SOURCE_DATE_EPOCH": str(_newest(sdist))},
        frontend="setup.py" if before else _hooks(sdist, as_of),
        reasons=(
            Reason(f"{sdist.filename} is built here", "the index has no wheel of it for this interpreter"),
        ),
    )


def _hooks(sdist: SdistFacts, as_of: datetime | None) -> Frontend:
    in_tree = bool((sdist.build_system or {}).get("backend-path"))
    return "pep517-sys-path" if in_tree and as_of is not None and as_of < BACKEND_OFF_PATH else "pep517"


def _newest(sdist: SdistFacts) -> int:
    """The newest time in the sdist, in seconds, so that the wheel does not hold that of its build."""
    newest = max((member.mtime for member in sdist.members.values()), default=_FIRST)
    return min(max(newest, _FIRST), _LAST)
