"""A report as JSON: schema report/1 (docs/reference/formats.md)."""

import json
from dataclasses import asdict
from typing import Any, Final

from rebuilders.pipeline import Report
from rebuilders.report.document import Document
from witness.differences.classes import Classified
from witness.wheel.reader import Wheel

SCHEMA: Final = "report/1"


def report_json(document: Document) -> bytes:
    """The file report.json. Whatever is not ASCII in it is escaped."""
    held, told = document.compared, document.diffoscope
    comparison = held.outcome.comparison if held else None
    value = {
        "schema": SCHEMA,
        "name": document.name,
        "result": document.result,
        "level": held.outcome.level if held else None,
        "archiveExact": bool(comparison and comparison.archive_exact),
        "ruleSet": comparison.rule_set if comparison else None,
        "rules": [use.wire() for use in comparison.rules] if comparison else [],
        "differences": [_difference(found) for found in held.differences] if held else [],
        "differencesTotal": comparison.differences_total if comparison else 0,
        "container": [asdict(change) for change in document.container()],
        "published": _wheel(held.names[0], held.published) if held else None,
        "rebuilt": _wheel(held.names[1], held.rebuilt) if held else None,
        "rebuild": _rebuild(document.rebuild) if document.rebuild else None,
        "diffoscope": {"files": sorted(told.files), "failure": told.failure or None} if told else None,
    }
    return json.dumps(value, indent=2).encode() + b"\n"


def _difference(found: Classified) -> dict[str, Any]:
    return {**found.wire(), "severity": found.severity, "detail": found.detail}


def _wheel(name: str, wheel: Wheel) -> dict[str, Any]:
    return {
        "filename": name,
        "sha256": wheel.sha256,
        "size": len(wheel.archive.data),
        "members": len(wheel.members),
        "payloadDigest": wheel.payload_digest,
        "distInfoDigest": wheel.dist_info_digest,
        "recordDigest": wheel.record_digest,
        "findings": [asdict(finding) for finding in wheel.findings[:200]],
        "findingsTotal": len(wheel.findings),
    }


def _rebuild(report: Report) -> dict[str, Any]:
    best, target, failure = report.best, report.target, report.failure
    source = target.sdist if target else None
    return {
        "source": {"filename": source.filename, "sha256": source.sha256} if source else None,
        "backend": report.plan.backend if report.plan else None,
        "cause": report.cause or None,
        "attempts": report.tries,
        "recipe": {"digest": best.recipe.digest, **asdict(best.recipe)} if best else None,
        "reasons": [asdict(reason) for reason in best.candidate.reasons] if best else [],
        "explanation": [asdict(reason) for reason in report.explanation],
        "failure": {"phase": failure.phase, "cause": failure.cause, "detail": str(failure)}
        if failure
        else None,
        "seconds": {name: round(seconds, 3) for name, seconds in report.seconds.items()},
    }
