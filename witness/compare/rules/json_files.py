"""metadata.json (PEP 426, withdrawn) and pbr.json, which releases of wheel and pbr wrote in the order of a dict."""

from typing import Final

from witness.compare.rules.rule import Pair, Rule, Subject, Uses
from witness.compare.rules.strict_json import read_json

JSON_ORDER: Final = Rule(
    "json-order@1",
    "metadata",
    "`metadata.json`, `pbr.json`",
    "the order of keys, and white space between values",
    "another key or value, such as `1.0` for `1`; another order in a list; a key twice; NaN; nesting beyond "
    "64; more than 4 MiB",
    "No installer reads these files, and whoever does, reads objects by their keys.",
)
_NAMES: Final = ("metadata.json", "pbr.json")


def _judge(pair: Pair) -> Uses | None:
    ours, theirs = (read_json(content) for content in pair.contents())
    return (pair.use_of(JSON_ORDER),) if ours == theirs else None


SUBJECT: Final = Subject((JSON_ORDER,), lambda pair: pair.about in _NAMES, _judge)
