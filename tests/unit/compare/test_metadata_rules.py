"""METADATA: what its rules equate, and what they must refuse."""
# ruff: noqa: E501 - a row of a table is a line

import pytest

from tests.pairs import outcome, release, used
from tests.wheels import DIST_INFO
from witness.compare.rules.catalogue import equate
from witness.compare.rules.rule import MAX_TEXT
from witness.wheel.reader import read_wheel

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


HEADS = {
    "one": (ABOUT + BODY, ABOUT + b"\n" + BODY),
    "three": (ABOUT + BODY, ABOUT + b"\n\n\n" + BODY),
    "of Windows": ((ABOUT + BODY).replace(b"\n", b"\r\n"), (ABOUT + b"\n" + BODY).replace(b"\n", b"\r\n")),
}


@pytest.mark.parametrize(("ours", "theirs"), HEADS.values(), ids=HEADS)
def test_empty_lines_before_the_description(ours, theirs):
    assert used(release(metadata=ours), release(metadata=theirs)) == {"metadata-blank-head@1"}


@pytest.mark.parametrize("between", [b" \n", b"\t\n", b"\r\n", b"\x0c\n", b"x\n", b"Requires-Dist: evil\n"])
def test_anything_else_before_the_description(between):
    assert used(release(metadata=ABOUT + BODY), release(metadata=ABOUT + between + BODY)) is None


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


BOTH = b"Metadata-Version: 2.2\nName: demo\nVersion: 1.0\n"
LICENCES = {"licenses/LICENSE": b"x", "COPYING": b"y"}

