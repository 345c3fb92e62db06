"""The report as SARIF 2.1.0 (OASIS), for code scanning: a rule for each outcome, a result for each entry that someone
should look at, at the line where it is pinned.

The fingerprint of a result is made of the outcome, the project and the digests that the entry allows, so that an alert
stays the same while lines move, and is another one for another file. GitHub goes by `primaryLocationLineHash`.
"""

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from witness import __version__
from witness.escape import printable
from witness.outcome import BAD_SIGNATURE
from witness.report.guidance import GUIDANCE, Guidance, Weight, guidance, more, todo
from witness.report.model import Report, Row
from witness.report.text import verdict_lines

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final[dict[Weight, str]] = {
    "against": "error",
    "missing": "warning",
    "unclear": "warning",
    "fine": "none",
}
_SEVERITY: Final[dict[Weight, str]] = {"against": "9.0", "missing": "4.0", "unclear": "4.0"}  # GitHub's scale
_RULES: Final = tuple(name for name, found in GUIDANCE.items() if found.weight != "fine")


def render(report: Report, *, root: Path, exit_code: int) -> str:
    """The whole document. Locations are relative to `root` where they are below it."""
    results = [
        _result(row, rule, root, baseline=report.gone is not None)
        for row in report.rows
        for rule in _rules_of(row)
    ]
    run = {
        "tool": {
            "driver": {
                "name": "wheelwitness",
                "semanticVersion": __version__,
                "rules": [_rule(name, GUIDANCE[name]) for name in _RULES],
            }
        },
        "columnKind": "unicodeCodePoints",
        # What could not be decided is no success, whatever it is told to fail on.
        "invocations": [{"executionSuccessful": exit_code not in (2, 5), "exitCode": exit_code}],
        "results": results,
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def escaped(text: str) -> str:
    """`text` of strangers in a message, where brackets would make links and braces placeholders (3.11.5, 3.11.6)."""
    shown = printable(text).replace("\\", "\\\\")
    return shown.replace("[", "\\[").replace("]", "\\]").replace("{", "{{").replace("}", "}}")


def _rules_of(row: Row) -> list[str]:
    rules = [BAD_SIGNATURE] if row.bad_signature else []
    return [*rules, row.outcome] if GUIDANCE[row.outcome].weight != "fine" else rules


def _rule(name: str, found: Guidance) -> dict[str, Any]:
    properties: dict[str, Any] = {"tags": ["security", "supply-chain"], "precision": "very-high"}
    if found.weight in _SEVERITY:
        properties["security-severity"] = _SEVERITY[found.weight]
    advice = f"{found.means} What to do: {found.todo}."
    return {
        "id": name,  # no name: it must be another one (3.49.7)
        "shortDescription": {
            "text": f"A pinned file is {name}" if name != BAD_SIGNATURE else "A bad signature"
        },
        "fullDescription": {"text": found.means},
        "help": {"text": advice, "markdown": advice},
        "defaultConfiguration": {"level": _LEVELS[found.weight]},
        "properties": properties,
    }


def _result(row: Row, rule: str, root: Path, *, baseline: bool) -> dict[str, Any]:
    fingerprint = _fingerprint(row, rule)
    result: dict[str, Any] = {
        "ruleId": rule,
        "ruleIndex": _RULES.index(rule),
        "level": _LEVELS[GUIDANCE[rule].weight],
        "message": {"text": _message(row)},
        "locations": [{"physicalLocation": _location(row, root)}],
        "partialFingerprints": {
            "primaryLocationLineHash": f"{fingerprint[:16]}:1",
            "wheelwitness/v1": fingerprint,
        },
    }
    if baseline:
        result["baselineState"] = "unchanged" if row.known else "new"
    return result


def _message(row: Row) -> str:
    lines = [f"{row.name}: {row.outcome}" + (f" ({row.reason})" if row.reason else "")]
    if row.verdict is not None:
        lines += [line.strip() for line in verdict_lines(row.verdict)]
    lines += [f"What to do: {step}" for step in [todo(row)] if step and guidance(row).weight != "fine"]
    lines += [f"More: {command}" for command in [more(row)] if command]
    return "\n".join(map(escaped, lines))


def _location(row: Row, root: Path) -> dict[str, Any]:
    file = row.place.file if row.place else row.origin
    line = row.place.line if row.place else None
    whole = Path(os.path.normpath(root / file))
    if whole.is_relative_to(root) and whole != root:
        uri = quote(whole.relative_to(root).as_posix().encode("utf-8", "surrogateescape"))
    else:
        uri = whole.as_uri()
    # GitHub shows a result only with a line; a file without lines has its first.
    return {"artifactLocation": {"uri": uri}, "region": {"startLine": line or 1}}


def _fingerprint(row: Row, rule: str) -> str:
    digests = sorted(file.artifact.sha256 for file in row.files)
    told = json.dumps([rule, row.project or row.name, digests])
    return sha256(told.encode()).hexdigest()
