"""What a pin is worth (witness.pinned), and what a report means for an exit code."""

import itertools
import json

import pytest

from tests.integration.trusted_nodes import WHEEL
from witness.errors import InputError
from witness.evidence import Artifact, Rejection
from witness.pinned import SEVERITY, decisive
from witness.report import json as json_report
from witness.report import text
from witness.report.model import PRECEDENCE, Report, Row, parse_fail_on
from witness.verdict import OUTCOMES, Verdict
from witness.vote import Voice

VOICE = Voice("alpha", "Operator A", "rebuilt: bitwise", WHEEL, 0)


def verdict(outcome, number=0, *, heard=True, bad=False):
    rejected = (Rejection("beta", "Operator B", "does not verify", bad=True),) if bad else ()
    agreeing = (VOICE,) if heard else ()
    return Verdict(Artifact(f"{number:064x}"), outcome, "", agreeing=agreeing, rejected=rejected)


def row(outcome, *, bad=False, unusable=False):
    one = verdict(outcome, bad=bad)
    return Row("demo", "r.txt:1", one, outcome, "a reason", WHEEL, (one,), unusable)


@pytest.mark.parametrize(
    ("verdicts", "outcome"),
    [
        ([verdict("reproduced"), verdict("unattempted", 1, heard=False)], "reproduced"),
        ([verdict("reproduced"), verdict("insufficient", 1, heard=False)], "reproduced"),
        ([verdict("reproduced"), verdict("insufficient", 1)], "insufficient"),
        ([verdict("reproduced"), verdict("divergent", 1)], "divergent"),
        ([verdict("reproduced"), verdict("unbuildable", 1, heard=False)], "reproduced"),
        ([verdict("unattempted", heard=False), verdict("unbuildable", 1, heard=False)], "unbuildable"),
        ([verdict("unattempted", heard=False), verdict("insufficient", 1, heard=False)], "insufficient"),
        ([verdict("reproduced"), verdict("insufficient", 1, heard=False, bad=True)], "insufficient"),
        ([verdict("error", heard=False)], "error"),
    ],
)
def test_the_verdict_of_several_files(verdicts, outcome):
    for order in itertools.permutations(verdicts):
        assert decisive(order).outcome == outcome


def test_every_outcome_has_its_place():
    assert sorted(SEVERITY) == sorted(OUTCOMES)


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([], 4),
        ([row("not-applicable")], 4),
        ([row("exempt")], 0),
        ([row("reproduced"), row("equivalent"), row("not-applicable")], 0),
        ([row("divergent")], 1),
        ([row("disputed")], 1),
        ([row("reproduced", bad=True)], 1),
        ([row("insufficient")], 3),
        ([row("unattempted")], 3),
        ([row("unbuildable")], 3),
        ([row("stale")], 3),
        ([row("error")], 5),
        ([row("error", unusable=True)], 2),
        ([row("insufficient"), row("error")], 5),
        ([row("insufficient"), row("error"), row("divergent")], 1),
        ([row("insufficient"), row("error"), row("divergent"), row("error", unusable=True)], 2),
    ],
)
def test_exit_codes(rows, code):
    assert Report(tuple(rows)).exit_code() == code


def test_the_documented_precedence():
    assert PRECEDENCE == (2, 1, 5, 3, 4, 0)


@pytest.mark.parametrize(
    ("fail_on", "rows", "code"),
    [
        ("none", [row("divergent", bad=True), row("insufficient")], 0),
        ("none", [row("error")], 5),
        ("none", [row("error", unusable=True)], 2),
        ("none", [], 4),
        ("stale, unbuildable", [row("insufficient"), row("stale")], 3),
        ("divergent", [row("insufficient"), row("divergent")], 1),
        ("equivalent", [row("equivalent")], 3),
    ],
)
def test_fail_on(fail_on, rows, code):
    assert Report(tuple(rows)).exit_code(parse_fail_on(fail_on)) == code


@pytest.mark.parametrize("value", ["", " , ", "bad", "divergent,none"])
def test_fail_on_that_means_nothing(value):
    with pytest.raises(InputError):
        parse_fail_on(value)


def test_the_json_schema():
    value = json.loads(
        json_report.render(Report((row("reproduced", bad=True), row("divergent")), ("a\x1bnote",)))
    )
    assert value["schema"] == "check/1"
    assert value["counts"] == {"reproduced": 1, "divergent": 1}
    assert value["notes"] == ["a\\x1bnote"]
    for artifact in value["artifacts"]:
        assert {
            "filename",
            "sha256",
            "verdict",
            "level",
            "agreeing",
            "dissenting",
            "silent",
            "rejected",
        } <= set(artifact)
    assert value["artifacts"][0]["rejected"] == [{"witness": "beta", "reason": "does not verify"}]


def test_an_entry_without_a_digest_has_none_in_json():
    entry = Row("demo", "r.txt:1", None, "error", "no sha256", unusable=True)
    (artifact,) = json.loads(json_report.render(Report((entry,))))["artifacts"]
    assert (artifact["filename"], artifact["sha256"], artifact["reason"]) == (None, None, "no sha256")


def test_the_count_line():
    assert text.count_line(Report(())) == "0 files: nothing to check"
    assert text.count_line(Report((row("reproduced"),))) == "1 file: 1 reproduced"
    many = Report((row("reproduced"), row("divergent"), row("reproduced", bad=True)))
    assert text.count_line(many) == "3 files: 2 reproduced, 1 divergent; 1 with a bad signature"


def test_text_of_an_unusable_entry_says_where_it_stands():
    entry = Row("demo\x1b", "r.txt:7", None, "error", "no sha256", unusable=True)
    assert "demo\\x1b: error (no sha256)\n  at r.txt:7" in text.render(Report((entry,)))


def test_a_hash_that_is_one_of_several_is_not_singled_out_without_evidence():
    files = (verdict("unattempted", 1, heard=False), verdict("unattempted", 2, heard=False))
    assert Row("demo", "r:1", files[0], "unattempted", "", None, files).sha256 is None
    assert Row("demo", "r:1", files[0], "unattempted", "", None, files[:1]).sha256 == f"{1:064x}"
