"""A report as the JSON that `rebuild --json`, `static --json` and `batch` write: schema rebuild-result/1."""

from typing import Any, Final

from rebuilders.checking import StaticReport
from rebuilders.inputs import Target
from rebuilders.pipeline import PHASES, Report
from rebuilders.static.check import Checked
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


def static_result_of(report: StaticReport) -> str:
    """The word for how a static check ended."""
    return report.checked.result if report.checked is not None else "not-attempted"


def static_to_json(report: StaticReport, name: TargetName) -> dict[str, Any]:
    """The report of a static check on the target that was asked for as `name`."""
    checked, failure = report.checked, report.failure
    value = _empty(name, "static")
    _tell_target(value, report.target)
    value.update(
        result=static_result_of(report),
        level=checked.level if checked else None,
        rules=[rule.id for rule in checked.rules] if checked and checked.result == "match" else [],
        differences=[d.wire() for d in checked.differences[:MAX_LISTED]] if checked else [],
        differencesTotal=len(checked.differences) if checked else 0,
        failure={"phase": failure.phase, "cause": failure.cause} if failure else None,
        seconds={**value["seconds"], **{key: round(told, 4) for key, told in report.seconds.items()}},
        static=_static(checked),
    )
    return value


def _static(checked: Checked | None) -> dict[str, Any] | None:
    """What a static check saw, whatever its result."""
    if checked is None:
        return None
    return {
        "result": checked.result,
        "members": checked.members,
        "open": [{"path": item.path, "reason": item.reason} for item in checked.open[:MAX_LISTED]],
        "openTotal": len(checked.open),
        "foreign": sorted(checked.foreign)[:MAX_LISTED],
    }


def to_json(report: Report, name: TargetName) -> dict[str, Any]:
    """The report on the target that was asked for as `name`."""
    best, target, failure = report.best, report.target, report.failure
    comparison = best.outcome.comparison if best else None
    value = _empty(name)
    _tell_target(value, target)
    value.update(
        result=result_of(report),
        level=best.outcome.level if best else None,
        compressor=str(report.compressor) if report.compressor else None,
        archiveExact=bool(comparison and comparison.archive_exact),
        rules=[rule.id for rule in comparison.rules] if comparison else [],
        differences=[found.wire() for found in report.differences[:MAX_LISTED]],
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
        static=_static(report.static),
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


def _tell_target(value: dict[str, Any], target: Target | None) -> None:
    if target is not None:
        value["target"].update(filename=target.name.filename, sha256=target.sha256)
        if target.sdist is not None:
            value["source"] = {"filename": target.sdist.filename, "sha256": target.sdist.sha256}


def incomplete_json(name: TargetName, error: WheelwitnessError, method: str = "rebuild") -> dict[str, Any]:
    """What is said of a target about which nothing could be found out."""
    value = _empty(name, method)
    value.update(
        result="not-attempted", failure={"phase": "fetch", "cause": INCOMPLETE, "detail": str(error)}
    )
    return value


def _empty(name: TargetName, method: str = "rebuild") -> dict[str, Any]:
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
        "method": method,
        "result": "not-attempted",
        "level": None,
        "archiveExact": False,
        "compressor": None,
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
        "static": None,
    }
