"""Inputs narrowed to what passes: the files of each entry that do, and the entries of which none does."""

from collections.abc import Mapping
from dataclasses import dataclass

from witness.report.acceptance import passes
from witness.report.model import INSUFFICIENT, PRECEDENCE, SATISFIED, Report, Row


@dataclass(frozen=True, slots=True)
class Narrowed:
    """`kept` has the SHA-256 of the files that pass, for each row that has any; `failing` are the other rows."""

    report: Report
    kept: Mapping[Row, tuple[str, ...]]
    failing: tuple[Row, ...]

    @property
    def digests(self) -> frozenset[str]:
        """Of every file that passes."""
        return frozenset(digest for digests in self.kept.values() for digest in digests)

    def exit_code(self, fail_on: frozenset[str], *, skip: bool) -> int:
        """As that of `check`. An entry that has no file to name is not enough evidence.

        With `skip`, only what has to be mended, or could not be asked about, remains.
        """
        left = [row for row in self.failing if not skip or row.unusable or row.outcome == "error"]
        if not left:
            return SATISFIED if self.kept else self.report.exit_code(fail_on)
        found = {Report((row,)).exit_code(fail_on) for row in left} & set(PRECEDENCE[:4])
        return next((code for code in PRECEDENCE if code in found), INSUFFICIENT)


def narrow(report: Report, fail_on: frozenset[str]) -> Narrowed:
    """What passes of `report`."""
    kept = {
        row: digests
        for row in report.rows
        if (digests := tuple(file.artifact.sha256 for file in row.files if passes(file, fail_on)))
    }
    return Narrowed(report, kept, tuple(row for row in report.rows if row not in kept))