EQUATED = {
    "whole file CRLF": (ABOUT + BODY, (ABOUT + BODY).replace(b"\n", b"\r\n"), {"metadata-line-ends@1"}),
    "fields CRLF": (ABOUT, ABOUT.replace(b"\n", b"\r\n"), {"metadata-line-ends@1"}),
    "description CRLF": (ABOUT + BODY, ABOUT + BODY.replace(b"\n", b"\r\n").replace(b"\r\n", b"\n", 1), {"metadata-line-ends@1"}),
    "one line of the description": (ABOUT + BODY, ABOUT + BODY.replace(b"ln.\n", b"ln.\r\n"), {"metadata-line-ends@1"}),
    "last line of the description": (ABOUT + BODY, ABOUT + BODY[:-1] + b"\r\n", {"metadata-line-ends@1"}),
    "CRLF, order and end": (
        ABOUT + BODY, (b"".join(reversed(FIELDS)) + BODY + b"\n").replace(b"\n", b"\r\n"),
        {"metadata-line-ends@1", "metadata-order@2", "metadata-blank-tail@1"},
    ),
    "spelling": (ABOUT, ABOUT.replace(b"a >=1", b"a (>=1)"), {"requires-dist-spelling@1"}),
    "spelling and order": (
        ABOUT, b"".join(reversed(FIELDS)).replace(b"a >=1", b"A (>=1)"), {"requires-dist-spelling@1", "metadata-order@2"}
    ),
    "spelling of two, which change places": (
        BOTH + b"Requires-Dist: a>=1\nRequires-Dist: b>=1\n", BOTH + b"Requires-Dist: b (>=1)\nRequires-Dist: a (>=1)\n",
        {"requires-dist-spelling@1", "metadata-order@2"},
    ),
    "spelling of one that stands twice": (
        BOTH + b"Requires-Dist: a>=1\nRequires-Dist: a >=1\n", BOTH + b"Requires-Dist: a>=1\nRequires-Dist: a (>=1)\n",
        {"requires-dist-spelling@1"},
    ),
    "version": (BOTH, BOTH.replace(b"2.2", b"2.4"), {"metadata-version@1"}),
    "version with License-File": (
        BOTH + b"License-File: COPYING\n", BOTH.replace(b"2.2", b"2.1") + b"License-File: COPYING\n", {"metadata-version@1"}
    ),
    "dynamic": (BOTH, BOTH + b"Dynamic: License-File\nDynamic: summary\n", {"metadata-dynamic@1"}),
    "dynamic and order": (
        BOTH, b"Dynamic: Requires-Dist\nVersion: 1.0\nName: demo\nMetadata-Version: 2.4\n",
        {"metadata-dynamic@1", "metadata-order@2", "metadata-version@1"},
    ),
    "licence file": (BOTH, BOTH + b"License-File: LICENSE\n", {"metadata-license-file@1"}),
    "licence file in another way": (
        BOTH + b"License-File: licenses/LICENSE\n", BOTH + b"License-File: LICENSE\n", {"metadata-license-file@1"}
    ),
    "placeholders": (
        BOTH, BOTH + b"Home-page: UNKNOWN\nPlatform: UNKNOWN\nLicense: UNKNOWN\n", {"metadata-unknown@1"}
    ),
    "placeholders on both sides": (
        BOTH + b"Author: UNKNOWN\n", BOTH + b"Summary: UNKNOWN\n", {"metadata-unknown@1"}
    ),
    "no description": (BOTH, BOTH + b"\nUNKNOWN\n", {"metadata-unknown@1"}),
    "all at once": (
        BOTH + b"Requires-Dist: a>=1\n\nText.\n",
        (b"Platform: UNKNOWN\nDynamic: Summary\nLicense-File: COPYING\nRequires-Dist: a (>=1)\nVersion: 1.0\nName: demo\n"
         b"Metadata-Version: 2.3\n\nText.\n\n").replace(b"\n", b"\r\n"),
        {"metadata-unknown@1", "metadata-dynamic@1", "metadata-license-file@1", "requires-dist-spelling@1",
         "metadata-version@1", "metadata-order@2", "metadata-line-ends@1", "metadata-blank-tail@1"},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("ours", "theirs", "ids"), EQUATED.values(), ids=EQUATED)
def test_metadata_that_says_the_same(ours, theirs, ids):
    assert used(release(metadata=ours, about=LICENCES), release(metadata=theirs, about=LICENCES)) == ids


DISTINCT = {
    "a carriage return in the description": (ABOUT + BODY, ABOUT + BODY.replace(b"ln.\n", b"ln.\r")),
    "two of them": (ABOUT + BODY, ABOUT + BODY.replace(b"ln.\n", b"ln.\r\r\n")),
    "CRLF beside a lone CR": (ABOUT + b"\na\rb\n", ABOUT + b"\na\rb\r\n"),
    "fields that end in both ways": (ABOUT, ABOUT.replace(b"\n", b"\r\n", 1)),
    "CRLF but for the empty line": (ABOUT + BODY, ABOUT.replace(b"\n", b"\r\n") + BODY),
    "CRLF and a folded requirement": (
        BOTH + b"Requires-Dist: a\n ;os_name=='x'\n", (BOTH + b"Requires-Dist: a\n ;os_name=='x'\n").replace(b"\n", b"\r\n")
    ),
    "CRLF and one requirement more": (ABOUT, (ABOUT + b"Requires-Dist: evil\n").replace(b"\n", b"\r\n")),
    "a longer description in CRLF": (ABOUT + BODY, (ABOUT + BODY + b"More.\n").replace(b"\n", b"\r\n")),
    "two spelt alike for one": (BOTH + b"Requires-Dist: a>=1\n", BOTH + b"Requires-Dist: a (>=1)\nRequires-Dist: a >=1\n"),
    "a folded requirement": (BOTH + b"Requires-Dist: a >=1\n", BOTH + b"Requires-Dist: a\n >=1\n"),
    "Metadata-Version of no installer": (BOTH, BOTH.replace(b"2.2", b"3.0")),
    "Metadata-Version of another era": (BOTH, BOTH.replace(b"2.2", b"1.2")),
    "Metadata-Version spelt": (BOTH, BOTH.replace(b"2.2", b"2.2 ")),
    "Metadata-Version before Dynamic": (
        BOTH + b"Dynamic: Summary\n", BOTH.replace(b"2.2", b"2.1") + b"Dynamic: Summary\n"
    ),
    "Metadata-Version before License-Expression": (
        BOTH + b"License-Expression: MIT\n", BOTH.replace(b"2.2", b"2.4") + b"License-Expression: MIT\n"
    ),
    "no Metadata-Version": (BOTH, BOTH.replace(b"Metadata-Version: 2.2\n", b"")),
    "Dynamic: Version": (BOTH, BOTH + b"Dynamic: Version\n"),
    "Dynamic: Name": (BOTH, BOTH + b"Dynamic: name\n"),
    "Dynamic of no field": (BOTH, BOTH + b"Dynamic: Evil\n"),
    "Dynamic twice": (BOTH, BOTH + b"Dynamic: Summary\nDynamic: summary\n"),
    "Dynamic in 2.1": (BOTH.replace(b"2.2", b"2.1"), BOTH.replace(b"2.2", b"2.1") + b"Dynamic: Summary\n"),
    "a licence file that is not there": (BOTH, BOTH + b"License-File: NOTICE\n"),
    "a licence file outside": (BOTH, BOTH + b"License-File: ../demo/run.sh\n"),
    "a licence file with a point": (BOTH, BOTH + b"License-File: ./COPYING\n"),
    "a licence file twice": (BOTH, BOTH + b"License-File: COPYING\nLicense-File: COPYING\n"),
    "UNKNOWN for a value": (BOTH + b"Home-page: x\n", BOTH + b"Home-page: UNKNOWN\n"),
    "UNKNOWN in small": (BOTH, BOTH + b"Home-page: unknown\n"),
    "UNKNOWN Keywords": (BOTH, BOTH + b"Keywords: UNKNOWN\n"),
    "UNKNOWN Requires-Python": (BOTH, BOTH + b"Requires-Python: UNKNOWN\n"),
    "Platform of two": (BOTH, BOTH + b"Platform: UNKNOWN\nPlatform: linux\n"),
    "a description beside UNKNOWN": (BOTH + b"\nText.\n", BOTH + b"\nUNKNOWN\n"),
    "Classifier": (BOTH, BOTH + b"Classifier: Private :: Do Not Upload\n"),
    "another case of a name": (BOTH + b"Home-page: x\n", BOTH + b"Home-Page: x\n"),
}  # fmt: skip


@pytest.mark.parametrize(("ours", "theirs"), DISTINCT.values(), ids=DISTINCT)
def test_metadata_that_does_not_say_the_same(ours, theirs):
    assert ours != theirs
    assert used(release(metadata=ours, about=LICENCES), release(metadata=theirs, about=LICENCES)) is None


def test_a_licence_file_of_one_wheel_alone_is_not_enough():
    ours = release(metadata=BOTH, tops=None, about=LICENCES)
    theirs = release(metadata=BOTH + b"License-File: NOTICE\n", tops=None, about={**LICENCES, "NOTICE": b"x"})
    assert used(ours, theirs) is None
    assert equate(read_wheel(ours), read_wheel(theirs), f"{DIST_INFO}/METADATA") == ()


def test_both_values_are_told():
    pair = (
        release(metadata=BOTH + b"Requires-Dist: a>=1\nDynamic: Summary\n"),
        release(metadata=BOTH.replace(b"2.2", b"2.4") + b"Requires-Dist: A (>=1)\nPlatform: UNKNOWN\n"),
    )
    told = {use.id: (use.published, use.rebuilt) for use in outcome(*pair).comparison.rules}
    assert told["requires-dist-spelling@1"] == ("a>=1", "A (>=1)")
    assert told["metadata-dynamic@1"] == ("Summary", "(none)")
    assert told["metadata-version@1"] == ("2.2", "2.4")
    assert told["metadata-unknown@1"] == ("(none)", "platform: UNKNOWN")


def test_long_values_are_cut():
    many = b"".join(b"Requires-Dist: a%d>=1\n" % n for n in range(200))
    (use,) = outcome(
        release(metadata=BOTH + many), release(metadata=BOTH + many.replace(b">=1", b" >=1"))
    ).comparison.rules[:1]
    assert (len(use.published), len(use.rebuilt)) == (300, 300)


@pytest.mark.parametrize(
    "more",
    [b"A: x\n" * 30_000, b"License: x\n" + b" y\n" * 30_000, b"Requires-Dist: a>=1\n" * 1500,
     b"Requires-Dist: " + b"(" * 5000 + b"\n", b"Requires-Dist: a" + b" " * 5000 + b"==1;" + b" " * 5000 + b"\n",
     b"Requires-Dist: a;" + b"(" * 400 + b"os_name=='x'" + b")" * 400 + b"\n"],
)  # fmt: skip
def test_huge_metadata_is_not_judged(more):
    changed = (
        BOTH
        + more.replace(b"a>", b"a >").replace(b"==", b" ==").replace(b"((", b"( (")
        + b"Platform: UNKNOWN\n"
    )
    assert used(release(metadata=BOTH + more), release(metadata=changed)) is None
