"""What strangers could put into the pages of a site: names, details and reports that want to be more than text."""

from datetime import timedelta
from pathlib import Path

from rebuilders.site.making import pages_of_several
from tests.integration.trusted_nodes import Node
from tests.site_logs import BEGIN, Release, grow, observed, reported
from witness.canonical import dumps
from witness.observation import Observation
from witness.statement import Statement

ATTACK = (
    "\"'></title></script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "<svg onload=\"document.title='owned'\"><base href=//evil.example/>"
    "<meta http-equiv=refresh content=0;url=//evil.example>"
)
TURNED = "\u202egnp.lhw\u2066\u200b"
LONG = "w" * 290
NAMES = (
    f"{ATTACK}.whl",
    f"invoice{TURNED}.whl",
    f"{LONG}.whl",
    "demo-1.0-py3-none-any.whl",
    "con-1.0-py3-none-any.whl",
    f"{'long-' * 40}name-1.0-py3-none-any.whl".replace("-", "_", 40),
    "{{ 7*7 }}{% raw %}.whl",
    "javascript:alert(1)",
    "../../index.html",
    "demo-1.0-1$(touch$IFS.x)-py3-none-any.whl",
)
OPERATOR = f"Operator <b>{TURNED.strip()}</b>"


def hostile_site(root: Path) -> Path:
    """The pages of two nodes, one of which says what it should not."""
    evil, good = Node("evil", "Operator <script>E</script>"), Node("good", "Operator G")
    said: list[Statement] = []
    for number, name in enumerate(NAMES):
        for result in ("mismatch", "build-failed", "match"):
            sha256 = f"{number:02x}{result.encode().hex()}".ljust(64, "0")
            said.append(_said(evil, name[:300], sha256, result, number))
    honest = observed(good, Release("demo", "1.0"), "match", "bitwise", finished=BEGIN)
    contrary = Statement("demo-1.0-py3-none-any.whl", said[9].sha256, _as(honest, said[9].sha256).observation)
    grow(good, root / "good", [honest, contrary], "https://good.example/")
    found = [
        {"path": text, "kind": text, "class": text, "severity": severity, "detail": text * 3}
        for severity in ("runs", "installs", "tells", "form")
        for text in (ATTACK, TURNED, LONG)
    ]
    told = {"backend": ATTACK, "cause": ATTACK, "attempts": 1}
    said = [
        reported(item, found, root / "evil" / "site", rebuild=told)
        if item.observation.result == "mismatch"
        else item
        for item in said
    ]
    grow(evil, root / "evil", said, "javascript:alert(1)")
    pages_of_several(
        root / "out", (), None, [root / "evil", root / "good"], title=f"All {ATTACK}{TURNED}"[:200]
    )
    return root / "out" / "site"


def _said(node: Node, name: str, sha256: str, result: str, number: int) -> Statement:
    made = observed(
        node, Release("demo", f"{number}.0"), result, "metadata", finished=BEGIN + timedelta(days=number)
    )
    value = made.observation.wire()
    text = [ATTACK[:300], TURNED, LONG][number % 3]
    value["source"]["name"] = text
    value["isolation"] = text
    value["builder"]["tool"] = {"name": text, "version": text}
    if "failure" in value:
        value["failure"] = {"phase": text, "cause": text, "detail": text}
    if "comparison" in value:
        value["environment"] |= {"interpreter": text, "platform": text, "variables": {text: text}}
        value["comparison"] |= {
            "findings": [{"path": text, "kind": text}],
            "findingsTotal": 1,
            "ruleSet": text,
        }
        for rule in value["comparison"].get("rules", []):
            rule |= {"id": text, "path": text, "published": text, "rebuilt": text}
        for difference in value["comparison"].get("differences", []):
            difference |= {"path": text, "kind": text}
        if result == "match":
            value["rebuilt"]["name"] = name
    return Statement(name, sha256, Observation.model_validate_json(dumps(value)))


def _as(said: Statement, sha256: str) -> Statement:
    value = said.observation.wire()
    value["rebuilt"]["digest"]["sha256"] = sha256
    return Statement(said.filename, sha256, Observation.model_validate_json(dumps(value)))
