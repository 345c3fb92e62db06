"""A report: one row for each entry that was checked, and what all of them together mean for an exit code."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from witness.errors import InputError
from witness.evidence import AsOf
from witness.outcome import AGAINST as SPEAKING_AGAINST
from witness.outcome import BAD_SIGNATURE, DEFAULT_FAIL_ON, FAILURES, OUTCOMES, Outcome
from witness.pins.pin import Origin, Recognised
from witness.verdict import Verdict

SATISFIED: Final = 0
AGAINST: Final = 1
UNUSABLE: Final = 2
INSUFFICIENT: Final = 3
NOTHING: Final = 4
INCOMPLETE: Final = 5
# When several apply: positive evidence outranks a partial outage, which outranks missing evidence.
PRECEDENCE: Final = (UNUSABLE, AGAINST, INCOMPLETE, INSUFFICIENT, NOTHING, SATISFIED)
SOON_DAYS: Final = 30  # an exemption that ends within these is told


@dataclass(frozen=True, slots=True)
class Row:
    """One entry: a file, or a line of a lock or requirements file.

    `verdict` is the entry's; `files` has that of each file that it allows, and is empty if none could be looked up.
    `unusable`: the entry itself has to be mended before anything can be said. `known`: a baseline has it, no better
    than it is now, so that it does not fail again. `project` and `version` are normalised, and empty if not known.
    """

    name: str
    origin: str
    verdict: Verdict | None
    outcome: Outcome
    reason: str
    filename: str | None = None
    files: tuple[Verdict, ...] = ()
    unusable: bool = False
    known: bool = False
    project: str = ""
    version: str = ""
    place: Origin | None = None

    @property
    def bad_signature(self) -> bool:
        """Whether anything that was served about the entry fails verification."""
        return any(verdict.bad_signature for verdict in self.files)

    @property
    def sha256(self) -> str | None:
        """The file that the outcome is about, if it is about one: several hashes without evidence are not."""
        if self.verdict is None or (len(self.files) > 1 and not self.verdict.compared):
            return None
        return self.verdict.artifact.sha256

    @property
    def interesting(self) -> bool:
        """Whether someone should look at it."""
        return self.bad_signature or self.outcome not in ("reproduced", "equivalent", "exempt")


@dataclass(frozen=True, slots=True)
class ExemptionUse:
    """An exemption of the policy, whether an entry that was checked is of its project, and how many days it has left:
    0 on its last day, negative after it.
    """

    package: str
    reason: str
    expires: date
    used: bool
    days_left: int

    @property
    def ends_soon(self) -> bool:
        """Whether it still holds, for `SOON_DAYS` at most."""
        return 0 <= self.days_left <= SOON_DAYS


@dataclass(frozen=True, slots=True)
class Report:
    """Every row, in the order of the inputs, and notes on what was left out.

    `inputs` says what each file was taken for, and `unchanged` counts entries left out as known from elsewhere.
    `gone` are entries of a baseline that are not among the rows; None where there was no baseline. `as_of` is how old a
    snapshot is that was asked.
    """

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    inputs: tuple[Recognised, ...] = ()
    unchanged: int = 0
    exemptions: tuple[ExemptionUse, ...] = ()
    gone: tuple[str, ...] | None = None
    as_of: tuple[AsOf, ...] = ()

    @property
    def counts(self) -> dict[Outcome, int]:
        """How many rows have which outcome, without zeros, in the order of the vocabulary."""
        counter = Counter(row.outcome for row in self.rows)
        return {outcome: counter[outcome] for outcome in OUTCOMES if counter[outcome]}

    def exit_code(self, fail_on: frozenset[str] = DEFAULT_FAIL_ON) -> int:
        """The code of DESIGN.md section 7. `fail_on` chooses what becomes 1 and 3, and nothing else."""
        codes = {code for row in self.rows for code in row_codes(row, fail_on)}
        if all(row.outcome == "not-applicable" for row in self.rows) and not self.unchanged:
            codes.add(NOTHING)
        return next((code for code in PRECEDENCE if code in codes), SATISFIED)


def parse_fail_on(text: str) -> frozenset[str]:
    """The set in a comma-separated list of outcomes; `none` is the empty one. Raises InputError."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names == ["none"]:
        return frozenset()
    for name in names:
        if name not in FAILURES:
            hint = f"Choose from {', '.join(FAILURES)}, or none."
            raise InputError(f"--fail-on: no such outcome: {name!r}", hint=hint)
    if not names:
        raise InputError("--fail-on: empty", hint="Say none if nothing shall fail.")
    return frozenset(names)


def row_codes(row: Row, fail_on: frozenset[str]) -> Sequence[int]:
    """The exit codes that `row` alone asks for. What a baseline knows asks for no 1 or 3."""
    if row.unusable:
        return [UNUSABLE]
    failing = [INCOMPLETE] if row.outcome == "error" else []
    if row.known:
        return failing
    if row.outcome != "error" and row.outcome in fail_on:
        failing.append(AGAINST if row.outcome in SPEAKING_AGAINST else INSUFFICIENT)
    if row.bad_signature and BAD_SIGNATURE in fail_on:
        failing.append(AGAINST)
    return failing
