"""The observation: one witness, one artifact, one outcome. The predicate of our in-toto statement.

Frozen values that hold their own invariants, so that an observation that contradicts itself cannot be built,
signed or read. Keys are lowerCamelCase on the wire, times are RFC 3339 in UTC to the second, absent values are
absent. Unknown keys are refused: a new meaning gets a new predicate type, never a silent addition.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)
from pydantic.alias_generators import to_camel

from witness.digest import SHA256_HEX

# `.example` is reserved and resolves nowhere: a name, not an address (docs/adr/0003).
PREDICATE_TYPE: Final = "https://wheelwitness.example/observation/v1"

Method = Literal["rebuild", "static"]
Result = Literal["match", "mismatch", "build-failed", "not-attempted"]
Level = Literal["bitwise", "archive", "metadata", "content"]
LEVELS: Final[tuple[Level, ...]] = ("bitwise", "archive", "metadata", "content")

# To newer Pythons 24:00 is a time as well, and another name for that of the next day.
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T(?!24)\d{2}:\d{2}:\d{2}Z", re.ASCII)


def _parse_time(value: object) -> datetime:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        return value.astimezone(UTC).replace(microsecond=0)
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise ValueError("not a time of the form 2026-01-31T23:59:59Z")
    return datetime.fromisoformat(value)


def format_time(value: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


Time = Annotated[datetime, BeforeValidator(_parse_time), PlainSerializer(format_time, return_type=str)]
Sha256 = Annotated[str, Field(pattern=f"^{SHA256_HEX.pattern}$")]  # `$` is the very end to pydantic's engine
Short = Annotated[str, Field(max_length=300)]
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]  # RFC 8785: what a double holds exactly


class Wire(BaseModel):
    """What crosses a wire: strict, frozen, closed, camel-cased."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        strict=True,
        # JSON has lists only; a tuple of ours is one of its lists.
        ser_json_inf_nan="constants",
    )

    def wire(self) -> dict[str, Any]:
        """As JSON values, without what is absent."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class Ordered(Wire):
    """A `Wire` whose fields are declared in the order of RFC 8785, so that it is written in its one text at once.

    What it is made of is ordered, too, and holds no floating-point numbers.
    """

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        names = [field.serialization_alias or name for name, field in cls.model_fields.items()]
        if names != sorted(names):
            raise TypeError(f"{cls.__name__}: fields that are not declared in the order of their names")

    def canonical(self) -> bytes:
        """`canonical.dumps(self.wire())`."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()


def _in_order(value: dict[str, str]) -> dict[str, str]:
    """By UTF-16 units, as RFC 8785 has it."""
    return dict(sorted(value.items(), key=lambda item: item[0].encode("utf-16-be")))


class DigestSet(Ordered):
    """in-toto DigestSet, of which we use SHA-256 alone."""

    sha256: Sha256


class Resource(Ordered):
    """The part of an in-toto ResourceDescriptor that we write."""

    digest: DigestSet
    name: Short


class Digests(Ordered):
    """What two nodes with another zlib or clock still agree on (witness.wheel.manifest)."""

    dist_info_digest: Sha256
    payload_digest: Sha256


class RuleUse(Ordered):
    """One rule that equated two values, with both of them."""

    id: Short
    path: Short
    published: Short
    rebuilt: Short


class Difference(Ordered):
    """One member, or the archive itself (empty path), that differs."""

    kind: Short
    path: Short


class Finding(Ordered):
    """What the published file gets wrong by itself, at one member or in the archive (empty path)."""

    kind: Short
    path: Short


class Comparison(Ordered):
    """Two wheels held against each other under one rule set.

    `findings` are of the published file and are absent where there are none, with their total.
    """

    archive_exact: bool
    differences: tuple[Difference, ...] = ()
    differences_total: Count = 0
    findings: tuple[Finding, ...] | None = None
    findings_total: Count | None = None
    published: Digests | None = None
    rebuilt: Digests | None = None
    record_digest: Sha256 | None = None
    report: Resource | None = None
    rule_set: Short
    rules: tuple[RuleUse, ...] = ()


class Published(Ordered):
    """What the index said of the published file when it was fetched."""

    index_serial: Count | None = None
    provenance: DigestSet | None = None
    size: Count
    upload_time: Time | None = None
    yanked: bool = False


