"""What each named rule equates, and what it must refuse. A rule that errs here lies to whoever accepts `metadata`."""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from tests.wheels import DIST_INFO, METADATA, PAYLOAD, WHEEL, File, wheel_of, zip_of
from witness.compare import rules
from witness.compare.ladder import compare
from witness.compare.rules import RULES, equate, rule_set_id
from witness.observation import Attempt, Builder, DigestSet, Observation, Published, Resource, Tool
from witness.wheel.reader import read_wheel

RECORD = f"{DIST_INFO}/RECORD"


def row(file):
    digest = base64.urlsafe_b64encode(sha256(file.content).digest()).rstrip(b"=").decode()
    return f"{file.name},sha256={digest},{len(file.content)}\n"


def release(*, metadata=METADATA, wheel=WHEEL, tops=b"demo\n", record=None, payload=PAYLOAD):
    """A wheel with a true RECORD, unless `record` makes another of its rows."""
    files = [
        *payload,
        File(f"{DIST_INFO}/METADATA", metadata),
        File(f"{DIST_INFO}/WHEEL", wheel),
        File(f"{DIST_INFO}/top_level.txt", tops),
    ]
    rows = [*map(row, files), f"{RECORD},,\n"]
    return zip_of([*files, File(RECORD, "".join(record(rows) if record else rows).encode())])


def outcome(published, rebuilt):
    return compare(read_wheel(published), read_wheel(rebuilt))


def used(published, rebuilt):
    """The ids of the rules by which the two are equal; None if they are not."""
    there, back = outcome(published, rebuilt), outcome(rebuilt, published)
    assert there.level == back.level
    assert there.level in (None, "metadata")
    assert there.comparison.published.dist_info_digest != there.comparison.rebuilt.dist_info_digest
    if there.level is None:
        assert there.comparison.rules == ()
        return None
    assert there.comparison.differences_total == 0
    ids = [use.id for use in there.comparison.rules]
    assert ids == [use.id for use in back.comparison.rules]
    for ours, theirs in zip(there.comparison.rules, back.comparison.rules, strict=True):
        assert (ours.published, ours.rebuilt) == (theirs.rebuilt, theirs.published)
        assert ours.published
    return set(ids)


FIELDS = (
    b"Metadata-Version: 2.1\n", b"Name: demo\n", b"Version: 1.0\n", b"License: X\n   Y\n \tZ\n",
    b"Requires-Python: >=3.8\n", b"Requires-Dist: a >=1\n", b"Requires-Dist: b ; extra == 'x'\n",
    b"Provides-Extra: x\n",
)  # fmt: skip
ABOUT = b"".join(FIELDS)
BODY = "\nAbout it, in Köln.\n\nRequires-Dist: not-a-field\n".encode()

ORDERS = {
    "reversed": (ABOUT + BODY, b"".join(reversed(FIELDS)) + BODY),
    "no description": (ABOUT, b"".join(reversed(FIELDS))),
    "empty lines at the end": (ABOUT + BODY, ABOUT + BODY + b"\n\n"),
    "no line feed at the end": (ABOUT + BODY, ABOUT + BODY[:-1]),
    "an empty description": (ABOUT, ABOUT + b"\n"),
    "non-ASCII values": (ABOUT + "Author: Ü\n".encode(), "Author: Ü\n".encode() + ABOUT),
}  # fmt: skip


@pytest.mark.parametrize(("ours", "theirs"), ORDERS.values(), ids=ORDERS)
def test_metadata_in_another_order(ours, theirs):
    assert used(release(metadata=ours), release(metadata=theirs)) == {"metadata-order@1", "record-complete@1"}


def swapped(one, other, rest=b"Name: demo\nVersion: 1.0\n"):
    return one + other + rest, other + one + rest


