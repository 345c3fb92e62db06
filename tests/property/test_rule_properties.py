"""Whatever a rule equates is one for those who read it; and no rule equates more than it says."""
# ruff: noqa: E501 - a row of a table is a line

import ast
import gzip
import io
import warnings
import zlib
from collections import Counter
from configparser import ConfigParser
from configparser import Error as Unreadable
from email.parser import HeaderParser
from importlib.metadata import EntryPoints

from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from tests.pairs import outcome, release
from tests.wheels import PAYLOAD, File
from witness.compare.rules.catalogue import RULES
from witness.compare.rules.entry_points import read_entry_points
from witness.compare.rules.marshal_stream import read_code
from witness.compare.rules.requirement import canonical
from witness.errors import Malformed
from witness.wheel.reader import read_wheel

LEVEL_OF = {rule.id: rule.level for rule in RULES}


def held(ours, theirs):
    """The outcome, after checking what holds for all: it is symmetric, and a level means equal digests."""
    there, back = outcome(ours, theirs), outcome(theirs, ours)
    assert (there.level, len(there.comparison.rules)) == (back.level, len(back.comparison.rules))
    assert there.comparison.differences_total == back.comparison.differences_total
    for one, other in zip(there.comparison.rules, back.comparison.rules, strict=True):
        assert (one.id, one.path, one.published, one.rebuilt) == (
            other.id,
            other.path,
            other.rebuilt,
            other.published,
        )
        assert max(len(one.published), len(one.rebuilt)) <= 300
    published, rebuilt = there.comparison.published, there.comparison.rebuilt
    wheels = [read_wheel(data) for data in (ours, theirs)]
    if there.level in ("bitwise", "archive"):
        assert published == rebuilt
    if there.level == "metadata":
        assert published.payload_digest == rebuilt.payload_digest
    if there.matches:
        shapes = [{(path, member.executable) for path, member in wheel.members.items()} for wheel in wheels]
        assert shapes[0] == shapes[1]
        levels = {LEVEL_OF[use.id] for use in there.comparison.rules}
        assert ("content" in levels) == (there.level == "content")
        differing = {path for path in wheels[0].members if wheels[0].members[path] != wheels[1].members[path]}
        assert {use.path for use in there.comparison.rules} == differing
    return there


LINES = st.lists(
    st.sampled_from(
        ["Name: demo\n", "Version: 1\n", "name: x\n", "Metadata-Version: 2.1\n", "Metadata-Version: 2.4\n", "Requires-Python: >=3\n",
         "Requires-Dist: a>=1\n", "Requires-Dist: a (>=1)\n", "Requires-Dist: A >=1\n", "Requires-Dist: a>=2\n", "Requires-Dist: b;extra=='x'\n",
         'Requires-Dist: b ; extra == "x"\n', "Requires-Dist: b;extra=='y'\n", "Provides-Extra: x\n", "Provides-Extra: y\n", "Dynamic: Summary\n",
         "Dynamic: Version\n", "License-File: LICENSE\n", "Platform: UNKNOWN\n", "Home-page: UNKNOWN\n", "Home-page: h\n", " folded\n", "\r", "\r\n",
         "\n", "UNKNOWN\n", "text\n", "text\r\n", "Summary: s\r\n", "\x85", "no field\n"]
    ), max_size=7,
).map("".join)  # fmt: skip
CORE = "Metadata-Version: 2.2\nName: demo\nVersion: 1.0\n"


@settings(deadline=None, max_examples=400)
@given(LINES, LINES, st.booleans(), st.booleans())
def test_metadata_that_is_equated_asks_for_the_same(one, other, crlf, core):
    texts = [f"{CORE if core else ''}{text}" for text in (one, other)]
    texts[0] = texts[0].replace("\n", "\r\n") if crlf else texts[0]
    assert_asks_alike(texts)


@settings(deadline=None, max_examples=300)
@given(
    LINES.flatmap(
        lambda text: st.tuples(st.just(text), st.permutations(text.splitlines(keepends=True)).map("".join))
    )
)
def test_permuted_metadata_that_is_equated_asks_for_the_same(texts):
    assert_asks_alike([CORE + text for text in texts])


def assert_asks_alike(texts):
    pair = [release(metadata=text.encode(), about={"LICENSE": b"x"}) for text in texts]
    if held(*pair).matches:
        asked = [as_asked(text) for text in texts]
        assert asked[0] == asked[1]


