"""What each named rule equates, and what it must refuse. A rule that errs here lies to whoever accepts `metadata`."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from pydantic import ValidationError

from tests.pairs import RECORD, outcome, release, row, used
from tests.wheels import DIST_INFO, METADATA, PAYLOAD, WHEEL, File, wheel_of, zip_of
from witness.compare import ladder
from witness.compare.rules import catalogue
from witness.compare.rules.catalogue import RULES, equate
from witness.compare.rules.rule import Subject
from witness.observation import Attempt, Builder, DigestSet, Observation, Published, Resource, Tool
from witness.statement import Statement, encode, parse
from witness.wheel.reader import read_wheel

OTHER = WHEEL.replace(b"75.0.0", b"75.0.1")
FIELDS = b"Name: demo\nVersion: 1.0\n"
REORDERED = b"Version: 1.0\nName: demo\n"
EXTENDED = (
    *PAYLOAD, File("single.py", b"1"), File("_native.cpython-311-x86_64-linux-gnu.so", b"2"),
    File("space/inner/mod.py", b"3"), File("demo-1.0.data/purelib/moved/x.py", b"4"),
    File("demo-1.0.data/platlib/lone.py", b"5"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(b"demo\n", b"demo\ntests\n"), (b"demo\n", b"demo"), (b"demo\n", b"\n\ndemo\n"), (b"a\ndemo\n", b"demo\na\n"),
     (b"demo\n", b"demo\ndemo\n"), (b"gone\n", b""), (b"dem\n", b"demo_\n")],
)  # fmt: skip
def test_top_level_names_that_stand_for_nothing(ours, theirs):
    pair = [release(tops=tops, payload=EXTENDED) for tops in (ours, theirs)]
    assert used(*pair) == {"top-level@1"}


@pytest.mark.parametrize(
    "tops",
    [b"", b"demo\nsingle\n", b"demo\n_native\n", b"demo\nspace\n", b"demo\nmoved\n", b"demo\nlone\n", b"Demo\n",
     b"demo\nSpace\n", b"demo\r\nx\r\n", b"demo\nx\r", b"demo\nx y\n", b"demo\na/b\n", b"demo\n../x\n", b"demo\n5\n",
     "demo\nnäme\n".encode(), b"demo\n\xff\n", b"demo\n \n", b"demo\n-r x\n"],
)  # fmt: skip
def test_top_level_names_that_stand_for_something_or_are_none(tops):
    assert used(release(payload=EXTENDED), release(tops=tops, payload=EXTENDED)) is None


ROWS = {
    "another order": lambda rows: rows[::-1],
    "CRLF": lambda rows: [line.replace("\n", "\r\n") for line in rows],
    "quoted": lambda rows: [f'"{line.partition(",")[0]}",{line.partition(",")[2]}' for line in rows],
    "not itself": lambda rows: rows[:-1],
    "no line feed at the end": lambda rows: [*rows[:-1], rows[-1].rstrip()],
}


@pytest.mark.parametrize("record", ROWS.values(), ids=ROWS)
def test_records_that_say_the_same(record):
    assert used(release(), release(record=record)) == set()


WRONG_ROWS = {
    "none": lambda rows: [],
    "one missing": lambda rows: rows[1:],
    "one twice": lambda rows: [rows[0], *rows],
    "one too many": lambda rows: ["evil.py,,\n", *rows],
    "one too many with a hash": lambda rows: [row(File("evil.py", b"x")), *rows],
    "a signature that is not there": lambda rows: [*rows, f"{DIST_INFO}/RECORD.jws,,\n"],
    "another hash": lambda rows: [rows[0].replace("sha256=", "sha256=A"), *rows[1:]],
    "another algorithm": lambda rows: [rows[0].replace("sha256=", "md5="), *rows[1:]],
    "padded": lambda rows: [rows[0].replace(",240", "=,240"), *rows[1:]],
    "no hash": lambda rows: [f"{PAYLOAD[0].name},,\n", *rows[1:]],
    "another size": lambda rows: [rows[0].replace(",240", ",241"), *rows[1:]],
    "the size otherwise": lambda rows: [rows[0].replace(",240", ",0240"), *rows[1:]],
    "no size": lambda rows: [rows[0].replace(",240", ","), *rows[1:]],
    "itself with a hash": lambda rows: [*rows[:-1], rows[-1].replace(",,", ",sha256=x,5")],
    "two columns": lambda rows: [*rows[:-1], rows[-1].replace(",,", ",")],
    "four columns": lambda rows: [*rows[:-1], rows[-1].replace(",,", ",,,")],
    "an empty row": lambda rows: ["\n", *rows],
    "another path": lambda rows: [rows[0].replace("demo/", "./demo/"), *rows[1:]],
    "another case": lambda rows: [rows[0].replace("demo/", "Demo/"), *rows[1:]],
    "an open quote": lambda rows: [*rows, '"'],
    "a NUL": lambda rows: ["\0", *rows],
    "a field beyond csv's limit": lambda rows: [*rows, f"{'x' * 200_000},,\n"],
}


@pytest.mark.parametrize("record", WRONG_ROWS.values(), ids=WRONG_ROWS)
def test_records_that_are_wrong_in_one_of_the_two(record):
    assert used(release(), release(record=record)) is None


def test_records_that_are_wrong_in_both():
    ours, theirs = (release(record=WRONG_ROWS[name]) for name in ("one missing", "another size"))
    assert used(ours, theirs) is None


def test_a_record_that_is_not_text():
    broken = [replace(file, content=b"\xff") if file.name == RECORD else file for file in FILES_OF_RELEASE]
    assert used(release(), zip_of(broken)) is None


FILES_OF_RELEASE = [
    *PAYLOAD, File(f"{DIST_INFO}/METADATA", METADATA), File(f"{DIST_INFO}/WHEEL", WHEEL),
    File(f"{DIST_INFO}/top_level.txt", b"demo\n"), File(RECORD, b""),
]  # fmt: skip


def test_an_exec_bit_is_not_equated_with_the_content_beside_it():
    files = [
        replace(file, content=OTHER, mode=0o100755) if file.name.endswith("/WHEEL") else file
        for file in FILES_OF_RELEASE
    ]
    rows = "".join([*map(row, files[:-1]), f"{RECORD},,\n"]).encode()
    assert used(release(), zip_of([*files[:-1], File(RECORD, rows)])) is None
    plain = [replace(file, mode=0o100644) if file.name.endswith("/WHEEL") else file for file in files[:-1]]
    assert used(release(), zip_of([*plain, File(RECORD, rows)]))


@pytest.mark.parametrize(
    "payload",
    [
        (PAYLOAD[0],),
        (*PAYLOAD, File("demo/more.py", b"x")),
        (replace(PAYLOAD[0], content=b"x = 2\n" * 40), PAYLOAD[1]),
        (replace(PAYLOAD[0], mode=0o100755), PAYLOAD[1]),
        (*PAYLOAD, File("demo/WHEEL", WHEEL)),
        (*PAYLOAD, File("demo-1.0.data/METADATA", METADATA)),
    ],
)
def test_a_payload_difference_is_never_equated(payload):
    assert used(release(), release(payload=payload, wheel=OTHER)) is None


def test_members_of_the_same_names_elsewhere_are_payload():
    for name, one, other in (
        ("WHEEL", WHEEL, OTHER),
        ("METADATA", FIELDS, REORDERED),
        ("RECORD", b"", b"\n"),
    ):
        ours, theirs = (
            release(payload=(*PAYLOAD, File(f"demo/{name}", content))) for content in (one, other)
        )
        assert used(ours, theirs) is None
        assert equate(read_wheel(ours), read_wheel(theirs), f"demo/{name}") == ()


def test_a_name_too_long_to_be_shown_whole_has_no_rule():
    for length, equal in ((300, {"source-line-ends@1"}), (301, None)):
        name = f"demo/{'x' * (length - 8)}.py"
        ours, theirs = (
            release(payload=(*PAYLOAD, File(name, content))) for content in (b"a = 1\n", b"a = 1\r\n")
        )
        assert used(ours, theirs) == equal


def test_other_members_of_dist_info_have_no_rule():
    for name in ("direct_url.json", "RECORD.jws", "INSTALLER", "namespace_packages.txt", "licence/METADATA"):
        ours, theirs = (release(about={name: content}) for content in (b"a\n", b"a\r\n"))
        assert used(ours, theirs) is None


def test_wheels_with_findings_are_never_equated():
    assert outcome(release(), release(wheel=OTHER)).level == "metadata"
    assert not outcome(wheel_of(comment=b"x"), wheel_of()).matches
    hidden = zip_of([replace(file) for file in FILES_OF_RELEASE], gap=b"hidden")
    assert not outcome(release(), hidden).matches


def observation(found):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Observation(
        purl="pkg:pypi/demo@1.0", method="rebuild", result="match" if found.matches else "mismatch", level=found.level,
        comparison=found.comparison, published=Published(size=1),
        rebuilt=Resource(name="demo-1.0-py3-none-any.whl", digest=DigestSet(sha256="0" * 64)),
        recipe=DigestSet(sha256="0" * 64),
        builder=Builder(name="n", tool=Tool(name="t", version="1")),
        attempt=Attempt(count=1, outputs=(), started_at=now, finished_at=now),
    )  # fmt: skip


def test_a_match_at_metadata_makes_a_valid_observation():
    found = outcome(release(metadata=FIELDS), release(metadata=REORDERED, wheel=OTHER, tops=b"demo\nx\n"))
    comparison = found.comparison
    assert found.level == "metadata"
    assert comparison.published.payload_digest == comparison.rebuilt.payload_digest
    assert comparison.published.dist_info_digest != comparison.rebuilt.dist_info_digest
    assert (comparison.archive_exact, comparison.differences) == (False, ())
    ids = {"metadata-order@2", "generator@1", "top-level@1", "record-complete@1"}
    assert {use.id for use in comparison.rules} == ids
    assert {use["id"] for use in observation(found).wire()["comparison"]["rules"]} == ids


def crlf_sources(count):
    return [
        release(payload=[*PAYLOAD, *(File(f"demo/m{n:02}.py", f"a{end}".encode()) for n in range(count))])
        for end in ("\n", "\r\n")
    ]


def test_a_match_at_content_makes_a_valid_observation():
    found = outcome(*crlf_sources(3))
    comparison = found.comparison
    assert found.level == "content"
    assert comparison.published.payload_digest != comparison.rebuilt.payload_digest
    assert (comparison.archive_exact, comparison.differences) == (False, ())
    uses = observation(found).wire()["comparison"]["rules"]
    assert [use["path"] for use in uses] == [f"{DIST_INFO}/RECORD", *(f"demo/m{n:02}.py" for n in range(3))]
    content = File("demo/m00.py", b"a\r\n").content
    assert uses[1]["rebuilt"] == f"CRLF, sha256:{sha256(content).hexdigest()}"


def test_a_content_match_with_equal_payloads_or_without_a_rule_is_no_observation():
    found = outcome(*crlf_sources(1))
    with pytest.raises(ValidationError, match="without a rule"):
        observation(replace(found, comparison=found.comparison.model_copy(update={"rules": ()})))
    with pytest.raises(ValidationError, match="with different payloads"):
        observation(replace(found, level="metadata"))


def test_more_rules_than_a_statement_holds_are_a_mismatch():
    found = outcome(*crlf_sources(40))
    assert (found.level, len(found.comparison.rules)) == ("content", 41)
    statement = Statement("demo-1.0-py3-none-any.whl", "1" * 64, observation(found))
    assert parse(encode(statement)) == statement
    many = outcome(*crlf_sources(ladder.MAX_JUDGED))
    assert (many.level, many.comparison.differences_total) == (None, ladder.MAX_JUDGED + 1)
    names = [f"demo/{'x' * 280}{n:02}.py" for n in range(40)]
    long = [release(payload=[File(name, end) for name in names]) for end in (b"a\n", b"a\r\n")]
    assert outcome(*long).comparison.differences_total == 41


def test_every_rule_says_what_it_is():
    for row_of in RULES:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*@[1-9]\d*", row_of.id)
        assert all((row_of.members, row_of.equates, row_of.refuses, row_of.why))
    names = [row_of.id.partition("@")[0] for row_of in RULES]
    assert len(set(names)) == len(names)


def test_a_rule_of_metadata_cannot_equate_payload(monkeypatch):
    """Whatever a subject says that it covers."""
    ours, theirs = (
        read_wheel(release(payload=(*PAYLOAD, File("demo/x", text), File(f"{DIST_INFO}/x", text))))
        for text in (b"1", b"2")
    )
    lax = [
        Subject((row_of,), lambda pair: True, lambda pair, row_of=row_of: (pair.use_of(row_of),))
        for row_of in RULES
    ]
    for subject in lax:
        monkeypatch.setattr(catalogue, "SUBJECTS", (subject,))
        assert bool(equate(ours, theirs, "demo/x")) == (subject.rules[0].level == "content")
        assert equate(ours, theirs, f"{DIST_INFO}/x")
