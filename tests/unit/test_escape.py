import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from witness.escape import printable, printable_lines

HIDDEN = {"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, é, 漢字 \\n", "plain text, é, 漢字 \\n"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x1b]8;;https://evil.example\x1b\\link", "\\x1b]8;;https://evil.example\\x1b\\link"),
        ("\x9b31m", "\\x9b31m"),
        ("a\rb\nc\td\0\x7f", "a\\x0db\\x0ac\\x09d\\x00\\x7f"),
        ("exe.\u202etxt", "exe.\\u202etxt"),
        ("\u2066a\u2069", "\\u2066a\\u2069"),
        ("a\u200bb\ufeff\u00ad", "a\\u200bb\\ufeff\\xad"),
        ("a\u2028b\u2029\x85", "a\\u2028b\\u2029\\x85"),
        ("\ud800", "\\ud800"),
        ("\ue000\U000e0041\U0010ffff", "\\ue000\\U000e0041\\U0010ffff"),
    ],
)
def test_printable(text, shown):
    assert printable(text) == shown


def test_what_is_cut_is_said():
    assert printable("x" * 500) == "x" * 500
    assert printable("x" * 501) == "x" * 500 + "… (1 more characters)"
    assert printable("\x1b" * 9, limit=2) == "\\x1b\\x1b… (7 more characters)"


def test_lines_are_kept():
    assert printable_lines("a\nb\x1b\n\r") == "a\nb\\x1b\n\\x0d"


@given(st.text(st.characters(), max_size=600))
def test_nothing_hidden_is_left(text):
    shown = printable(text)
    assert not {unicodedata.category(char) for char in shown} & HIDDEN
    assert "\n" not in shown
    assert printable(shown, limit=9999) == shown