REFUSED = {
    "Requires-Dist changed": (ABOUT, ABOUT.replace(b"a >=1", b"a >=2")),
    "Requires-Dist added": (ABOUT, ABOUT + b"Requires-Dist: evil\n"),
    "Requires-Dist removed": (ABOUT, ABOUT.replace(b"Requires-Dist: a >=1\n", b"")),
    "Requires-Dist twice": (ABOUT, ABOUT + b"Requires-Dist: a >=1\n"),
    "its marker": (ABOUT, ABOUT.replace(b" ; extra == 'x'", b"")),
    "its spelling": (ABOUT, ABOUT.replace(b"a >=1", b"a (>=1)")),
    "Requires-Python": (ABOUT, ABOUT.replace(b">=3.8", b">=3.9")),
    "Requires-Python removed": (ABOUT, ABOUT.replace(b"Requires-Python: >=3.8\n", b"")),
    "Provides-Extra": (ABOUT, ABOUT.replace(b"Provides-Extra: x", b"Provides-Extra: y")),
    "Name": (ABOUT, ABOUT.replace(b"Name: demo", b"Name: Demo")),
    "Version": (ABOUT, ABOUT.replace(b"Version: 1.0", b"Version: 1.1")),
    "Metadata-Version": (ABOUT, ABOUT.replace(b"2.1", b"2.4")),
    "description": (ABOUT + BODY, ABOUT + BODY.replace(b"About", b"about")),
    "description begins with an empty line": (ABOUT + BODY, ABOUT + b"\n" + BODY),
    "description or not": (ABOUT, ABOUT + BODY),
    "spaces at the end": (ABOUT + BODY, ABOUT + BODY + b" \n"),
    "a field moved into the description": (ABOUT + b"\nx\n", b"".join(FIELDS[:-1]) + b"\n" + FIELDS[-1] + b"x\n"),
    "headers after the blank line": (ABOUT, ABOUT + b"\nRequires-Dist: evil\n"),
    "a field becomes a continuation": (ABOUT, ABOUT.replace(b"Requires-Dist: b", b" Requires-Dist: b")),
    "a continuation moves on": (
        b"A: 1\n x\nB: 2\n", b"A: 1\nB: 2\n x\n"),
    "begins with a continuation": (b" x\n" + ABOUT, b" x\n" + b"".join(reversed(FIELDS))),
    "names twice, of which the first counts": swapped(b"Name: evil\n", b"Name: fine\n", b"Version: 1.0\n"),
    "names twice, in other case": swapped(b"name: evil\n", b"Name: fine\n", b"Version: 1.0\n"),
    "Requires-Python twice": swapped(b"Requires-Python: >=2\n", b"Requires-Python: >=3\n"),
    "CR hides a field": swapped(b"Summary: x\rRequires-Dist: evil\n", b"Author: x\n"),
    "CR in a continuation": swapped(b"Summary: x\n y\rRequires-Dist: evil\n", b"Author: x\n"),
    "CR ends the fields": swapped(b"Summary: x\n \r\r\n", b"Requires-Dist: a\n"),
    "CRLF": (ABOUT, ABOUT.replace(b"\n", b"\r\n")),
    "CRLF reordered": swapped(b"Author: x\r\n", b"Summary: y\r\n"),
    "form feed": swapped(b"Summary: x\x0cRequires-Dist: evil\n", b"Author: x\n"),
    "NEL": swapped("Summary: x\x85Requires-Dist: evil\n".encode(), b"Author: x\n"),
    "line separator": swapped("Summary: x\u2028Requires-Dist: evil\n".encode(), b"Author: x\n"),
    "a line that ends the fields": swapped(b"not a field: x\n", b"Requires-Dist: a\n"),
    "a name that is not ASCII": swapped("Näme: x\n".encode(), b"Requires-Dist: a\n"),
    "no name": swapped(b": x\n", b"Requires-Dist: a\n"),
    "no colon": swapped(b"x\n", b"Requires-Dist: a\n"),
    "mbox": swapped(b"From x: y\n", b"Requires-Dist: a\n"),
    "a byte order mark": (b"\xef\xbb\xbf" + ABOUT, b"\xef\xbb\xbf" + b"".join(reversed(FIELDS))),
    "begins with an empty line": (b"\n" + ABOUT, b"\n" + b"".join(reversed(FIELDS))),
    "empty": (b"", b"\n"),
    "not UTF-8": (ABOUT + b"Author: \xff\n", b"Author: \xff\n" + ABOUT),
}  # fmt: skip


@pytest.mark.parametrize(("ours", "theirs"), REFUSED.values(), ids=REFUSED)
def test_metadata_that_is_not_only_in_another_order(ours, theirs):
    assert ours != theirs
    assert used(release(metadata=ours), release(metadata=theirs)) is None


def test_metadata_too_large_to_judge(monkeypatch):
    pair = release(metadata=ABOUT + BODY), release(metadata=ABOUT + BODY + b"\n")
    assert used(*pair)
    monkeypatch.setattr(rules, "_MAX_METADATA", len(ABOUT + BODY))
    assert used(*pair) is None


def test_another_generator():
    for value in (b"setuptools (75.0.1)", b"flit 3.9.0", b"", "Ü".encode(), b"x" * 999):
        theirs = release(wheel=WHEEL.replace(b"setuptools (75.0.0)", value))
        assert used(release(), theirs) == {"generator@1", "record-complete@1"}
    use = outcome(release(), theirs).comparison.rules[1]
    assert (use.path, use.published) == (f"{DIST_INFO}/WHEEL", "Generator: setuptools (75.0.0)")
    assert use.rebuilt == f"Generator: {'x' * 289}"


