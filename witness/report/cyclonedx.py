"""The report as a CycloneDX 1.6 bill of materials in JSON: a component for each entry, its verdict as properties.

Names of properties begin with `wheelwitness:`. The serial number follows from the content, so that the same report is
the same document. CycloneDX has `declarations` for conformance to a standard; a verdict is no such claim.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from witness import __version__
from witness.errors import Malformed
from witness.escape import printable
from witness.names import WheelName, purl
from witness.observation import format_time
from witness.report.model import Report, Row
from witness.vote import Voice

_SCHEMA: Final = "http://cyclonedx.org/schema/bom-1.6.schema.json"


def render(report: Report, *, now: datetime) -> str:
    """The whole document."""
    components = [_component(number, row) for number, row in enumerate(report.rows, 1)]
    content = json.dumps([format_time(now), components], sort_keys=True)
    value = {
        "$schema": _SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid5(NAMESPACE_URL, content)}",
        "version": 1,
        "metadata": {
            "timestamp": format_time(now),
            "tools": {
                "components": [{"type": "application", "name": "wheelwitness", "version": __version__}]
            },
        },
        "components": components,
    }
    return json.dumps(value, indent=2) + "\n"


def _component(number: int, row: Row) -> dict[str, Any]:
    value: dict[str, Any] = {
        "type": "library",
        "bom-ref": f"entry-{number}",
        "name": printable(row.project or row.name),
        "properties": [{"name": name, "value": printable(text)} for name, text in _properties(row)],
    }
    if row.project and row.version:
        value["version"] = printable(row.version)
        value["purl"] = _purl(row)
    if row.sha256:
        value["hashes"] = [{"alg": "SHA-256", "content": row.sha256}]
    return value


def _purl(row: Row) -> str:
    try:
        name = WheelName.parse(row.filename or "").filename
    except Malformed:  # unknown, or whatever witnesses call it
        return f"pkg:pypi/{quote(row.project, safe='')}@{quote(row.version, safe='')}"
    return purl(row.project, row.version, name)


def _properties(row: Row) -> Iterator[tuple[str, str]]:
    yield "wheelwitness:verdict", row.outcome
    yield "wheelwitness:reason", row.reason
    yield "wheelwitness:origin", row.origin
    if row.bad_signature:
        yield "wheelwitness:bad-signature", "true"
    if row.verdict is None:
        return
    if row.verdict.level:
        yield "wheelwitness:level", row.verdict.level
    yield from (("wheelwitness:agreeing", _told(voice)) for voice in row.verdict.agreeing)
    yield from (("wheelwitness:dissenting", _told(voice)) for voice in row.verdict.dissenting)
    yield from (("wheelwitness:unable", _told(voice)) for voice in row.verdict.unable)
    if row.sha256 is None:
        yield from (("wheelwitness:allowed", f"sha256:{file.artifact.sha256}") for file in row.files)


def _told(voice: Voice) -> str:
    where = "" if voice.log_index is None else f", log index {voice.log_index}"
    return f"{voice.witness} ({voice.operator}){where}"
