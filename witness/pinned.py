"""The verdict of a pin that allows several files, made from the verdicts of those files.

A requirements line with hashes allows wheels of several platforms and often the sdist, and does not say which hash
is which. Witnesses publish what they know about wheels, so:

1. evidence against any of the files is evidence against the pin;
2. otherwise the files count for which a witness served a comparison, and the worst of their verdicts is the
   pin's: one that is reproduced does not cover for another that is known and short of the policy;
3. otherwise the worst of all of them, so that without evidence the pin stays `insufficient`, `unbuildable` or
   `unattempted`.

Files that no witness compared are indistinguishable from sdists. They do not fail the pin, and they are not vouched
for: the report counts them. Pin single files (a wheel, or a lock that names files) for a verdict on each.
"""

from collections.abc import Sequence
from typing import Final

from witness.outcome import AGAINST, Outcome
from witness.verdict import Verdict

# Worst first. What speaks against comes before what is missing, and what is missing before what suffices.
SEVERITY: Final[tuple[Outcome, ...]] = (
    "divergent",
    "disputed",
    "error",
    "insufficient",
    "stale",
    "unbuildable",
    "unattempted",
    "equivalent",
    "reproduced",
    "exempt",
    "not-applicable",
)


def severity(verdict: Verdict) -> tuple[int, bool]:
    """Sorts verdicts, worst first."""
    return SEVERITY.index(verdict.outcome), not verdict.bad_signature


def decisive(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict among those of a pin's files (at least one) that is the pin's."""
    against = [item for item in verdicts if item.outcome in AGAINST or item.bad_signature]
    compared = [item for item in verdicts if item.compared]
    candidates = against or compared or list(verdicts)
    return min(candidates, key=lambda item: (*severity(item), item.artifact.sha256))