OTHER = WHEEL.replace(b"75.0.0", b"75.0.1")
NOT_GENERATOR = {
    "and a tag": OTHER.replace(b"py3", b"py2.py3"),
    "and another tag": OTHER + b"Tag: py2-none-any\n",
    "and no tag": OTHER.replace(b"Tag: py3-none-any\n", b""),
    "and Root-Is-Purelib": OTHER.replace(b"true", b"false"),
    "and Wheel-Version": OTHER.replace(b"1.0", b"1.1"),
    "a tag alone": WHEEL.replace(b"py3", b"py2"),
    "Root-Is-Purelib alone": WHEEL.replace(b"true", b"false"),
    "and Build": OTHER + b"Build: 1\n",
    "the order alone": b"".join(reversed(WHEEL.splitlines(keepends=True))),
    "removed": WHEEL.replace(b"Generator: setuptools (75.0.0)\n", b""),
    "CR behind it": WHEEL.replace(b"(75.0.0)", b"(75.0.0)\rTag: py2-none-any"),
    "CRLF": WHEEL.replace(b"\n", b"\r\n"),
    "a continuation": WHEEL.replace(b"(75.0.0)", b"(75.0.1)\n Tag: py2-none-any"),
    "in its place, another": WHEEL.replace(b"Generator: setuptools (75.0.0)", b"Build: 1"),
    "another name": WHEEL.replace(b"Generator:", b"Generators:"),
    "the fields end there": OTHER.replace(b"(75.0.1)\n", b"(75.0.1)\n\n"),
    "text below": OTHER + b"\nTag: py2-none-any\n",
    "not UTF-8": WHEEL.replace(b"75.0.0", b"\xff"),
}


@pytest.mark.parametrize("wheel", NOT_GENERATOR.values(), ids=NOT_GENERATOR)
def test_more_than_another_generator(wheel):
    assert wheel != WHEEL
    assert used(release(), release(wheel=wheel)) is None


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
    assert used(*pair) == {"top-level@1", "record-complete@1"}


@pytest.mark.parametrize(
    "tops",
    [b"", b"demo\nsingle\n", b"demo\n_native\n", b"demo\nspace\n", b"demo\nmoved\n", b"demo\nlone\n", b"Demo\n",
     b"demo\nSpace\n", b"demo\r\n", b"demo\nx\r", b"demo\nx y\n", b"demo\na/b\n", b"demo\n../x\n", b"demo\n5\n",
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
    assert used(release(), release(record=record)) == {"record-complete@1"}


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
        ("METADATA", ABOUT, ABOUT[::-1]),
        ("RECORD", b"", b"\n"),
    ):
        ours, theirs = (
            release(payload=(*PAYLOAD, File(f"demo/{name}", content))) for content in (one, other)
        )
        assert used(ours, theirs) is None
        assert equate(read_wheel(ours), read_wheel(theirs), f"demo/{name}") is None


def test_a_name_too_long_to_be_shown_whole_has_no_rule():
    ours, theirs = (
        release(payload=(*PAYLOAD, File("demo/" + "x" * 400, content))) for content in (b"1", b"2")
    )
    assert used(ours, theirs) is None


def test_other_members_of_dist_info_have_no_rule():
    ours, theirs = (
        release(payload=(*PAYLOAD, File(f"{DIST_INFO}/entry_points.txt", content)))
        for content in (b"[console_scripts]\na = b:c\nd = e:f\n", b"[console_scripts]\nd = e:f\na = b:c\n")
    )
    assert used(ours, theirs) is None


def test_wheels_with_findings_are_never_equated():
    assert outcome(release(), release(wheel=OTHER)).level == "metadata"
    assert not outcome(wheel_of(comment=b"x"), wheel_of()).matches
    hidden = zip_of([replace(file) for file in FILES_OF_RELEASE], gap=b"hidden")
    assert not outcome(release(), hidden).matches


def test_a_match_at_metadata_makes_a_valid_observation():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    found = outcome(
        release(metadata=ABOUT), release(metadata=b"".join(reversed(FIELDS)), wheel=OTHER, tops=b"demo\nx\n")
    )
    comparison = found.comparison
    assert comparison.published.payload_digest == comparison.rebuilt.payload_digest
    assert comparison.published.dist_info_digest != comparison.rebuilt.dist_info_digest
    assert (comparison.archive_exact, comparison.differences) == (False, ())
    assert {use.id for use in comparison.rules} == {rule.id for rule in RULES}
    made = Observation(
        purl="pkg:pypi/demo@1.0", method="rebuild", result="match", level=found.level, comparison=comparison,
        published=Published(size=1), rebuilt=Resource(name="x.whl", digest=DigestSet(sha256="0" * 64)),
        recipe=DigestSet(sha256="0" * 64), builder=Builder(name="n", tool=Tool(name="t", version="1")),
        attempt=Attempt(count=1, outputs=(), started_at=now, finished_at=now),
    )  # fmt: skip
    assert {use["id"] for use in made.wire()["comparison"]["rules"]} == {rule.id for rule in RULES}


def test_the_rule_set_is_named_by_its_catalogue(monkeypatch):
    before = rule_set_id()
    assert before == rule_set_id()
    ids = {before}
    for catalogue in (
        RULES[1:],
        (replace(RULES[0], id="generator@2"), *RULES[1:]),
        (*RULES, replace(RULES[0], id="new@1")),
    ):
        monkeypatch.setattr(rules, "RULES", catalogue)
        ids.add(rule_set_id())
    assert len(ids) == 4
    monkeypatch.setattr(rules, "RULES", RULES[::-1])
    assert rule_set_id() == before
