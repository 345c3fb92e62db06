"""The in-toto Statement v1 around an observation: canonical bytes out, a checked value in.

Exactly one subject, the published file. `encode(parse(data)) == data` for every `data` that parses.
"""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import Field, ValidationError

from witness import canonical
from witness.errors import Malformed
from witness.limits import MAX_STATEMENT, MIB
from witness.names import WheelName
from witness.observation import PREDICATE_TYPE, Comparison, DigestSet, Observation, Ordered, Resource
from witness.recent import recent

STATEMENT_TYPE: Final = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"


@dataclass(frozen=True, slots=True)
class Statement:
    """An observation of the published file `filename` with the SHA-256 `sha256`."""

    filename: str
    sha256: str
    observation: Observation


class _Wire(Ordered):
    type: str = Field(alias="_type")
    predicate: Observation
    predicate_type: str
    subject: tuple[Resource, ...]


def encode(statement: Statement) -> bytes:
    """The canonical bytes, which are what is signed.

    Long lists of differences and findings are cut, never their total, until the statement fits its limit.

    Raises:
        Malformed: the statement contradicts its subject, or is too large in spite of the cutting.
    """
    _check_subject(statement)
    observation = statement.observation
    while len(data := canonical.dumps(_value(statement, observation))) > MAX_STATEMENT:
        fewer = observation.comparison and _shortened(observation.comparison)
        if fewer is None:
            raise Malformed(f"{statement.filename}: a statement of {len(data)} bytes is too large")
        observation = observation.model_copy(update={"comparison": fewer})
    return data


def _shortened(comparison: Comparison) -> Comparison | None:
    """With half of what its longer list had; None if nothing is left to cut."""
    listed = {"differences": comparison.differences, "findings": comparison.findings or ()}
    longer = max(listed, key=lambda name: len(listed[name]))
    if not listed[longer]:
        return None
    return comparison.model_copy(update={longer: listed[longer][: len(listed[longer]) // 2]})


# Whoever finds out whom a statement is by, or when it was made, has parsed it before it is verified.
@recent(8 * MIB)
def parse(data: bytes) -> Statement:
    """The statement in `data`.

    Raises:
        Malformed: larger than the limit, not canonical, of another type, or inconsistent in itself.
    """
    if len(data) > MAX_STATEMENT:
        raise Malformed(f"statement: {len(data)} bytes, more than the {MAX_STATEMENT} allowed")
    try:
        wire = _Wire.model_validate_json(data)
    except ValidationError as error:
        raise Malformed(f"statement: {_first(error)}") from None
    if wire.type != STATEMENT_TYPE or wire.predicate_type != PREDICATE_TYPE:
        raise Malformed(f"statement: not of the types {STATEMENT_TYPE} and {PREDICATE_TYPE}")
    if len(wire.subject) != 1:
        raise Malformed(f"statement: {len(wire.subject)} subjects instead of one")
    (subject,) = wire.subject
    statement = Statement(subject.name, subject.digest.sha256, wire.predicate)
    _check_subject(statement)
    # Whatever the parser let pass (an order of keys, a key twice, an explicit null) is not what we would write.
    if wire.canonical() != data:
        raise Malformed("statement: not in its one canonical form (RFC 8785)")
    return statement


def _value(statement: Statement, observation: Observation) -> dict[str, Any]:
    subject = Resource(name=statement.filename, digest=DigestSet(sha256=statement.sha256))
    return {
        "_type": STATEMENT_TYPE,
        "subject": [subject.wire()],
        "predicateType": PREDICATE_TYPE,
        "predicate": observation.wire(),
    }


def _check_subject(statement: Statement) -> None:
    observation = statement.observation
    if observation.rebuilt is not None and observation.result in ("match", "mismatch"):
        rebuilt = observation.rebuilt
        same = rebuilt.digest.sha256 == statement.sha256
        if same != (observation.level == "bitwise") and not (same and _differs_by_name(observation)):
            raise Malformed(f"{statement.filename}: level bitwise and the same digest go together")
        if observation.result == "match" and not _same_name(rebuilt.name, statement.filename):
            raise Malformed(f"{statement.filename}: a match with the file {rebuilt.name!r}, which is another")


def _differs_by_name(observation: Observation) -> bool:
    listed = observation.comparison.differences if observation.comparison else ()
    return any(difference.kind == "filename" for difference in listed)


def _same_name(one: str, other: str) -> bool:
    try:
        return one == other or WheelName.parse(one).agrees_with(WheelName.parse(other))
    except Malformed:
        return False


def _first(error: ValidationError) -> str:
    detail = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}"[:300]