def as_asked(text):
    """What pip acts on: the first value of each field, and all requirements and extras."""
    message = HeaderParser().parsestr(text)
    first = {name: (message[name] or "").strip() for name in ("Name", "Version", "Requires-Python")}
    required = Counter(map(as_required, message.get_all("Requires-Dist", [])))
    return (
        first,
        required,
        Counter(message.get_all("Provides-Extra", [])),
        "Version" in message.get_all("Dynamic", []),
    )


def as_required(text):
    try:
        read = Requirement(text)
    except InvalidRequirement:
        return text
    marker = None if read.marker is None else str(read.marker)
    return canonicalize_name(read.name), frozenset(read.extras), read.specifier, read.url, marker


SPACE = st.sampled_from(["", " ", "  "])
VERSION = st.sampled_from(["==1.*", ">=1.0", "<2", "!=1.5", "~=1.2", "==1!2.0+local.1", ">1.0rc1.post2.dev3"])
ATOM = st.sampled_from(
    [
        ("os_name", "==", "nt"),
        ("python_version", "<", "3.8"),
        ("extra", "==", "x y"),
        ("sys_platform", "not in", "a,b"),
    ]
)


@st.composite
def spelt(draw, parts):
    """One spelling of a requirement of the `parts` name, extras, versions, and markers joined by `and`, `or`."""
    name, extras, versions, atoms, joins = parts
    text = draw(st.sampled_from([name, name.upper(), name.replace("-", "_"), name.replace("-", "._")]))
    gap = lambda: draw(SPACE)  # noqa: E731 - drawn anew each time
    if extras:
        inner = f"{gap()},{gap()}".join(draw(st.permutations(extras)))
        text += f"{gap()}[{gap()}{inner}{gap()}]"
    if versions:
        inner = f"{gap()},{gap()}".join(draw(st.permutations(versions)))
        text += draw(st.sampled_from([f"{gap()}({gap()}{inner}{gap()})", f"{gap()}{inner}"]))
    marker = ""
    for number, (variable, operator, value) in enumerate(atoms):
        quote = draw(st.sampled_from("'\""))
        around = " " if operator.isalpha() or " " in operator else gap()
        atom = f"{variable}{around}{operator}{around}{quote}{value}{quote}"
        atom = f"({gap()}{atom}{gap()})" if draw(st.booleans()) else atom
        marker += atom if not number else f" {joins[number - 1]} {atom}"
    return f"{text}{gap()};{gap()}{marker}" if marker else text


PARTS = st.tuples(
    st.sampled_from(["dep", "two-words"]),
    st.lists(st.sampled_from(["a", "b", "c"]), max_size=3, unique=True),
    st.lists(VERSION, max_size=3, unique=True),
    st.lists(ATOM, max_size=3),
    st.lists(st.sampled_from(["and", "or"]), min_size=2, max_size=2),
)


@settings(deadline=None)
@given(PARTS.flatmap(lambda parts: st.tuples(spelt(parts), spelt(parts))))
def test_spellings_of_one_requirement_are_one(pair):
    one, other = pair
    assert canonical(one) == canonical(other)
    assert flat(as_required(one)) == flat(as_required(other))


def flat(required):
    """`packaging` keeps parentheses around single comparisons."""
    *rest, marker = required
    return (*rest, marker and canonical(f"x;{marker}"))


SOUP = st.lists(
    st.sampled_from(["a", "B", "-", "_", ".", " ", "(", ")", "[", "]", ",", ">=", "==", "~=", "<", "1", ".0", ".*", "+l", "!", ";", "os_name",
                     "extra", "'x'", '"x"', "'", " and ", " or ", " in ", " not in ", "==="]), max_size=10,
).map("".join)  # fmt: skip


@settings(deadline=None, max_examples=500)
@given(SOUP, SOUP)
def test_what_has_a_canonical_form_is_a_requirement_and_a_different_one_if_it_differs(one, other):
    forms = []
    for text in (one, f"{one}>=1;os_name=='x'", other):
        try:
            forms.append((canonical(text), flat(as_required(text))))
        except Malformed:
            continue
        assert Requirement(text)
    for form, read in forms:
        assert all((form == form_too) <= (read == read_too) for form_too, read_too in forms)


SOURCES = st.lists(
    st.sampled_from(["x = 1", "\n", "\r\n", "\r", "'''", '"', "'", "\\", "# ", "coding: utf-8", "coding: utf-7", "+AA0-", "if x:", "    ", "\t",
                     "\x0c", "\x0b", "\x1a", "\0", "é", "\ufeff", "f'{x}'", "pass", "b'", "r'", "(", ")"]), max_size=9,
).map("".join)  # fmt: skip
ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\r", "\r\r\n"])


