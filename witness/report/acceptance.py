"""Whether one file passes, where files are let through one by one: pages of an index, and hashes."""

from witness.outcome import BAD_SIGNATURE
from witness.verdict import Verdict


def passes(verdict: Verdict, fail_on: frozenset[str]) -> bool:
    """Whether nothing about `verdict` is among `fail_on`. What nobody could be asked about never passes."""
    if verdict.bad_signature and BAD_SIGNATURE in fail_on:
        return False
    return verdict.outcome != "error" and verdict.outcome not in fail_on
