"""Whom a consumer believes, and how many of them must agree. Pure. The format is in docs/reference/policy.md.

What a policy is (`values`), how its text is read (`text`), and which policies are refused though they read well
(`checks`).
"""

from witness.policy.checks import check_reachable
from witness.policy.text import parse
from witness.policy.values import (
    ACCEPTABLE,
    DEFAULT_MAX_AGE_DAYS,
    DEFAULT_MAX_SNAPSHOT_DAYS,
    LOOKUPS,
    PLACES,
    Exemption,
    Policy,
    TrustedService,
    TrustedWitness,
)

__all__ = [
    "ACCEPTABLE", "DEFAULT_MAX_AGE_DAYS", "DEFAULT_MAX_SNAPSHOT_DAYS", "LOOKUPS", "PLACES", "Exemption", "Policy",
    "TrustedService", "TrustedWitness", "check_reachable", "parse",
]  # fmt: skip
