"""How to produce a claim: take the published sdist, rebuild the wheel in a sandbox, compare, observe."""
