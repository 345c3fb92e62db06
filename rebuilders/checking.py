"""target → facts → static check: what can be said of a published wheel without a sandbox and without a build.

Every way in which a check can end is a `StaticReport`; what is raised says nothing of the target.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from rebuilders.errors import NotBuilt
from rebuilders.facts.sdist import read_sdist
from rebuilders.inputs import Target
from rebuilders.static.check import Checked, check
from witness.errors import Malformed
from witness.wheel.reader import read_wheel


@dataclass(frozen=True, slots=True)
class StaticReport:
    """What came of a static check, or the failure that was there instead. `seconds` in all, and for fetching.

    `target` is None where not even the published wheel could be had. Where `checked` is there without a match or a
    mismatch, `failure` says that members are open.
    """

    target: Target | None
    checked: Checked | None
    failure: NotBuilt | None
    seconds: dict[str, float]


def check_target(fetch: Callable[[], Target]) -> StaticReport:
    """Checks what `fetch` gives. Raises FetchFailed and InputError only."""
    started = time.monotonic()
    target, checked, failure, fetched = None, None, None, started
    try:
        target = fetch()
        fetched = time.monotonic()
        checked = _checked(target)
        if checked.result == "not-attempted":
            failure = _not_attempted(_told(checked), "static", "not-derivable")
    except NotBuilt as error:
        failure = error
    ended = time.monotonic()
    return StaticReport(target, checked, failure, {"total": ended - started, "fetch": fetched - started})


def _checked(target: Target) -> Checked:
    """Raises NotBuilt where there is nothing to check, or it cannot be read."""
    if target.sdist is None:
        raise _not_attempted(
            f"the release has no sdist that {target.name.filename} could follow from", "locate", "no-sdist"
        )
    if not target.name.is_pure:
        raise _not_attempted(f"{target.name.filename}: not a pure wheel", "plan", "native-wheel")
    try:
        wheel = read_wheel(target.data)
    except Malformed as error:
        raise _not_attempted(f"{target.name.filename}: {error}", "read", "malformed-wheel") from None
    try:
        sdist = read_sdist(target.sdist.data, target.sdist.filename, target.sdist.sha256)
        return check(wheel, target.name, sdist)
    except Malformed as error:
        raise _not_attempted(str(error), "read", "malformed-sdist") from None


def _told(checked: Checked) -> str:
    reasons: dict[str, int] = {}
    for item in checked.open:
        reasons[item.reason] = reasons.get(item.reason, 0) + 1
    told = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    return f"{len(checked.open)} of {checked.members} members do not follow from the sdist without a build: {told}"


def _not_attempted(message: str, phase: str, cause: str) -> NotBuilt:
    return NotBuilt(message, result="not-attempted", phase=phase, cause=cause)
