"""The words for a verdict, and which of them a gate may be told to stop at. A leaf, so that policies can name them."""

from typing import Final, Literal, get_args

Outcome = Literal[
    "reproduced",
    "equivalent",
    "divergent",
    "disputed",
    "insufficient",
    "unattempted",
    "unbuildable",
    "stale",
    "exempt",
    "not-applicable",
    "error",
]
OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)
ACCEPTING: Final = frozenset({"reproduced", "equivalent", "exempt", "not-applicable"})
AGAINST: Final = frozenset({"divergent", "disputed"})  # positive evidence, not only a lack of it

BAD_SIGNATURE: Final = "bad-signature"  # no outcome: something that was served fails verification
FAILURES: Final = (*OUTCOMES, BAD_SIGNATURE)  # what a gate may be told to stop at
DEFAULT_FAIL_ON: Final = frozenset(
    {"divergent", "disputed", BAD_SIGNATURE, "insufficient", "unattempted", "unbuildable", "stale"}
)
