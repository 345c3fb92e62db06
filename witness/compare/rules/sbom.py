"""Bills of materials in `.dist-info/sboms` (PEP 770): what CycloneDX makes anew for every document."""

import re
from typing import Final

from witness.compare.rules.rule import Pair, Rule, Subject, Use, Uses
from witness.compare.rules.strict_json import read_json
from witness.errors import Malformed

SBOM: Final = Rule(
    "sbom-serial@1",
    "metadata",
    "`sboms/….json`, if it is CycloneDX",
    "the values of `serialNumber` and of `metadata.timestamp`, which both have",
    "every other byte; a key twice; values that are no UUID or time; one that stands elsewhere in the file too; NaN; "
    "nesting beyond 64; more than 4 MiB",
    "Installers copy the file and do not read it. The two values identify the document, not what it lists.",
)

_SERIAL: Final = re.compile(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")  # CycloneDX 1.6
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})", re.ASCII)


def _judge(pair: Pair) -> Uses | None:
    ours, theirs = pair.contents()
    mine, others = _document(ours), _document(theirs)
    for one, other in zip(mine, others, strict=True):
        ours = ours.replace(_quoted(one), _quoted(other))
    if ours != theirs:
        return None
    return (Use(SBOM, ", ".join(mine), ", ".join(others)),)


def _document(content: bytes) -> tuple[str, str]:
    """The serial number and the time of the document in `content`, each of which stands in it once.

    Raises:
        Malformed: it is none, or readers of JSON may see another.
    """
    value = read_json(content)
    if not isinstance(value, dict) or value.get("bomFormat") != "CycloneDX":
        raise Malformed("not a CycloneDX document")
    metadata = value.get("metadata")
    serial, time = (
        value.get("serialNumber"),
        metadata.get("timestamp") if isinstance(metadata, dict) else None,
    )
    for told, form in ((serial, _SERIAL), (time, _TIME)):
        if not isinstance(told, str) or not form.fullmatch(told) or content.count(_quoted(told)) != 1:
            raise Malformed("a serial number or time that is none")
    return str(serial), str(time)


def _quoted(text: str) -> bytes:
    return f'"{text}"'.encode()


SUBJECT: Final = Subject(
    (SBOM,), lambda pair: pair.about.startswith("sboms/") and pair.about.endswith(".json"), _judge
)
