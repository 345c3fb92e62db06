"""What a pin is worth (witness.pinned), and what a report means for an exit code."""

import itertools
import json
import re
from dataclasses import replace
from datetime import date

import pytest

from tests.integration.trusted_nodes import WHEEL
from tests.schemas import validate
from witness.errors import InputError
from witness.evidence import Artifact, Rejection
from witness.outcome import FAILURES, OUTCOMES
from witness.pinned import SEVERITY, decisive
from witness.pins.pin import Origin
from witness.report import json as json_report
from witness.report import text
from witness.report.guidance import GUIDANCE, guidance, todo
from witness.report.model import PRECEDENCE, ExemptionUse, Report, Row, parse_fail_on
from witness.report.paint import coloured
from witness.verdict import Verdict
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
    validate(value)
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
    value = json.loads(json_report.render(Report((entry,))))
    validate(value)
    (artifact,) = value["artifacts"]
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


def test_every_outcome_says_what_to_do():
    assert set(GUIDANCE) == set(FAILURES)
    for outcome in OUTCOMES:
        entry = row(outcome)
        assert bool(todo(entry)) == (GUIDANCE[outcome].weight != "fine")
        assert guidance(row(outcome, bad=True)).weight == "against"


def test_the_worst_comes_first():
    shown = text.render(Report((row("stale"), row("divergent"), row("insufficient"))))
    places = [shown.index(f"demo: {word}") for word in ("DIVERGENT", "insufficient", "stale")]
    assert places == sorted(places)


def test_rows_that_say_the_same_share_a_line():
    nobody = verdict("unattempted", 1, heard=False)
    rows = tuple(
        Row(f"demo{number}\x1b", "r:1", nobody, "unattempted", "", None, (nobody,)) for number in range(12)
    )
    shown = text.render(Report(rows))
    assert "\n12 unattempted: demo0\\x1b, demo1\\x1b, " in shown
    assert " and 2 more; --verbose names them\n" in shown
    assert shown.count("what to do") == 1
    assert text.render(Report(rows), verbose=True).count("what to do") == 12
    assert text.render(Report(rows[:2])).count("what to do") == 2


def test_the_command_that_tells_more_names_the_file():
    assert f"  more: wheelwitness diff sha256:{0:064x}\n" in text.render(Report((row("divergent"),)))


def test_colours_weigh_and_change_no_words():
    report = Report((row("divergent"), row("reproduced", bad=True), row("stale"), row("reproduced")))
    painted = text.render(report, paint=coloured)
    assert "\x1b[1;31mDIVERGENT\x1b[0m" in painted
    assert re.sub("\x1b\\[[0-9;]*m", "", painted) == text.render(report)


@pytest.mark.parametrize(
    ("days_left", "used", "brief", "full"),
    [
        (31, True, "", ""),
        (30, True, "ends in 30 days", "ends in 30 days"),
        (0, True, "ends today", "ends today"),
        (-1, True, "", "ended on"),
        (300, False, "", "is of no use here"),
    ],
)
def test_exemptions_that_end_or_are_of_no_use(days_left, used, brief, full):
    use = ExemptionUse("demo", "ours", date(2026, 6, 1), used, days_left)
    for verbose, expected in ((False, brief), (True, full)):
        shown = text.render(Report((row("exempt"),), exemptions=(use,)), verbose=verbose)
        notes = [line for line in shown.splitlines() if line.startswith("note: ")]
        assert [expected in line for line in notes] == ([True] if expected else [])


@pytest.mark.parametrize(("line", "told"), [(7, True), (None, False)])
def test_exemptions_of_no_use_are_counted_for_lists(line, told):
    use = ExemptionUse("demo", "ours", date(2026, 6, 1), used=False, days_left=300)
    entry = replace(row("reproduced"), place=Origin("r.txt", line))
    shown = text.render(Report((entry,), exemptions=(use, replace(use, used=True))))
    assert ("note: 1 of 2 exemptions are of no use here" in shown) == told
