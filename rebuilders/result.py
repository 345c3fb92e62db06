"""A rebuild's report as the JSON that `rebuild --json` and `batch` write: schema rebuild-result/1."""

from typing import Any, Final

from rebuilders.pipeline import PHASES, Report
from witness.errors import WheelwitnessError
from witness.names import TargetName
from witness.observation import format_time

SCHEMA: Final = "rebuild-result/1"
MAX_LISTED: Final = 50

# Exit codes by result; what could not be completed ends with 5 elsewhere.
EXIT: Final = {"match": 0, "mismatch": 1, "build-failed": 3, "not-attempted": 3}
INCOMPLETE: Final = "incomplete"  # the cause of a line that says nothing about its target


def result_of(report: Report) -> str:
    """The word for how it ended."""
    if report.best is not None:
        return "match" if report.best.outcome.matches else "mismatch"
    return report.failure.result if report.failure else "not-attempted"


def to_json(report: Report, name: TargetName) -> dict[str, Any]:
    """The report on the target that was asked for as `name`."""
    best, target, failure = report.best, report.target, report.failure
    comparison = best.outcome.comparison if best else None
    value = _empty(name)
    if target is not None:
        value["target"].update(filename=target.name.filename, sha256=target.sha256)
        if target.sdist is not None:
            value["source"] = {"filename": target.sdist.filename, "sha256": target.sdist.sha256}
    value.update(
        result=result_of(report),
        level=best.outcome.level if best else None,
        archiveExact=bool(comparison and comparison.archive_exact),
        rules=[rule.id for rule in comparison.rules] if comparison else [],
        differences=[d.wire() for d in comparison.differences[:MAX_LISTED]] if comparison else [],
        differencesTotal=comparison.differences_total if comparison else 0,
        findings=[f.wire() for f in comparison.findings or ()] if comparison else [],
        findingsTotal=comparison.findings_total or 0 if comparison else 0,
        attempts=report.tries,
        failure={"phase": failure.phase, "cause": failure.cause} if failure else None,
        backend=report.plan.backend if report.plan else None,
        uploaded=format_time(target.uploaded) if target and target.uploaded else None,
        cause=report.cause or None,
        explanation=[f"{reason.decision}: {reason.because}" for reason in report.explanation],
        seconds={name: round(seconds, 3) for name, seconds in report.seconds.items()},
    )
    if best is not None:
        value["recipe"] = {
            "digest": best.recipe.digest,
            "python": best.recipe.interpreter,
            "requirements": [f"{item.name}=={item.version}" for item in best.recipe.requirements],
            "builtRequirements": [
                {"name": item.name, "version": item.version, "sdist": item.source, "recipe": item.recipe}
                for item in best.recipe.requirements
                if item.source
            ],
        }
    return value


def incomplete_json(name: TargetName, error: WheelwitnessError) -> dict[str, Any]:
    """What is said of a target about which nothing could be found out."""
    value = _empty(name)
    value.update(
        result="not-attempted", failure={"phase": "fetch", "cause": INCOMPLETE, "detail": str(error)}
    )
    return value


def _empty(name: TargetName) -> dict[str, Any]:
    filename = name.wheel.filename if name.wheel else None
    return {
        "schema": SCHEMA,
        "target": {
            "project": name.project,
            "version": str(name.version),
            "filename": filename,
            "sha256": None,
        },
        "source": None,
        "method": "rebuild",
        "result": "not-attempted",
        "level": None,
        "archiveExact": False,
        "rules": [],
        "differences": [],
        "differencesTotal": 0,
        "findings": [],
        "findingsTotal": 0,
        "recipe": None,
        "attempts": 0,
        "failure": None,
        "backend": None,
        "uploaded": None,
        "cause": None,
        "explanation": [],
        "seconds": dict.fromkeys(("total", *PHASES), 0.0),
    }