@settings(deadline=None, max_examples=400)
@given(SOURCES, st.lists(ENDS, max_size=4))
def test_source_that_is_equated_is_one_program(text, ends):
    lines = text.replace("\r\n", "\n").split("\n")
    other = "".join(line + end for line, end in zip(lines, [*ends, *["\r\n"] * len(lines)], strict=False))
    made = [release(payload=(*PAYLOAD, File("demo/m.py", each.encode()))) for each in (text, other)]
    if held(*made).level == "content":
        assert program(text.encode()) == program(other.encode())


def program(content):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.dump(ast.parse(content), include_attributes=True)
        except (SyntaxError, ValueError):
            return None


ENTRIES = st.lists(
    st.sampled_from(["[console_scripts]\n", "[gui_scripts]\n", "[x]\n", "[X]\n", "[DEFAULT]\n", "a = b:c\n", "a=b:c\n", "A = b:c\n", "d = e\n", "d=e\n",
                     "a.py = b:c\n", "\n", " ", "# ", "; ", " ;x\n", "a: b\n", "=", "\t", "\r\n"]), max_size=7,
).map("".join)  # fmt: skip


@settings(deadline=None, max_examples=500)
@given(ENTRIES, ENTRIES)
def test_entry_points_that_are_equated_are_one_mapping(one, other):
    pair = [release(about={"entry_points.txt": text.encode()}) for text in (one, other)]
    if held(*pair).level == "metadata":
        assert by_installer(one) == by_installer(other)
        assert by_pip(one) == by_pip(other)


@settings(deadline=None)
@given(ENTRIES)
def test_entry_points_that_are_read_are_those_of_others(text):
    try:
        read = {group: dict(entries) for group, entries in read_entry_points(text.encode()).items()}
    except Malformed:
        return
    assert read == by_installer(text)


def by_installer(text):
    parser = ConfigParser(delimiters="=")
    parser.optionxform = str
    try:
        parser.read_string(text)
        return {group: dict(parser.items(group)) for group in parser.sections()}
    except Unreadable:
        return None


def by_pip(text):
    return sorted((point.group, point.name, point.value) for point in EntryPoints._from_text(text))


@st.composite
def mangled_gzip(draw):
    content = draw(st.binary(max_size=60))
    packed = bytearray(gzip.compress(content, draw(st.integers(0, 9)), mtime=draw(st.integers(0, 2**32 - 1))))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(packed) - 1))
        packed[at] = draw(st.integers(0, 255))
    return bytes(packed) + draw(st.sampled_from([b"", b"\0", b"tail"]))


@settings(deadline=None, max_examples=400)
@given(mangled_gzip(), mangled_gzip())
def test_gzip_that_is_equated_unpacks_to_the_same(one, other):
    pair = [release(payload=(*PAYLOAD, File("demo/x.gz", content))) for content in (one, other)]
    if held(*pair).level == "content":
        assert gzip.decompress(one) == gzip.decompress(other)
        with gzip.open(io.BytesIO(one)) as opened:
            assert opened.read() == zlib.decompress(other, 31)


@settings(deadline=None, max_examples=400)
@given(st.binary(max_size=200), st.sampled_from([3413, 3495, 3531, 1]))
def test_no_bytes_upset_the_reader_of_code(data, magic):
    for content in (data, b"\xe3" + data, b"\xe3" + bytes(20) + data):
        try:
            assert len(read_code(content, magic)) == 64
        except Malformed:
            continue


NAMES = st.sampled_from(
    ["demo/m.py", "demo/m.pyi", "demo/x.gz", "demo/x.txt", "demo/__pycache__/m.cpython-311.pyc", "demo-1.0.data/scripts/run", "demo-1.0.data/purelib/a.py",
     "demo-1.0.data/data/x.gz", "x.pth", "demo/METADATA", "demo/entry_points.txt", "sboms/x.json", "licenses/LICENSE"]
)  # fmt: skip
CONTENT = st.sampled_from(
    [b"x = 1\ny = 2\n", gzip.compress(b"some content, some more", mtime=0), b"[a]\nb = c\n"]
)


@settings(deadline=None, max_examples=400)
@given(NAMES, CONTENT, st.data())
def test_one_other_byte_of_payload_is_a_match_only_by_a_rule_of_content(name, content, data):
    at = data.draw(st.integers(0, len(content) - 1))
    changed = bytearray(content)
    changed[at] ^= data.draw(st.integers(1, 255))
    pair = [release(payload=(*PAYLOAD, File(name, each))) for each in (content, bytes(changed))]
    found = held(*pair)
    if found.matches:
        assert (found.level, name.endswith(".gz")) == ("content", True)
        assert at in range(4, 10)  # time, level and system
