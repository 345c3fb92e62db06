"""The files of a report that the policy accepted, for a summary."""

from typing import Final

from witness.report.model import Report
from witness.summary import Accepted

# What is exempt or not applicable passes a gate, but nobody vouches for it.
_VOUCHED: Final = ("reproduced", "equivalent")


def accepted(report: Report) -> tuple[Accepted, ...]:
    """Each accepted file once. Of an entry that is not accepted, or has a bad signature, none."""
    found = {
        file.artifact.sha256: Accepted(
            file.filename or row.name, file.artifact.sha256, file.outcome, file.level
        )
        for row in report.rows
        if row.outcome in _VOUCHED and not row.bad_signature
        for file in row.files
        if file.outcome in _VOUCHED and file.level is not None
    }
    refused = {
        file.artifact.sha256
        for row in report.rows
        for file in row.files
        if row.outcome not in _VOUCHED or row.bad_signature
    }
    return tuple(item for digest, item in found.items() if digest not in refused)
