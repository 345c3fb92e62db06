"""An observation that contradicts itself cannot be built; a statement has one text."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import get_args

import pytest
from pydantic import BaseModel, ValidationError

from tests.mangling import flips, prefixes
from witness import canonical
from witness.errors import Malformed
from witness.limits import MAX_STATEMENT
from witness.observation import (
    Attempt,
    Builder,
    Comparison,
    Difference,
    Digests,
    DigestSet,
    Environment,
    Failure,
    Finding,
    Observation,
    Ordered,
    Published,
    Requirement,
    Resource,
    RuleUse,
    Tool,
)
from witness.statement import Statement, encode, parse

NAME = "demo-1.0-py3-none-any.whl"
A, B, C = "a" * 64, "b" * 64, "c" * 64
THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SAME = Digests(payload_digest=A, dist_info_digest=B)
OTHER_INFO = Digests(payload_digest=A, dist_info_digest=C)
OTHER = Digests(payload_digest=C, dist_info_digest=C)
RULE = RuleUse(id="rule@1", path="demo/METADATA", published="x", rebuilt="y")
DIFFERENCE = Difference(path="demo/a.py", kind="content")


def compared(**changes):
    fields = {
        "rule_set": "rules/1:x",
        "archive_exact": True,
        "published": SAME,
        "rebuilt": SAME,
        "record_digest": C,
    }
    return Comparison(**{**fields, **changes})


UNEQUAL = compared(archive_exact=False, rebuilt=OTHER, differences=(DIFFERENCE,), differences_total=1)
BASE = {
    "purl": "pkg:pypi/demo@1.0",
    "method": "rebuild",
    "published": Published(size=1),
    "builder": Builder(name="node", tool=Tool(name="tool", version="1")),
    "attempt": Attempt(count=1, started_at=THEN, finished_at=THEN),
}
MADE = {"rebuilt": Resource(name=NAME, digest=DigestSet(sha256=A)), "recipe": DigestSet(sha256=B)}
MATCH = {**BASE, **MADE, "result": "match", "level": "bitwise", "comparison": compared()}
MISMATCH = {**BASE, **MADE, "result": "mismatch", "comparison": UNEQUAL}
FAILED = {**BASE, "result": "build-failed", "failure": Failure(phase="build", cause="backend-error")}
ABSENT = {**BASE, "result": "not-attempted", "failure": Failure(phase="locate", cause="no-sdist")}
FULL = {
    **MATCH,
    "source": Resource(name="demo-1.0.tar.gz", digest=DigestSet(sha256=C)),
    "published": Published(
        size=2**53 - 1, upload_time=THEN, index_serial=7, yanked=True, provenance=DigestSet(sha256=A)
    ),
    "environment": Environment(
        interpreter="CPython 3.11.7",
        platform="linux-x86_64",
        requirements=(Requirement(name="setuptools", version="75.0", sha256=A),),
        variables={"TZ": "UTC", "camelCase_x": "é"},
    ),
    "isolation": "bubblewrap",
    "previous": 0,
}  # fmt: skip


def statement(fields, sha256=A):
    return Statement(NAME, sha256, Observation(**fields))


@pytest.mark.parametrize("fields", [MATCH, FULL, FAILED, ABSENT], ids=["match", "full", "failed", "absent"])
def test_round_trip(fields):
    data = encode(statement(fields))
    assert parse(data) == statement(fields)
    assert encode(parse(data)) == data


def test_round_trip_of_a_mismatch():
    made = statement(MISMATCH, sha256=B)
    assert parse(encode(made)) == made


REFUSED = {
    "match without level": {**MATCH, "level": None},
    "mismatch with level": {**MISMATCH, "level": "archive"},
    "failure with level": {**FAILED, "level": "bitwise"},
    "match without comparison": {**MATCH, "comparison": None},
    "failure with comparison": {**FAILED, "comparison": compared()},
    "match with failure": {**MATCH, "failure": Failure(phase="x", cause="y")},
    "failed without failure": {**FAILED, "failure": None},
    "match without output": {**MATCH, "rebuilt": None},
    "match without recipe": {**MATCH, "recipe": None},
    "mismatch without recipe": {**MISMATCH, "recipe": None},
    "unknown result": {**MATCH, "result": "ok"},
    "unknown method": {**MATCH, "method": "guess"},
    "unknown level": {**MATCH, "level": "identical"},
    "unknown field": {**MATCH, "surprise": 1},
    "a number as text": {**MATCH, "previous": "1"},
    "true as a number": {**MATCH, "previous": True},
    "negative": {**MATCH, "previous": -1},
    "beyond a double": {**MATCH, "previous": 2**53},
    "long": {**MATCH, "isolation": "x" * 301},
    "long purl": {**MATCH, "purl": "x" * 1001},
}


@pytest.mark.parametrize("fields", REFUSED.values(), ids=REFUSED)
def test_contradictions(fields):
    with pytest.raises(ValidationError):
        Observation(**fields)


COMPARISONS = {
    "match with differences": ("bitwise", {"differences": (DIFFERENCE,), "differences_total": 1}),
    "match with a total": ("bitwise", {"differences_total": 1}),
    "more listed than counted": (None, {"differences": (DIFFERENCE,), "archive_exact": False}),
    "mismatch without differences": (None, {"archive_exact": False}),
    "an exact mismatch": (None, {"differences_total": 1}),
    "no digests": ("bitwise", {"published": None}),
    "no rebuilt digests": ("bitwise", {"rebuilt": None}),
    "no record digest": ("bitwise", {"record_digest": None}),
    "bitwise of other members": ("bitwise", {"rebuilt": OTHER_INFO}),
    "archive of other members": ("archive", {"rebuilt": OTHER_INFO}),
    "archive by a rule": ("archive", {"rules": (RULE,)}),
    "metadata of another payload": ("metadata", {"rebuilt": OTHER, "rules": (RULE,), "archive_exact": False}),
    "metadata without a rule": ("metadata", {"rebuilt": OTHER_INFO, "archive_exact": False}),
    "content without a rule": ("content", {"rebuilt": OTHER, "archive_exact": False}),
    "exact metadata": ("metadata", {"rebuilt": OTHER_INFO, "rules": (RULE,)}),
    "bitwise but not exact": ("bitwise", {"archive_exact": False}),
}


@pytest.mark.parametrize(("level", "changes"), COMPARISONS.values(), ids=COMPARISONS)
def test_contradictions_of_a_comparison(level, changes):
    result = "match" if level else "mismatch"
    with pytest.raises(ValidationError):
        Observation(**{**MATCH, "result": result, "level": level, "comparison": compared(**changes)})


@pytest.mark.parametrize(
    ("level", "changes"),
    [
        ("archive", {}),
        ("archive", {"archive_exact": False}),
        ("metadata", {"rebuilt": OTHER_INFO, "rules": (RULE,), "archive_exact": False}),
        ("content", {"rebuilt": OTHER, "rules": (RULE,), "archive_exact": False}),
    ],
)
def test_the_weaker_levels(level, changes):
    made = statement({**MATCH, "level": level, "comparison": compared(**changes)}, sha256=B)
    assert parse(encode(made)) == made


@pytest.mark.parametrize("digest", ["A" * 64, "a" * 63, "a" * 65, "g" * 64, "", "a" * 64 + "\n"])
def test_digests(digest):
    with pytest.raises(ValidationError):
        DigestSet(sha256=digest)


@pytest.mark.parametrize(
    "time",
    ["2026-01-02", "2026-01-02T03:04:05", "2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05.0Z", "2026-02-30T00:00:00Z",
     "2026-01-02T24:00:00Z", "2026-01-02T03:04:60Z", "2026-01-02t03:04:05z", " 2026-01-02T03:04:05Z",
     "\u0662\u0660\u0662\u0666-01-02T03:04:05Z", 0, None, datetime(2026, 1, 2)],  # noqa: DTZ001
)  # fmt: skip
def test_times_that_are_refused(time):
    with pytest.raises(ValidationError):
        Attempt(count=1, started_at=time, finished_at=THEN)


def test_times_are_utc_to_the_second():
    zone = timezone(timedelta(hours=2))
    attempt = Attempt(count=1, started_at=datetime(2026, 1, 2, 5, 4, 5, 999, tzinfo=zone), finished_at=THEN)
    assert attempt.started_at == THEN
    assert attempt.wire()["startedAt"] == "2026-01-02T03:04:05Z"


def test_early_years_have_four_digits():
    early = datetime(999, 1, 2, 3, 4, 5, tzinfo=UTC)
    attempt = Attempt(count=1, started_at=early, finished_at=THEN)
    assert attempt.wire()["startedAt"] == "0999-01-02T03:04:05Z"
    assert Attempt.model_validate_json(attempt.canonical()) == attempt


def test_observations_are_frozen():
    with pytest.raises(ValidationError):
        Observation(**MATCH).level = "archive"


def test_the_same_digest_and_bitwise_go_together():
    for made in (
        statement(MATCH, sha256=B),
        statement({**MATCH, "level": "archive"}),
        statement(MISMATCH),
    ):
        with pytest.raises(Malformed, match="go together"):
            encode(made)


def test_prefixes_are_refused():
    for data in prefixes(encode(statement(FULL))):
        with pytest.raises(Malformed):
            parse(data)


def test_a_flipped_byte_is_refused_or_another_value():
    data, survivors = encode(statement(MATCH)), 0
    for changed in flips(data):
        try:
            found = parse(changed)
        except Malformed:
            continue
        survivors += 1
        assert found != statement(MATCH)
        assert encode(found) == changed
    assert survivors > 0


def keys(value):
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from keys(item) if key != "variables" else ()
    elif isinstance(value, list):
        for item in value:
            yield from keys(item)


def test_keys_are_camel_case_and_absent_values_absent():
    value = json.loads(encode(statement(FULL)))
    assert all(re.fullmatch(r"[a-z]+([A-Z][a-z]*)*|_type|sha256", key) for key in keys(value))
    assert set(json.loads(encode(statement(ABSENT)))["predicate"]) == {
        "attempt", "builder", "failure", "method", "published", "purl", "result"}  # fmt: skip


def changed(change):
    value = json.loads(encode(statement(FULL)))
    change(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def snake(value):
    value["predicate"]["attempt"]["started_at"] = value["predicate"]["attempt"].pop("startedAt")


CHANGES = {
    "snake case": snake,
    "another type": lambda value: value.update(_type="https://in-toto.io/Statement/v0.1"),
    "another predicate": lambda value: value.update(predicateType="https://other.example/v1"),
    "two subjects": lambda value: value["subject"].append(value["subject"][0]),
    "no subject": lambda value: value.update(subject=[]),
    "an unknown key": lambda value: value.update(extra=1),
    "an unknown key below": lambda value: value["predicate"]["published"].update(extra=1),
    "an explicit null": lambda value: value["predicate"].update(failure=None),
    "a default left out": lambda value: (
        value["predicate"]["published"].pop("provenance")
        and value["predicate"]["comparison"].pop("differencesTotal")
    ),
    "another digest": lambda value: value["subject"][0]["digest"].update(sha512="x"),
    "upper-case digest": lambda value: value["subject"][0]["digest"].update(sha256="A" * 64),
    "a float": lambda value: value["predicate"]["attempt"].update(count=1.0),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_no_statement(change):
    with pytest.raises(Malformed, match=r"^(statement: |demo)"):
        parse(changed(change))


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"null", b"\xff", b" " * (MAX_STATEMENT + 1), b"[" * 9000, encode(statement(FULL)) + b"\n",
     encode(statement(FULL)).replace(b'"previous":0', b'"previous":0,"previous":0'),
     encode(statement(FULL)).replace(b'"previous":0', b'"previous":9,"previous":0')],
    ids=range(9),
)  # fmt: skip
def test_what_is_no_canonical_json(data):
    with pytest.raises(Malformed, match=r"^statement: "):
        parse(data)


@pytest.mark.parametrize(
    "variables",
    ['{"b":"1","a":"2"}', '{"a":"1","a":"2"}', '{"a":"2","a":"2"}', '{"\ufb33":"1","\U0001f600":"2"}',
     '{"a":"\\u00e9"}', '{"a":"\\/"}', '{"a": "1"}', '{"a":null}', '{"a":"\\ud800"}'],
    ids=range(9),
)  # fmt: skip
def test_variables_in_another_form(variables):
    data = encode(statement(FULL)).replace('{"TZ":"UTC","camelCase_x":"é"}'.encode(), variables.encode())
    with pytest.raises(Malformed, match=r"^statement: "):
        parse(data)


def test_variables_are_sorted_by_utf_16_units():
    names = {"\ufb33": "1", "\U0001f600": "2", "a": "3"}
    environment = FULL["environment"].model_copy(update={"variables": {}})
    made = statement({**FULL, "environment": Environment(**{**dict(environment), "variables": names})})
    assert list(made.observation.environment.variables) == ["a", "\U0001f600", "\ufb33"]
    assert encode(parse(encode(made))) == encode(made)


def test_every_character_is_written_as_rfc_8785_has_it():
    everything = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x110000))))
    pieces = [everything[start : start + 300] for start in range(0, len(everything), 300)]
    for piece in pieces:
        made = Failure(phase="x", cause=piece)
        assert made.canonical() == canonical.dumps(made.wire())


@pytest.mark.parametrize("fields", [MATCH, MISMATCH, FULL, FAILED, ABSENT])
def test_the_two_ways_to_the_one_text(fields):
    observation = Observation(**fields)
    assert observation.canonical() == canonical.dumps(observation.wire())


def models(kind):
    """The models that a type is made of."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
        for field in kind.model_fields.values():
            yield from models(field.annotation)
    for part in get_args(kind):
        yield from models(part)


