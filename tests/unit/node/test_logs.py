"""Lines of a node's log, for people and for programs, whatever is in them."""

import json
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebuilders.node.logs import Line, passed_on, written

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LINE = Line("demo==1.0: match", event="observed", target="demo==1.0", result="match")


def test_for_programs():
    assert json.loads(written(LINE, "scheduler", "json", NOW)) == {
        "time": "2026-11-24T12:00:00Z", "part": "scheduler", "level": "info", "event": "observed",
        "target": "demo==1.0", "result": "match", "message": "demo==1.0: match",
    }  # fmt: skip


def test_for_people():
    assert written(LINE, "scheduler", "text", NOW) == "demo==1.0: match"


@given(st.text(), st.text())
def test_whatever_is_in_it(words, about):
    for form in ("text", "json"):
        told = written(Line(words, event="said", target=about), "scheduler", form, NOW)
        assert len(told.splitlines()) <= 1
        assert not {unicodedata.category(char) for char in told} & {"Cc", "Cf", "Cs"}
    assert json.loads(told)["event"] == "said"


def test_a_line_of_a_part_is_passed_on_as_it_is():
    told = written(LINE, "scheduler", "json", NOW)
    assert passed_on(told, "scheduler", "json", NOW) == told


@pytest.mark.parametrize("words", ["Traceback", '{"part": "signer"}', "[" * 100_000, "\x1b[2J", '"a"'])
def test_what_is_no_line_becomes_one(words):
    value = json.loads(passed_on(words, "signer", "json", NOW))
    assert (value["part"], value["event"], value["level"]) == ("signer", "output", "warning")
