"""A former report as a baseline: what was no better then is known, what is worse or new is not."""

import json
from dataclasses import replace

import pytest

from tests.unit.test_report import VOICE, row, verdict
from witness.errors import InputError
from witness.outcome import OUTCOMES
from witness.report import json as json_report
from witness.report import text
from witness.report.baseline import parse
from witness.report.model import Report, Row


def baseline(*rows):
    return parse(json_report.render(Report(rows)).encode(), name="former.json")


def code(before, now):
    return baseline(*before).applied(Report(tuple(now))).exit_code()


def other(outcome, number):
    one = verdict(outcome, number)
    return Row("demo", "r.txt:9", one, outcome, "", None, (one,))


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ([row("insufficient")], [row("insufficient")], 0),
        ([row("divergent")], [row("divergent")], 0),
        ([row("divergent")], [row("insufficient")], 0),
        ([row("unattempted")], [row("insufficient")], 3),
        ([row("insufficient")], [row("divergent")], 1),
        ([row("disputed")], [row("divergent")], 1),
        ([row("reproduced")], [row("stale")], 3),
        ([], [row("insufficient")], 3),
        ([other("insufficient", 5)], [other("insufficient", 6)], 3),
        ([row("insufficient", bad=True)], [row("insufficient", bad=True)], 0),
        ([row("insufficient")], [row("insufficient", bad=True)], 1),
        ([row("reproduced")], [row("reproduced", bad=True)], 1),
        ([row("error")], [row("error")], 5),
        ([row("error", unusable=True)], [row("error", unusable=True)], 2),
        ([row("insufficient"), row("reproduced")], [row("insufficient")], 3),
        ([row("reproduced")], [], 4),
    ],
)
def test_only_what_became_worse_fails(before, now, expected):
    assert code(before, now) == expected
    assert code(now, now) in (0, 2, 4, 5)


def test_a_new_dissenter_is_worse():
    def with_dissent(*names):
        voices = tuple(replace(VOICE, witness=name) for name in names)
        one = replace(verdict("divergent"), dissenting=voices)
        return Row("demo", "r.txt:1", one, "divergent", "", None, (one,))

    assert code([with_dissent("a", "b")], [with_dissent("a")]) == 0
    assert code([with_dissent("a")], [with_dissent("a", "b")]) == 1


def test_it_says_what_is_known_and_what_is_gone():
    before = (row("insufficient"), replace(other("stale", 5), name="gone\x1b"))
    report = baseline(*before).applied(Report((row("insufficient"),)))
    assert report.gone == ("gone\\x1b",)
    shown = text.render(report)
    assert "\nknown from the baseline: demo: insufficient\n" in shown
    assert "\ngone since the baseline: gone\\x1b\n" in shown
    assert "what to do" not in shown
    assert baseline().applied(Report(())).gone == ()


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_what_is_fine_is_not_called_known(outcome):
    (marked,) = baseline(row(outcome)).applied(Report((row(outcome),))).rows
    assert marked.known == (outcome not in ("reproduced", "equivalent", "exempt", "not-applicable"))


def test_many_that_are_known_do_not_fill_the_screen():
    rows = tuple(other("insufficient", number) for number in range(15))
    report = baseline(*rows).applied(Report(rows))
    assert "known from the baseline: 5 more; --verbose names them" in text.render(report)
    assert text.render(report, verbose=True).count("known from the baseline") == 15


def test_of_an_entry_that_was_there_twice_the_better_counts():
    twice = (row("insufficient", bad=True), row("insufficient"), row("divergent"))
    assert code(twice, [row("insufficient")]) == 0
    assert code(twice, [row("insufficient", bad=True)]) == 1
    assert code(twice, [row("divergent")]) == 1


def test_entries_without_a_digest_are_known_by_their_text():
    entry = Row("demo\x1b>=1", "r.txt:1", None, "error", "no sha256", unusable=True)
    moved = replace(entry, origin="r.txt:2")
    assert baseline(entry).applied(Report((moved,))).gone == ()


def test_it_does_not_depend_on_keys_that_are_newer_than_the_baseline():
    value = json.loads(json_report.render(Report((row("insufficient"),))))
    for key in ("exemptions", "gone"):
        del value[key]
    for key in ("badSignature", "known", "project", "version"):
        del value["artifacts"][0][key]
    former = parse(json.dumps(value).encode(), name="former.json")
    assert former.applied(Report((row("insufficient"),))).exit_code() == 0


GOOD = json.loads(json_report.render(Report((row("insufficient"),))))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        b'{"schema": "check/1"}',
        json.dumps(GOOD | {"schema": "check/2"}).encode(),
        json.dumps(GOOD | {"artifacts": [{}]}).encode(),
        json.dumps(GOOD | {"artifacts": [GOOD["artifacts"][0] | {"verdict": "fine"}]}).encode(),
        json.dumps(GOOD | {"artifacts": [GOOD["artifacts"][0] | {"verdict": []}]}).encode(),
        json.dumps(GOOD | {"artifacts": [GOOD["artifacts"][0] | {"name": 1}]}).encode(),
        json.dumps(GOOD | {"artifacts": [GOOD["artifacts"][0] | {"badSignature": "yes"}]}).encode(),
        json.dumps(GOOD | {"artifacts": [GOOD["artifacts"][0] | {"files": [{"sha256": "x"}]}]}).encode(),
        json.dumps(GOOD | {"artifacts": [GOOD["artifacts"][0] | {"files": {"sha256": 1}}]}).encode(),
        json.dumps(GOOD | {"artifacts": [GOOD["artifacts"][0] | {"dissenting": [1]}]}).encode(),
    ],
)
def test_what_is_no_report_is_refused(data):
    with pytest.raises(InputError, match=r"former\.json: not a report of schema check/1"):
        parse(data, name="former.json")
