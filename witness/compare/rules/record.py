"""RECORD (PEP 376, PEP 427): a function of the other members, once it was checked against them."""

from typing import Final

from witness.compare.rules.rule import Pair, Rule, Subject, Uses
from witness.wheel.reader import Wheel
from witness.wheel.record import record_findings

RECORD: Final = Rule(
    "record-complete@1",
    "metadata",
    "`RECORD`",
    "the whole file: order, quotes, line ends",
    "a `RECORD` that does not list every member of its own wheel exactly once, with its hash (SHA-256 or longer) "
    "and size, and nothing else",
    "It follows from the other members, which are compared. Installers write one of their own.",
)


def records_hold(*wheels: Wheel) -> bool:
    """Whether each wheel's RECORD is right about it. Where not, no rule may equate what RECORD should have told."""
    return not any(True for wheel in wheels for _ in record_findings(wheel))


def _judge(pair: Pair) -> Uses | None:
    return (pair.use_of(RECORD),) if records_hold(pair.published, pair.rebuilt) else None


SUBJECT: Final = Subject((RECORD,), lambda pair: pair.about == "RECORD", _judge)
