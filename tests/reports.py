"""Reports for tests: an entry of every outcome, and entries in which strangers wrote whatever they liked."""

from dataclasses import replace
from datetime import date
from pathlib import Path

from tests.integration.trusted_nodes import NOW, WHEEL
from tests.markup import HOSTILE
from witness.evidence import Artifact, Rejection, Silence
from witness.outcome import OUTCOMES
from witness.pins.pin import Origin
from witness.report.model import ExemptionUse, Report, Row
from witness.verdict import Alarm, Verdict
from witness.vote import Voice

ROOT = Path("/project")
HOSTILE_TEXTS = [
    HOSTILE,
    "[click](https://evil.example) ![x](https://evil.example/x.png) <https://evil.example>",
    "www.evil.example https://evil.example evil@evil.example @everyone #1",
    "a | b | c",
    "`code` ``` ~~~ **bold** _it_ ~~no~~",
    "x</code></summary></details><h1>owned</h1>",
    "{0} {1:x} {{message}}",
    "line\r\n## heading\n- item\n\n    code",
    "\u202ereversed \ud800 \u2028 \x9b31m \x1b]8;;https://evil.example\x07link",
    "::error::owned",
    "\\[x](y)",
]


def row(outcome="divergent", name="demo", *, line=7, file="requirements.txt", number=1, bad=False):
    voice = Voice(name, name, f"differs: {name}", WHEEL, 0, "bitwise", NOW)
    verdict = Verdict(
        Artifact(f"{number:064x}", name, "demo", "1.0"),
        outcome,
        f"because {name}",
        "bitwise" if outcome == "reproduced" else None,
        agreeing=(voice,),
        dissenting=(voice,),
        unable=(voice,),
        silent=(Silence(name, name, name, reachable=False),),
        rejected=(Rejection(name, name, name, bad=bad),),
        alarm=Alarm("1" * 64, "2" * 64, (name,)),
        correlated=((name, name),),
    )
    place = Origin(file, line)
    return Row(
        name=name,
        origin=str(place),
        verdict=verdict,
        outcome=outcome,
        reason=verdict.reason,
        filename=name,
        files=(verdict,),
        project="demo",
        version="1.0",
        place=place,
    )


def report(*rows, **changes):
    use = ExemptionUse("thing", "ours", date(2027, 1, 1), used=False, days_left=10)
    return Report(rows, ("a note",), exemptions=(use,), **changes)


def unusable(name="demo"):
    return Row(name, "r.txt:3", None, "error", "no sha256", unusable=True, place=Origin("r.txt", 3))


ALL = report(*(row(outcome, number=number) for number, outcome in enumerate(OUTCOMES)), unusable())
HOSTILE_REPORTS = [
    report(row(name=name), replace(unusable(name), reason=name, origin=name), gone=(name,))
    for name in HOSTILE_TEXTS
]