class Requirement(Ordered):
    """One distribution that the build environment held.

    `built_from` is there where the index has no wheel of it: the sdist that this witness built it from. `sha256` is
    then that of the witness's own wheel.
    """

    built_from: DigestSet | None = None
    name: Short
    sha256: Sha256
    version: Short


class Environment(Ordered):
    """Where the build ran."""

    interpreter: Short
    platform: Short
    requirements: tuple[Requirement, ...] = ()
    variables: Annotated[dict[Short, Short], AfterValidator(_in_order)] = {}


class Tool(Ordered):
    """The software that made the observation."""

    name: Short
    version: Short


class Builder(Ordered):
    """The node, by the name that it publishes under."""

    name: Short
    tool: Tool


class Attempt(Ordered):
    """How much trying was behind the outcome."""

    count: Count
    finished_at: Time
    outputs: tuple[Sha256, ...] = ()
    started_at: Time


class Failure(Ordered):
    """Why nothing could be compared: never a disagreement."""

    cause: Short
    detail: Short = ""
    phase: Short


class Observation(Ordered):
    """See the module's docstring; DESIGN.md section 5 gives the fields."""

    attempt: Attempt
    builder: Builder
    comparison: Comparison | None = None
    environment: Environment | None = None
    failure: Failure | None = None
    isolation: Short | None = None
    level: Level | None = None
    method: Method
    previous: Count | None = None
    published: Published
    purl: Annotated[str, Field(max_length=1000)]  # holds a file's name besides project and version
    rebuilt: Resource | None = None
    recipe: DigestSet | None = None
    result: Result
    source: Resource | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        compared = self.result in ("match", "mismatch")
        if (self.level is not None) != (self.result == "match"):
            raise ValueError("a match has a level, and nothing else has")
        if (self.comparison is not None) != compared:
            raise ValueError("a match or mismatch has a comparison, and nothing else has")
        if (self.failure is None) != compared:
            raise ValueError("what was not compared has a failure, and nothing else has")
        if self.comparison is not None:
            _check_comparison(self.comparison, self.level)
        if compared and self.method == "rebuild" and (self.rebuilt is None or self.recipe is None):
            raise ValueError("a compared rebuild names its output and its recipe")
        if self.method == "static":
            self._check_static()
        return self

    def _check_static(self) -> None:
        """Nothing was run, so there is nothing that it ran in, and no output (docs/adr/0022-static-check.md)."""
        if self.rebuilt or self.recipe or self.environment or self.isolation or self.attempt.count:
            raise ValueError("a static check runs nothing and makes nothing")
        if self.attempt.outputs or self.result == "build-failed":
            raise ValueError("a static check builds nothing")
        if self.level not in (None, "metadata"):
            raise ValueError(f"a static check cannot tell level {self.level}")


def _check_comparison(comparison: Comparison, level: Level | None) -> None:
    _check_findings(comparison)
    if comparison.differences_total < len(comparison.differences):
        raise ValueError("fewer differences in total than are listed")
    if (comparison.differences_total > 0) != (level is None):
        raise ValueError("a mismatch has differences, and a match has none")
    if comparison.archive_exact and level not in ("bitwise", "archive"):
        raise ValueError("exact without the same members")
    if level is None:
        return
    ours, theirs = comparison.published, comparison.rebuilt
    if ours is None or theirs is None or comparison.record_digest is None:
        raise ValueError("a match has the digests of both sides")
    if level != "content" and ours.payload_digest != theirs.payload_digest:
        raise ValueError(f"level {level} with different payloads")
    if level in ("bitwise", "archive") and (ours != theirs or comparison.rules):
        raise ValueError(f"level {level} with different members")
    if level in ("metadata", "content") and not comparison.rules:
        raise ValueError(f"level {level} without a rule")
    if level == "bitwise" and not comparison.archive_exact:
        raise ValueError("the same file is always exact")


def _check_findings(comparison: Comparison) -> None:
    listed, total = comparison.findings, comparison.findings_total
    if (listed is None) != (total is None):
        raise ValueError("findings and their total go together")
    if listed is not None and total is not None and not 0 < total >= len(listed):
        raise ValueError("findings without one, or fewer in total than are listed")
