"""The catalogue of named rules that may equate two different wheels at the levels `metadata` and `content`.

It is empty so far: only `bitwise` and `archive` are claimed. The id of the rule set names everything that affects
a comparison's result, and is signed with it: the formats of the manifests and the rules with their versions.
"""

from typing import Final

from witness.digest import sha256_hex

RULES: Final[tuple[str, ...]] = ()  # "name@version", each
_MANIFESTS: Final = ("wheelwitness-payload-v1", "wheelwitness-dist-info-v1", "wheelwitness-record-v1")


def rule_set_id() -> str:
    """The name of this rule set: `rules/1:` and a digest over all that is in it."""
    return "rules/1:" + sha256_hex("\n".join((*_MANIFESTS, *sorted(RULES))).encode())[:16]