def test_all_that_an_observation_is_made_of_is_in_order():
    found = set(models(Observation))
    assert len(found) > 12
    assert all(issubclass(kind, Ordered) for kind in found)


def test_what_is_not_in_order_cannot_be_declared():
    with pytest.raises(TypeError, match="not declared in the order"):
        type("Muddled", (Ordered,), {"__annotations__": {"b": str, "a": str}})


def test_differences_are_cut_to_fit_and_their_total_stays():
    many = tuple(Difference(path=f"{n:03}{'漢' * 297}", kind="content") for n in range(200))
    long = compared(archive_exact=False, rebuilt=OTHER, differences=many, differences_total=1234)
    data = encode(statement({**MISMATCH, "comparison": long}, sha256=B))
    assert len(data) <= MAX_STATEMENT
    found = parse(data).observation.comparison
    assert found.differences == many[: len(found.differences)]
    assert 0 < len(found.differences) < 200
    assert found.differences_total == 1234


def test_findings_are_cut_to_fit_and_their_total_stays():
    many = tuple(Finding(path=f"{n:03}{'漢' * 297}", kind="record-omits-member") for n in range(50))
    long = compared(findings=many, findings_total=1234)
    data = encode(statement({**MATCH, "comparison": long}))
    assert len(data) <= MAX_STATEMENT
    found = parse(data).observation.comparison
    assert found.findings == many[: len(found.findings)]
    assert 0 < len(found.findings) < 50
    assert found.findings_total == 1234


