"""METADATA: what its rules equate, and what they must refuse."""

import pytest

from tests.pairs import release, used
from witness.compare.rules.rule import MAX_TEXT

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
    "non-ASCII values": (ABOUT + "Author: Ü\n".encode(), "Author: Ü\n".encode() + ABOUT),
}  # fmt: skip


@pytest.mark.parametrize(("ours", "theirs"), ORDERS.values(), ids=ORDERS)
def test_metadata_in_another_order(ours, theirs):
    assert used(release(metadata=ours), release(metadata=theirs)) == {"metadata-order@2"}


BLANK = {
    "empty lines at the end": (ABOUT + BODY, ABOUT + BODY + b"\n\n"),
    "no line feed at the end": (ABOUT + BODY, ABOUT + BODY[:-1]),
    "an empty description": (ABOUT, ABOUT + b"\n"),
}


@pytest.mark.parametrize(("ours", "theirs"), BLANK.values(), ids=BLANK)
def test_metadata_with_another_end(ours, theirs):
    assert used(release(metadata=ours), release(metadata=theirs)) == {"metadata-blank-tail@1"}


def swapped(one, other, rest=b"Name: demo\nVersion: 1.0\n"):
    return one + other + rest, other + one + rest


REFUSED = {
    "Requires-Dist changed": (ABOUT, ABOUT.replace(b"a >=1", b"a >=2")),
    "Requires-Dist added": (ABOUT, ABOUT + b"Requires-Dist: evil\n"),
    "Requires-Dist removed": (ABOUT, ABOUT.replace(b"Requires-Dist: a >=1\n", b"")),
    "Requires-Dist twice": (ABOUT, ABOUT + b"Requires-Dist: a >=1\n"),
    "its marker": (ABOUT, ABOUT.replace(b" ; extra == 'x'", b"")),
    "Requires-Python": (ABOUT, ABOUT.replace(b">=3.8", b">=3.9")),
    "Requires-Python removed": (ABOUT, ABOUT.replace(b"Requires-Python: >=3.8\n", b"")),
    "Provides-Extra": (ABOUT, ABOUT.replace(b"Provides-Extra: x", b"Provides-Extra: y")),
    "Name": (ABOUT, ABOUT.replace(b"Name: demo", b"Name: Demo")),
    "Version": (ABOUT, ABOUT.replace(b"Version: 1.0", b"Version: 1.1")),
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


def test_metadata_too_large_to_judge():
    fitting = ABOUT + b"\n" + b"x" * (MAX_TEXT - len(ABOUT) - 2)
    assert used(release(metadata=fitting), release(metadata=fitting + b"\n")) == {"metadata-blank-tail@1"}
    assert used(release(metadata=fitting + b"x"), release(metadata=fitting + b"x\n")) is None
