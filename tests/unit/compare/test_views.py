"""Fields, lines and bytes that differ: what is found, what is bounded, and that all of it can be shown."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from witness.differences.fields import DESCRIPTION, Change, changes
from witness.differences.hexdump import hex_dump
from witness.differences.shown import common_beginning
from witness.differences.textdiff import Allowance, text_diff
from witness.escape import printable


@pytest.mark.parametrize(
    ("member", "published", "rebuilt", "found"),
    [
        ("METADATA", "A: 1\nB: 2\n", "B: 2\nA: 1\n", ()),
        ("METADATA", "A: 1\n", "a: 1\n", ()),
        ("METADATA", "A: 1\nA: 2\n", "A: 2\nA: 3\nA: 3\n", (Change("A", ("1",), ("3", "3")),)),
        ("METADATA", "A: 1\n\nx\n", "A: 1\n\ny\n", (Change(DESCRIPTION, ("x",), ("y",)),)),
        ("METADATA", "A: 1\n 2\n", "A: 1\n 3\n", (Change("A", ("1\n 2",), ("1\n 3",)),)),
        ("METADATA", "A: 1\r\nB: 2\r\n", "A: 1\nB: 3\n", (Change("B", ("2",), ("3",)),)),
        ("METADATA", "", "A: 1\n", (Change("A", (), ("1",)),)),
        ("METADATA", "A: 1\n", "nothing\n", None),
        ("METADATA", "A: 1\n", " A: 1\n", None),
        ("METADATA", "A: 1\n", "A: 1\rB: 2\n", None),
        ("METADATA", "A: 1\n", "A: 1\u2028B: 2\n", None),
        ("WHEEL", "Tag: a\nTag: b\n", "Tag: b\n", (Change("Tag", ("a",), ()),)),
        ("RECORD", "a,sha256=x,1\n", "a,sha256=y,2\n", (Change("a", ("sha256=x, 1 bytes",), ("sha256=y, 2 bytes",)),)),
        ("RECORD", "a,,\n", "", (Change("a", ("no hash",), ()),)),
        ("RECORD", '"a,b",x,1\n', '"a,b",x,1\n', ()),
        ("RECORD", "a,b\n", "a,b,c\n", None),
        ("RECORD", 'a,"b\n', "a,b,c\n", None),
        ("entry_points.txt", "[a]\nb = c\n", "[a]\nb=c\n# x\n", ()),
        ("entry_points.txt", "[a]\nb=c\n", "[d]\nb=c\n", (Change("[a] b", ("c",), ()), Change("[d] b", (), ("c",)))),
        ("entry_points.txt", "[a]\nb\n", "[a]\n", None),
    ],
)  # fmt: skip
def test_fields(member, published, rebuilt, found):
    assert changes(member, published, rebuilt) == found


def signs(diff):
    return ["".join(line.sign for line in hunk) for hunk in diff.hunks]


def words(diff):
    return ["".join(line.parts) for hunk in diff.hunks for line in hunk]


def lines(*numbers, but=None):
    return "".join(f"{(but or {}).get(number, number)}\n" for number in numbers)


def test_lines_with_their_neighbours_and_numbers():
    diff = text_diff(lines(*range(100)), lines(*range(100), but={20: "x", 80: "y"}), Allowance())
    assert signs(diff) == ["   -+   ", "   -+   "]
    assert diff.note == ""
    changed = [line for hunk in diff.hunks for line in hunk if line.sign != " "]
    assert [(line.published, line.rebuilt) for line in changed] == [
        (21, None),
        (None, 21),
        (81, None),
        (None, 81),
    ]
    assert [line.parts for line in changed[:2]] == [("", "20", ""), ("", "x", "")]


def test_the_part_of_a_line_that_differs():
    diff = text_diff("the one word\n", "the other word\n", Allowance())
    assert [line.parts for line in diff.hunks[0]] == [("the o", "ne", " word"), ("the o", "ther", " word")]


@pytest.mark.parametrize(
    ("published", "rebuilt", "shown"),
    [
        ("a", "a\n", ["a ⟨no line end⟩", "a"]),
        ("", "a\n", ["a"]),
        ("a\n", "", ["a"]),
        ("a\tb\n", "a b\n", ["a⇥ b", "a b"]),
        ("a\r\n", "a\n", ["a\\x0d", "a"]),
        ("\x1b[2J\n", "\u202e\n", ["\\x1b[2J", "\\u202e"]),
        ("a\n", "a\n", []),
    ],
)
def test_what_could_not_be_seen_is_shown(published, rebuilt, shown):
    assert words(text_diff(published, rebuilt, Allowance())) == shown


def test_long_lines_are_cut():
    diff = text_diff(
        "x" * 1_000_000 + "a" + "y" * 1_000_000, "x" * 1_000_000 + "b" + "y" * 1_000_000, Allowance()
    )
    assert diff.hunks[0][0].parts[1].startswith("a")
    assert all(len(word) < 300 for word in words(diff))
    many = text_diff("a" * 1_000_000, "", Allowance())
    assert len(words(many)[0]) < 300


def test_many_lines_are_cut_and_that_is_said():
    diff = text_diff("", lines(*range(5000)), Allowance())
    assert sum(map(len, signs(diff))) == 400
    assert diff.note == "only the first 400 lines are shown"


def test_a_large_text_with_a_small_change_is_compared():
    numbers = range(100_000)
    diff = text_diff(lines(*numbers), lines(*numbers, but={50_000: "x", 50_900: "y"}), Allowance())
    assert signs(diff) == ["   -+   ", "   -+   "]


def test_what_would_cost_too_much_is_not_compared():
    """Each line of one stands often in the other: the time that difflib takes grows with the cube of that."""
    source = random.Random(1)
    ours, theirs = ("".join(f"{source.randrange(90)}\n" for _ in range(30_000)) for _ in range(2))
    allowance = Allowance()
    diff = text_diff("same\n" + ours, "same\n" + theirs, allowance)
    assert "too large to be compared" in diff.note
    assert signs(diff)[0] == " " + "-" * 12 + "+" * 12
    assert allowance.steps > 190_000_000


def test_many_comparisons_have_one_allowance():
    allowance = Allowance(lines=5)
    assert signs(text_diff("", lines(1, 2, 3), allowance)) == ["+++"]
    assert signs(text_diff("", lines(1, 2, 3), allowance)) == ["++"]
    last = text_diff("", lines(1, 2, 3), allowance)
    assert (last.hunks, last.note) == ((), "not shown: this report shows enough already")
    assert text_diff("a" * 10, "b" * 10, Allowance(steps=15)).hunks == ()


TEXT = st.text(alphabet="ab\n", max_size=60)


@given(TEXT, TEXT)
def test_a_diff_has_both_texts(published, rebuilt):
    """Whole, where nothing is left out: each side's lines are those of its text."""
    diff = text_diff(published, rebuilt, Allowance())
    for text, sign in ((published, "-"), (rebuilt, "+")):
        told = {}
        for line in (line for hunk in diff.hunks for line in hunk):
            number = line.published if sign == "-" else line.rebuilt
            if line.sign in (" ", sign):
                told[number] = "".join(line.parts)
        expected = text.split("\n") if text else [""]
        for number, shown in told.items():
            assert shown.removesuffix(" ⟨no line end⟩") == expected[number - 1]


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_diff_can_be_shown_whatever_is_in_it(published, rebuilt):
    assert all(printable(word) == word for word in words(text_diff(published, rebuilt, Allowance())))


@given(st.binary(max_size=50), st.binary(max_size=50), st.binary(max_size=50))
def test_the_common_beginning(same, ours, theirs):
    found = common_beginning(same + ours, same + theirs)
    assert found >= len(same)
    assert (same + ours)[:found] == (same + theirs)[:found]
    assert (same + ours)[found : found + 1] != (same + theirs)[found : found + 1] or ours[
        found - len(same) :
    ] == b""


def test_bytes_around_the_first_that_differs():
    dump = hex_dump(bytes(range(64)) + b"ab", bytes(range(64)) + b"xb" + b"more")
    assert dump.first == 64
    assert [row.offset for row in dump.published][:2] == ["00000030", "00000040"]
    row, other = dump.published[1], dump.rebuilt[1]
    assert row.cells == (("61", True), ("62", False))
    assert (row.ascii, other.ascii) == ("ab", "xbmore")
    assert other.cells[2:] == tuple((f"{byte:02x}", True) for byte in b"more")
    assert dump.published[2].cells == ()
    assert hex_dump(b"", b"\x1b<").rebuilt[0].ascii == "·<"
