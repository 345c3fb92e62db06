"""A report: one row for each entry that was checked, and what all of them together mean for an exit code."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from witness.errors import InputError
from witness.evidence import AsOf
from witness.verdict import OUTCOMES, Outcome, Verdict

BAD_SIGNATURE: Final = "bad-signature"
FAILURES: Final = (*OUTCOMES, BAD_SIGNATURE)  # what --fail-on may name
DEFAULT_FAIL_ON: Final = frozenset(
    {"divergent", "disputed", BAD_SIGNATURE, "insufficient", "unattempted", "unbuildable", "stale"}
)

SATISFIED: Final = 0
AGAINST: Final = 1
UNUSABLE: Final = 2
INSUFFICIENT: Final = 3
NOTHING: Final = 4
INCOMPLETE: Final = 5
# When several apply: positive evidence outranks a partial outage, which outranks missing evidence.
PRECEDENCE: Final = (UNUSABLE, AGAINST, INCOMPLETE, INSUFFICIENT, NOTHING, SATISFIED)
_AGAINST: Final = frozenset({"divergent", "disputed"})


@dataclass(frozen=True, slots=True)
class Row:
    """One entry: a file, or a line of a lock or requirements file.

    `verdict` is the entry's; `files` has that of each file that it allows, and is empty if none could be looked up.
    `unusable`: the entry itself has to be mended before anything can be said.
    """

    name: str
    origin: str
    verdict: Verdict | None
    outcome: Outcome
    reason: str
    filename: str | None = None
    files: tuple[Verdict, ...] = ()
    unusable: bool = False

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
class Report:
    """Every row, in the order of the inputs, notes on what was left out, and how old a snapshot is that was asked."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    as_of: tuple[AsOf, ...] = ()

    @property
    def counts(self) -> dict[Outcome, int]:
        """How many rows have which outcome, without zeros, in the order of the vocabulary."""
        counter = Counter(row.outcome for row in self.rows)
        return {outcome: counter[outcome] for outcome in OUTCOMES if counter[outcome]}

    def exit_code(self, fail_on: frozenset[str] = DEFAULT_FAIL_ON) -> int:
        """The code of DESIGN.md section 7. `fail_on` chooses what becomes 1 and 3, and nothing else."""
        codes = {code for row in self.rows for code in _codes(row, fail_on)}
        if all(row.outcome == "not-applicable" for row in self.rows):
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


def _codes(row: Row, fail_on: frozenset[str]) -> Sequence[int]:
    codes = []
    if row.unusable:
        codes.append(UNUSABLE)
    elif row.outcome == "error":
        codes.append(INCOMPLETE)
    elif row.outcome in fail_on:
        codes.append(AGAINST if row.outcome in _AGAINST else INSUFFICIENT)
    if row.bad_signature and BAD_SIGNATURE in fail_on:
        codes.append(AGAINST)
    return codes