def named(name):
    return {"rebuilt": Resource(name=name, digest=DigestSet(sha256=A))}


def test_a_match_is_with_a_file_of_that_name_in_whatever_spelling():
    made = statement({**MATCH, **named("Demo-1.0.0-py3-none-any.whl")})
    assert parse(encode(made)) == made
    for other in (
        "demo-1.0-py2-none-any.whl",
        "demo-1.0-1-py3-none-any.whl",
        "demo.whl",
        "other-1.0-py3-none-any.whl",
    ):
        with pytest.raises(Malformed, match="which is another"):
            encode(statement({**MATCH, **named(other)}))


def test_the_same_bytes_under_another_name_are_a_mismatch():
    difference = Difference(path="demo-1.0-py2-none-any.whl", kind="filename")
    comparison = compared(archive_exact=False, differences=(difference,), differences_total=1)
    made = statement({**MISMATCH, **named(difference.path), "comparison": comparison})
    assert parse(encode(made)) == made
    with pytest.raises(Malformed, match="go together"):
        encode(statement({**MISMATCH, **named(NAME)}))


def test_findings_are_absent_where_there_are_none():
    assert b"findings" not in encode(statement(MATCH))
    for bad in ({"findings": ()}, {"findings_total": 0}, {"findings": (), "findings_total": 0},
                {"findings": (Finding(path="", kind="x"),) * 2, "findings_total": 1}):  # fmt: skip
        with pytest.raises(ValidationError, match="findings"):
            Observation(**{**FULL, **MATCH, "comparison": compared(**bad)})


def test_what_cannot_be_cut_is_refused():
    variables = {f"V{n}": "x" * 300 for n in range(200)}
    environment = Environment(interpreter="x", platform="y", variables=variables)
    with pytest.raises(Malformed, match="too large"):
        encode(statement({**MATCH, "environment": environment}))


@pytest.mark.parametrize(
    "text", ["", "a" * 63, "a" * 65, "A" * 64, "a" * 64 + "\n", "\n" + "a" * 64, "a" * 63 + "\u0661"]
)
def test_a_digest_has_one_form(text):
    with pytest.raises(ValueError, match="pattern"):
        DigestSet(sha256=text)
