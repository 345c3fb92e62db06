"""entry_points.txt: one mapping for every reader, or no rule."""

from configparser import ConfigParser
from importlib.metadata import EntryPoints

import pytest

from tests.pairs import release, used
from witness.compare.rules.entry_points import read_entry_points
from witness.errors import Malformed

ENTRIES = (
    b"[console_scripts]\na = demo:main\nb = demo.b:c.d\n\n[gui_scripts]\nw = demo:w\n\n[x.y]\nplug = demo\n"
)
ALIKE = {
    "order of names": ENTRIES.replace(b"a = demo:main\nb = demo.b:c.d\n", b"b = demo.b:c.d\na = demo:main\n"),
    "order of groups": b"[x.y]\nplug = demo\n\n" + ENTRIES.replace(b"[x.y]\nplug = demo\n", b""),
    "spaces": ENTRIES.replace(b" = ", b"="),
    "more spaces": ENTRIES.replace(b" = ", b"  =   "),
    "empty lines": b"\n" + ENTRIES.replace(b"\n\n", b"\n") + b"\n\n",
    "no line feed at the end": ENTRIES[:-1],
}


@pytest.mark.parametrize("theirs", ALIKE.values(), ids=ALIKE)
def test_one_mapping(theirs):
    pair = [release(about={"entry_points.txt": content}) for content in (ENTRIES, theirs)]
    assert used(*pair) == {"entry-points@1"}
    for content in (ENTRIES, theirs):
        assert {name: dict(entries) for name, entries in read_entry_points(content).items()} == as_read(
            content
        )


def as_read(content):
    """As `configparser` reads it, for `installer`; `importlib.metadata`, for pip, sees the same."""
    parser = ConfigParser(delimiters="=", interpolation=None)
    parser.optionxform = str
    parser.read_string(content.decode())
    read = {name: dict(parser[name]) for name in parser.sections()}
    points = EntryPoints._from_text(content.decode())
    assert sorted((point.group, point.name, point.value) for point in points) == sorted(
        (group, name, value) for group, entries in read.items() for name, value in entries.items()
    )
    return read


DIFFERENT = {
    "another reference": ENTRIES.replace(b"demo:main", b"demo:evil"),
    "another module": ENTRIES.replace(b"demo.b", b"evil.b"),
    "another name": ENTRIES.replace(b"a = ", b"A = "),
    "another group": ENTRIES.replace(b"gui_scripts", b"gui.scripts"),
    "a group moved": ENTRIES.replace(b"\n[gui_scripts]", b"").replace(b"[x.y]", b"[gui_scripts]\n\n[x.y]"),
    "an entry more": ENTRIES + b"more = demo\n",
    "an entry less": ENTRIES.replace(b"w = demo:w\n", b""),
    "an empty group more": ENTRIES + b"[z]\n",
    "spaces in the reference": ENTRIES.replace(b"demo:main", b"demo : main"),
    "empty": b"",
}


@pytest.mark.parametrize("theirs", DIFFERENT.values(), ids=DIFFERENT)
def test_other_mappings(theirs):
    assert used(*(release(about={"entry_points.txt": content}) for content in (ENTRIES, theirs))) is None


AMBIGUOUS = {
    "a name twice": b"[x]\na = b\na = c\n",
    "names that differ by case": b"[x]\na = b\nA = c\n",
    "a group twice": b"[x]\na = b\n[x]\nc = d\n",
    "groups that differ by case": b"[x]\na = b\n[X]\nc = d\n",
    "a script twice": b"[console_scripts]\na = b:c\n[gui_scripts]\na = d:e\n",
    "a script twice by case": b"[console_scripts]\na = b:c\n[gui_scripts]\nA = d:e\n",
    "a script twice on Windows": b"[console_scripts]\na = b:c\na.py = d:e\n",
    "a launcher twice on Windows": b"[console_scripts]\na = b:c\n[gui_scripts]\na-script.pyw = d:e\n",
    "the default group": b"[DEFAULT]\na = b\n[console_scripts]\nc = d:e\n",
    "the default group of uv": b"[default]\na = b\n",
    "an entry before any group": b"a = b\n[x]\n",
    "a comment": b"# x\n[x]\na = b\n",
    "another comment": b"[x]\n; a = c\na = b\n",
    "an inline comment": b"[x]\na = b ; c\n",
    "another inline comment": b"[x]\na = b #c\n",
    "another delimiter": b"[x]\na : b\n",
    "a delimiter in the name": b"[x]\na:b = c\n",
    "a continuation": b"[x]\na = b\n  c = d\n",
    "an indented entry": b"[x]\n a = b\n",
    "an indented group": b" [x]\na = b\n",
    "text behind a group": b"[x] y\na = b\n",
    "a bracket within": b"[x]]\na = b\n",
    "an interpolation": b"[x]\na = %(b)s\nb = c\n",
    "no value": b"[x]\na\n",
    "an empty value": b"[x]\na =\n",
    "two delimiters": b"[x]\na = b = c\n",
    "extras": b"[x]\na = b:c [d]\n",
    "a space in a name": b"[x]\na b = c\n",
    "a path in a name": b"[x]\n../a = c\n",
    "a tab": b"[x]\na\t= c\n",
    "a trailing space": b"[x]\na = c \n",
    "CRLF": b"[x]\r\na = b\r\n",
    "CR": b"[x]\na = b\rc = d\n",
    "form feed": b"[x]\na = b\x0cc = d\n",
    "not ASCII": "[x]\na = é\n".encode(),
    "a byte order mark": b"\xef\xbb\xbf[x]\na = b\n",
    "NUL": b"[x]\na = b\0\n",
    "a name too long": b"[x]\n" + b"a" * 101 + b" = b\n",
}


@pytest.mark.parametrize("content", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_what_readers_may_see_otherwise(content):
    with pytest.raises(Malformed):
        read_entry_points(content)
    pair = [release(about={"entry_points.txt": text}) for text in (content, content + b"\n")]
    assert used(*pair) is None


def test_huge_files_end():
    groups = b"".join(b"[g%d]\na = b\n" % n for n in range(60_000))
    assert len(read_entry_points(groups)) == 60_000
    assert used(*(release(about={"entry_points.txt": b"\n" * n + groups * 2}) for n in (0, 1))) is None
