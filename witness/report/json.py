"""The report as JSON, schema `check/1`: stable, sorted by nothing but the inputs, and safe to show.

It is ASCII, so that no terminal's or file's encoding can break it. Keys may be added within version 1; none is renamed,
removed or given another meaning. The schema is the file `schemas/check-1.schema.json` beside this module.
"""

import json
from typing import Any, Final

from witness.escape import printable
from witness.observation import format_time
from witness.report.model import ExemptionUse, Report, Row
from witness.verdict import Alarm, Verdict
from witness.vote import Voice

SCHEMA: Final = "check/1"


def render(report: Report) -> str:
    """The whole document, with a line feed at its end."""
    value = {
        "schema": SCHEMA,
        "counts": report.counts,
        "artifacts": [_artifact(row) for row in report.rows],
        "notes": [printable(note) for note in report.notes],
        "exemptions": [_exemption(item) for item in report.exemptions],
        "gone": None if report.gone is None else [printable(name) for name in report.gone],
        "inputs": [
            {"file": printable(item.file), "format": item.format, "version": printable(item.version) or None}
            for item in report.inputs
        ],
        "unchanged": report.unchanged,
        "snapshot": [
            {"witness": printable(item.witness), "seen": format_time(item.seen)} for item in report.as_of
        ]
        or None,
    }
    return json.dumps(value, indent=2) + "\n"


def _artifact(row: Row) -> dict[str, Any]:
    verdict = row.verdict
    return {
        "filename": printable(row.filename) if row.filename else None,
        "sha256": row.sha256,
        "verdict": row.outcome,
        "level": verdict.level if verdict else None,
        "agreeing": _names(verdict.agreeing if verdict else ()),
        "dissenting": _names(verdict.dissenting if verdict else ()),
        "unable": _names(verdict.unable if verdict else ()),
        "silent": sorted({printable(item.witness) for item in verdict.silent}) if verdict else [],
        "rejected": _rejected(row),
        "name": printable(row.name),
        "origin": printable(row.origin),
        "reason": printable(row.reason),
        "evidence": _evidence(verdict) if verdict else [],
        "independent": [printable(name) for name in verdict.independent] if verdict else [],
        "alarm": _alarm(verdict.alarm) if verdict and verdict.alarm else None,
        "correlated": [[printable(name) for name in names] for names in verdict.correlated]
        if verdict
        else [],
        "files": [{"sha256": file.artifact.sha256, "verdict": file.outcome} for file in row.files],
        "project": printable(row.project) or None,
        "version": printable(row.version) or None,
        "badSignature": row.bad_signature,
        "known": row.known,
    }


def _exemption(item: ExemptionUse) -> dict[str, Any]:
    return {
        "package": printable(item.package),
        "reason": printable(item.reason),
        "expires": item.expires.isoformat(),
        "used": item.used,
        "daysLeft": item.days_left,
    }


def _alarm(alarm: Alarm) -> dict[str, Any]:
    return {
        "source": alarm.source,
        "payloadDigest": alarm.payload_digest,
        "operators": [printable(name) for name in alarm.operators],
    }


def _names(voices: tuple[Voice, ...]) -> list[str]:
    return [printable(voice.witness) for voice in voices]


def _rejected(row: Row) -> list[dict[str, str]]:
    items = dict.fromkeys(item for file in row.files for item in file.rejected)
    return [{"witness": printable(item.witness), "reason": printable(item.reason)} for item in items]


def _evidence(verdict: Verdict) -> list[dict[str, Any]]:
    spoke = [
        {
            "witness": printable(voice.witness),
            "operator": printable(voice.operator),
            "stance": stance,
            "reason": printable(voice.reason),
            "level": voice.level,
            "logIndex": voice.log_index,
            "seen": format_time(voice.seen) if voice.seen else None,
            "independent": voice.independent,
        }
        for stance, voices in (
            ("agreeing", verdict.agreeing),
            ("dissenting", verdict.dissenting),
            ("unable", verdict.unable),
        )
        for voice in voices
    ]
    silent = [
        {
            "witness": printable(item.witness),
            "operator": printable(item.operator),
            "stance": "silent",
            "reason": printable(item.reason),
        }
        for item in verdict.silent
    ]
    return spoke + silent
