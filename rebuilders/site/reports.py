"""A difference report in JSON, read strictly: the wheel that it is about may have had a hand in it. Pure.

It is not signed; the observation names it by its digest, and only that one is shown beside it. What is read is bounded,
and each text of it is made printable and escaped when it is shown.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from witness.canonical import loads
from witness.digest import sha256_hex
from witness.errors import Malformed
from witness.limits import MAX_REPORT
from witness.observation import Observation

_MAX_LIST: Final = 2_000

Text = Annotated[str, Field(max_length=4_000)]
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
Hex = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Severity = Literal["runs", "installs", "tells", "form"]


class _Read(BaseModel):
    """Keys may be added within a version of the schema, so unknown ones are left alone, unread."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", frozen=True, strict=True)


class ReportDifference(_Read):
    """A difference: where, which kind, the class with its weight, and one line that shows it."""

    path: Text
    kind: Text
    class_: Text = Field(alias="class")
    severity: Severity
    detail: Text


class ReportChange(_Read):
    """A field of the archive alone that differs, in so many members."""

    field: Text
    path: Text
    published: Text
    rebuilt: Text
    count: Count


class ReportWheel(_Read):
    """One of the two wheels."""

    filename: Text
    sha256: Hex
    size: Count
    members: Count
    payload_digest: Hex
    dist_info_digest: Hex | None = None


class ReportReason(_Read):
    """A decision of the recipe, and why it was taken."""

    decision: Text
    because: Text


class ReportRebuild(_Read):
    """How it was rebuilt."""

    backend: Text | None = None
    cause: Text | None = None
    attempts: Count = 0
    explanation: Annotated[list[ReportReason], Field(max_length=_MAX_LIST)] = []
    reasons: Annotated[list[ReportReason], Field(max_length=_MAX_LIST)] = []


class DifferenceReport(_Read):
    """As much of report/1 as a page shows."""

    schema_: Literal["report/1"] = Field(alias="schema")
    name: Text
    result: Literal["match", "mismatch", "build-failed", "not-attempted"]
    level: Literal["bitwise", "archive", "metadata", "content"] | None = None
    differences: Annotated[list[ReportDifference], Field(max_length=_MAX_LIST)] = []
    differences_total: Count = 0
    container: Annotated[list[ReportChange], Field(max_length=_MAX_LIST)] = []
    published: ReportWheel | None = None
    rebuilt: ReportWheel | None = None
    rebuild: ReportRebuild | None = None

    def of_severity(self, severity: str) -> list[ReportDifference]:
        """The differences that weigh so much."""
        return [difference for difference in self.differences if difference.severity == severity]


def parse(data: bytes, sha256: str, observed: Observation) -> DifferenceReport:
    """The report in `data` on the file `sha256`, of which `observed` is an observation.

    Raises:
        Malformed: it is not the report that the observation names, is none, or says something else.
    """
    named = observed.comparison.report if observed.comparison else None
    if named is None or named.digest.sha256 != sha256_hex(data):
        raise Malformed("report: not the one that the observation names")
    value: Any = loads(data, what="report", limit=MAX_REPORT)
    try:
        read = DifferenceReport.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))[:100]
        raise Malformed(f"report: {where}: {first['msg']}"[:300]) from None
    if read.published is None or read.published.sha256 != sha256:
        raise Malformed("report: of another file")
    if (read.result, read.level) != (observed.result, observed.level):
        raise Malformed("report: of another result than was observed")
    rebuilt = observed.rebuilt
    if rebuilt is not None and (read.rebuilt is None or read.rebuilt.sha256 != rebuilt.digest.sha256):
        raise Malformed("report: of another rebuilt wheel than was observed")
    return read
