"""What is stopped at, and whether one file passes, where files are let through one by one: on pages, and by hashes."""

from witness.outcome import BAD_SIGNATURE, DEFAULT_FAIL_ON
from witness.policy import Policy
from witness.verdict import Verdict


def stops_at(given: frozenset[str] | None, policy: Policy) -> frozenset[str]:
    """What does not pass: what was `given` for this run, or what the policy says, or the default."""
    return next(each for each in (given, policy.fail_on, DEFAULT_FAIL_ON) if each is not None)


def passes(verdict: Verdict, fail_on: frozenset[str]) -> bool:
    """Whether nothing about `verdict` is among `fail_on`. What nobody could be asked about never passes."""
    if verdict.bad_signature and BAD_SIGNATURE in fail_on:
        return False
    return verdict.outcome != "error" and verdict.outcome not in fail_on
