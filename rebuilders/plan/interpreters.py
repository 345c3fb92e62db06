"""Which Python a wheel was probably built with, among those that there are."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from rebuilders.plan.recipe import Reason

# First releases, from the release PEPs of each version.
RELEASED: Final = {
    "3.6": datetime(2016, 12, 23, tzinfo=UTC),
    "3.7": datetime(2018, 6, 27, tzinfo=UTC),
    "3.8": datetime(2019, 10, 14, tzinfo=UTC),
    "3.9": datetime(2020, 10, 5, tzinfo=UTC),
    "3.10": datetime(2021, 10, 4, tzinfo=UTC),
    "3.11": datetime(2022, 10, 24, tzinfo=UTC),
    "3.12": datetime(2023, 10, 2, tzinfo=UTC),
    "3.13": datetime(2024, 10, 7, tzinfo=UTC),
    "3.14": datetime(2025, 10, 7, tzinfo=UTC),
    "3.15": datetime(2026, 10, 1, tzinfo=UTC),
}
_BEFORE: Final = datetime(2000, 1, 1, tzinfo=UTC)  # for what is older than the table
_AFTER: Final = datetime(9000, 1, 1, tzinfo=UTC)  # for what is newer
_ADOPTION: Final = timedelta(days=90)  # until publishers' machines have a new Python
_NO_DISTUTILS: Final = Version("3.12")  # setup scripts of before it may need distutils


def rank(
    available: tuple[str, ...],
    requires_python: str,
    as_of: datetime | None,
    lacking: str = "is not on this machine",
) -> tuple[tuple[str, Reason], ...]:
    """The minor versions `available`, most likely first, each with why it stands there.

    Where the time is known, the reason names the best of the versions that are not available, too, and says that it
    is `lacking`.
    """
    allowed = _specifier(requires_python)
    scored = []
    for minor in available if as_of is None else dict.fromkeys((*RELEASED, *available)):
        fits = allowed.contains(f"{minor}.99", prereleases=True)
        timely = as_of is None or _released(minor) + _ADOPTION <= as_of
        before = as_of is not None and as_of < RELEASED["3.12"]
        imports = not (before and Version(minor) >= _NO_DISTUTILS)
        scored.append(((fits, imports, timely, Version(minor)), minor))
    # Of those that are too new, the oldest is nearest; of the others, the newest.
    scored.sort(key=lambda item: (*item[0][:3], _nearness(item[1], timely=item[0][2])), reverse=True)
    ranked: list[tuple[str, Reason]] = []
    nearer = ""
    for score, minor in scored:
        if minor in available:
            reason = _reason(minor, score, requires_python, as_of, first=not ranked)
            if nearer:
                reason = replace(
                    reason, because=f"{reason.because}; Python {nearer} would be nearer, but {lacking}"
                )
            ranked.append((minor, reason))
        else:
            nearer = nearer or minor
    return tuple(ranked)


def _released(minor: str) -> datetime:
    older = Version(minor) < Version(next(iter(RELEASED)))
    return RELEASED.get(minor, _BEFORE if older else _AFTER)


def _nearness(minor: str, *, timely: bool) -> int:
    number = int(minor.split(".")[1])
    return number if timely else -number


def _reason(
    minor: str,
    score: tuple[bool, bool, bool, Version],
    requires_python: str,
    as_of: datetime | None,
    *,
    first: bool,
) -> Reason:
    fits, imports, timely, _ = score
    day = f"{as_of:%Y-%m-%d}" if as_of else "the build"
    if not fits:
        why = f"none better on this machine: the project asks for Python {requires_python}"
    elif not imports:
        why = f"none better on this machine: it lacks the distutils that builds of {day} may import"
    elif not timely:
        why = f"none better on this machine: it was not yet in use on {day}"
    else:
        best = "the newest here" if first else "the next best here"
        why = f"{best} that was in use on {day} and that Requires-Python {requires_python or '(any)'} allows"
    return Reason(f"Python {minor}", why)


def _specifier(text: str) -> SpecifierSet:
    try:
        return SpecifierSet(text)
    except InvalidSpecifier:
        return SpecifierSet("")
