"""Jobs and outcomes as lines: what was written is read, and nothing else is."""

import io
import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebuilders.config import Settings
from rebuilders.farm import lines
from rebuilders.farm.interface import Job, Outcome, Terms
from tests.mangling import prefixes
from witness.errors import Malformed

OUTCOME = Outcome("claim", "match", "bitwise", b"\0statement", b"report", received=7, needs="", cause="")
TERMS = Terms("node-a.example", "rebuild", Settings(cache=Path("cache"), contact="a@b.example"), 60.0)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@given(TEXT, TEXT, st.binary(max_size=50), st.binary(max_size=50), st.booleans())
def test_an_outcome_comes_back_as_it_went(claim, result, statement, report, complete):
    outcome = Outcome(claim, result, "archive", statement, report, complete=complete)
    assert lines.outcome_of(lines.loads(lines.dumps(lines.of_outcome(outcome)))) == outcome


@given(TEXT, TEXT, TEXT, st.lists(TEXT, max_size=4))
def test_a_job_comes_back_as_it_went(target, claim, needs, offered):
    job = Job(target, claim, needs, tuple(offered))
    assert lines.job_of(lines.loads(lines.dumps(lines.of_job(job)))) == job


@pytest.mark.parametrize("cache", [True, False])
def test_terms_name_the_cache_of_this_machine_alone(cache):
    told = lines.terms_of(lines.loads(lines.dumps(lines.of_terms(TERMS, cache=cache))))
    settings = TERMS.settings if cache else replace(TERMS.settings, cache=None)
    assert told == replace(TERMS, settings=settings)


def test_every_field_of_an_outcome_is_written():
    assert set(lines.of_outcome(OUTCOME)) == {field.name for field in fields(Outcome)}


@pytest.mark.parametrize("key", sorted(lines.of_outcome(OUTCOME)))
@pytest.mark.parametrize("value", [None, 1.5, -1, [], {}, "\N{SNOWMAN}" * 5000, 2**60], ids=range(7))
def test_a_value_of_another_kind_is_refused(key, value):
    told = lines.of_outcome(OUTCOME)
    with pytest.raises(Malformed):
        lines.outcome_of({**told, key: value})
    with pytest.raises(Malformed):
        lines.outcome_of({name: told[name] for name in told if name != key})
    with pytest.raises(Malformed):
        lines.outcome_of({**told, "more": 1})


@pytest.mark.parametrize(("key", "most"), [("statement", 64 * 1024), ("report", 1024 * 1024)])
def test_what_is_too_large_is_refused(key, most):
    with pytest.raises(Malformed):
        lines.outcome_of(lines.of_outcome(replace(OUTCOME, **{key: bytes(most + 10)})))


def test_a_stream_is_read_to_its_end_and_no_line_is_cut():
    told = [lines.of_job(Job(f"a=={number}", "claim")) for number in range(3)]
    data = b"".join(map(lines.dumps, told))
    taken = []
    lines.read_lines(io.BytesIO(data), taken.append)
    assert taken == told
    for cut in prefixes(data):
        taken = []
        if cut.endswith(b"\n") or not cut:
            lines.read_lines(io.BytesIO(cut), taken.append)
        else:
            with pytest.raises(Malformed):
                lines.read_lines(io.BytesIO(cut), taken.append)
        assert taken == told[: len(taken)]


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"7\n",
        b"[]\n",
        b"nonsense\n",
        b"\xff\n",
        b"[" * 100_000 + b"\n",
        b'"' + b"x" * lines.MAX_LINE + b'"\n',
    ],
    ids=range(7),
)
def test_what_is_no_object_on_a_line(line):
    with pytest.raises(Malformed):
        lines.read_lines(io.BytesIO(line), lambda value: None)


def test_a_result_that_is_no_text_for_json_is_written_all_the_same():
    written = lines.dumps(lines.of_outcome(Outcome("claim", "a\ud800b", complete=False)))
    assert lines.outcome_of(json.loads(written)).result == "a?b"
