"""A summary that a consumer signs: these files were accepted, at that time, under the policy with that digest.

An in-toto Statement v1 with the predicate Simple Verification Result v0.2 (docs/adr/0037), in a DSSE envelope of one
signature, both in RFC 8785 form. Subjects are accepted files alone; their verdict and level are annotations. It is for
whoever trusts the consumer's key, and who then need not ask the witnesses again. Pure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import Field, ValidationError

from witness import canonical, dsse
from witness.errors import Malformed
from witness.keys import ObservationKey
from witness.limits import MAX_SUMMARY
from witness.observation import DigestSet, Short, Time, Wire, format_time
from witness.statement import STATEMENT_TYPE

PREDICATE_TYPE: Final = "https://in-toto.io/attestation/svr/v0.2"
# A name that resolves nowhere, like the predicate type of observations. Its version is that of the rules of verdicts.
VERIFIER: Final = "https://wheelwitness.example/verifier/v1"
ACCEPTED: Final = "WHEELWITNESS:POLICY_SATISFIED"


@dataclass(frozen=True, slots=True)
class Accepted:
    """One file that the policy accepted."""

    filename: str
    sha256: str
    verdict: str
    level: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What is signed. `policies` are the name and SHA-256 of each file that the policy was made of, one at least."""

    created: datetime
    policies: tuple[tuple[str, str], ...]
    accepted: tuple[Accepted, ...]


class _Annotations(Wire):
    verdict: Short
    level: Short


class _Subject(Wire):
    name: Short
    digest: DigestSet
    annotations: _Annotations


class _PolicyDescriptor(Wire):
    name: Short
    digest: DigestSet


class _Verifier(Wire):
    id: Short
    policies: tuple[_PolicyDescriptor, ...]


class _Result(Wire):
    verifier: _Verifier
    time_created: Time
    properties: tuple[Short, ...]


class _Wire(Wire):
    type: str = Field(alias="_type")
    subject: tuple[_Subject, ...]
    predicate_type: str
    predicate: _Result


def sign(summary: Summary, key: ObservationKey, signature: Callable[[bytes], bytes]) -> bytes:
    """The envelope, where `signature` makes `key`'s signatures.

    Raises:
        Malformed: nothing was accepted, or more than a summary can hold.
    """
    if not summary.accepted:
        raise Malformed("a summary of nothing")
    return dsse.encode(dsse.seal(canonical.dumps(_value(summary)), key, signature), limit=MAX_SUMMARY)


def open_summary(data: bytes, keys: Sequence[ObservationKey]) -> Summary:
    """The summary in the envelope `data`, signed by one of `keys`.

    Raises:
        Malformed: it is no such envelope, or holds something else.
        Unverified: none of them signed it.
    """
    payload = dsse.open_envelope(dsse.parse(data, limit=MAX_SUMMARY), keys).payload
    try:
        wire = _Wire.model_validate_json(payload)
    except ValidationError as error:
        detail = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise Malformed(f"summary: {'.'.join(map(str, detail['loc']))}: {detail['msg']}"[:300]) from None
    verifier = wire.predicate.verifier
    if (wire.type, wire.predicate_type, verifier.id) != (STATEMENT_TYPE, PREDICATE_TYPE, VERIFIER):
        raise Malformed(f"summary: not a {PREDICATE_TYPE} by {VERIFIER}")
    if not verifier.policies or wire.predicate.properties != (ACCEPTED,) or not wire.subject:
        raise Malformed(f"summary: without a policy, the property {ACCEPTED} or a subject")
    summary = Summary(
        created=wire.predicate.time_created,
        policies=tuple((item.name, item.digest.sha256) for item in verifier.policies),
        accepted=tuple(
            Accepted(item.name, item.digest.sha256, item.annotations.verdict, item.annotations.level)
            for item in wire.subject
        ),
    )
    if canonical.dumps(_value(summary)) != payload:
        raise Malformed("summary: not in its one canonical form (RFC 8785)")
    return summary


def _value(summary: Summary) -> dict[str, Any]:
    return {
        "_type": STATEMENT_TYPE,
        "subject": [
            {
                "name": item.filename,
                "digest": {"sha256": item.sha256},
                "annotations": {"verdict": item.verdict, "level": item.level},
            }
            for item in summary.accepted
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "verifier": {
                "id": VERIFIER,
                "policies": [
                    {"name": name, "digest": {"sha256": digest}} for name, digest in summary.policies
                ],
            },
            "timeCreated": format_time(summary.created),
            "properties": [ACCEPTED],
        },
    }
