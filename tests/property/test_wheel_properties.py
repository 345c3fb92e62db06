"""What no bytes may do to the reader, and no pair of wheels to the ladder."""

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from email.parser import HeaderParser

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mangling import flips, prefixes
from tests.wheels import ABOUT, FILENAME, FILES, UNIX, WINDOWS, File, directory, recorded, wheel_of, zip_of
from witness.compare.ladder import compare
from witness.digest import sha256_hex
from witness.errors import Malformed
from witness.observation import Attempt, Builder, DigestSet, Observation, Published, Resource, Tool
from witness.statement import Statement, encode, parse
from witness.wheel.reader import read_wheel

HONEST = wheel_of(File("demo/é.py", b"y = 2\n", flags=0x800), directory("demo/"))
SEEDS = (
    HONEST,
    zip_of(replace(file, method=0) for file in FILES),
    wheel_of(comment=b"hello"),
    wheel_of(File("demo/d", b"data", flags=8, after=bytes(12))),
)


def readable(data):
    """The wheel in `data`, or None; anything but Malformed is a failure of the test."""
    try:
        return read_wheel(data)
    except Malformed:
        return None


def agrees_with_zipfile(wheel):
    """A wheel without findings is what Python's zipfile, which pip uses, sees in the same bytes."""
    with zipfile.ZipFile(io.BytesIO(wheel.archive.data)) as other:
        assert {info.filename for info in other.infolist() if not info.is_dir()} == set(wheel.members)
        for path, member in wheel.members.items():
            assert sha256_hex(other.read(path)) == member.sha256


def test_every_prefix_is_refused():
    assert [len(data) for data in prefixes(HONEST) if readable(data) is not None] == []


def test_a_flipped_byte_is_refused_or_found_or_seen_alike_by_others():
    equal = 0
    for data in flips(HONEST):
        wheel = readable(data)
        if wheel is not None and not wheel.findings:
            agrees_with_zipfile(wheel)
            equal += compare(wheel, read_wheel(HONEST)).matches
    assert equal > 0  # dates, times and modes


@st.composite
def mangled(draw):
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["set", "insert", "delete", "copy", "word"])):
            case "set" if at < len(data):
                data[at] = draw(st.integers(0, 255))
            case "insert":
                data[at:at] = draw(st.binary(max_size=40))
            case "delete":
                del data[at : at + draw(st.integers(1, 60))]
            case "copy":
                data[at:at] = draw(st.sampled_from(SEEDS))[draw(st.integers(0, 300)) :][:200]
            case _:
                data[at : at + 4] = draw(
                    st.sampled_from([b"\xff" * 4, bytes(4), b"PK\5\6", b"PK\1\2", b"PK\3\4"])
                )
    return bytes(data)


@given(mangled())
@settings(deadline=None, max_examples=400)
def test_only_malformed_comes_out_of_the_reader(data):
    wheel = readable(data)
    if wheel is not None and not wheel.findings:
        agrees_with_zipfile(wheel)


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_nothing_else_comes_out_for_any_bytes(data):
    assert readable(data) is None


paths = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=6)
files = st.builds(
    lambda name, content, method, level, mode, made_by: File(
        f"demo/{name}", content, method=method, level=level, mode=mode, made_by=made_by, flags=0x800
    ),
    paths,
    st.binary(max_size=300),
    st.sampled_from([0, 8]),
    st.integers(1, 9),
    st.sampled_from([0o100644, 0o100755, 0o644, 0o755, 0o100600, 0]),
    st.sampled_from([UNIX, WINDOWS]),
)
wheels = st.lists(files, max_size=4, unique_by=lambda file: file.name).map(
    lambda more: zip_of((*more, *ABOUT))
)


@given(wheels, wheels)
@settings(deadline=None)
def test_levels_are_symmetric_and_mean_equal_digests(one, other):
    for ours, theirs in ((one, other), (one, one)):
        forth = compare(read_wheel(ours), read_wheel(theirs))
        back = compare(read_wheel(theirs), read_wheel(ours))
        assert forth.level == back.level
        assert forth.comparison.differences_total == back.comparison.differences_total
        if forth.matches:
            assert forth.comparison.published == forth.comparison.rebuilt == back.comparison.published
            assert forth.comparison.record_digest == back.comparison.record_digest
        assert forth.comparison.archive_exact or forth.level != "bitwise"
        assert forth.matches or not forth.comparison.archive_exact


@given(st.data())
@settings(deadline=None)
def test_one_changed_payload_byte_is_never_a_match(data):
    index = data.draw(st.integers(0, len(FILES) - 1))
    content = bytearray(FILES[index].content)
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    method = data.draw(st.sampled_from([0, 8]))
    changed = list(FILES)
    changed[index] = replace(FILES[index], content=bytes(content), method=method)
    outcome = compare(read_wheel(wheel_of()), read_wheel(zip_of(changed)))
    assert not outcome.matches
    assert outcome.comparison.published != outcome.comparison.rebuilt


@given(mangled() | wheels, wheels)
@settings(deadline=None)
def test_every_comparison_fits_into_an_observation(one, other):
    published, rebuilt = readable(one), readable(other)
    published, rebuilt = published or read_wheel(HONEST), rebuilt or read_wheel(HONEST)
    outcome = compare(published, rebuilt)
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    statement = Statement(
        FILENAME,
        published.sha256,
        Observation(
            purl="pkg:pypi/demo@1.0",
            method="rebuild",
            result="match" if outcome.matches else "mismatch",
            level=outcome.level,
            comparison=outcome.comparison,
            published=Published(size=len(published.archive.data)),
            rebuilt=Resource(name=FILENAME, digest=DigestSet(sha256=rebuilt.sha256)),
            recipe=DigestSet(sha256="0" * 64),
            builder=Builder(name="node", tool=Tool(name="t", version="1")),
            attempt=Attempt(count=1, started_at=now, finished_at=now),
        ),
    )
    assert parse(encode(statement)) == statement


NAMES = ("Name", "Version", "Summary", "Requires-Python")
MANY = ("Requires-Dist", "Classifier", "Provides-Extra", "License-File", "Project-URL")
VALUES = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x24F, exclude_categories=["Cc", "Zl", "Zp"]), min_size=1
)
FIELDS = st.tuples(
    st.lists(VALUES, min_size=4, max_size=4), st.lists(st.tuples(st.sampled_from(MANY), VALUES), max_size=6)
).map(lambda drawn: [*zip(NAMES, drawn[0], strict=True), *drawn[1]])


def described(fields, *, more=()):
    """The honest wheel with `fields` for METADATA, and `more` members."""
    text = "".join(f"{name}: {value}\n" for name, value in fields) + "\nAbout it.\n"
    about = [
        replace(file, content=text.encode()) if file.name.endswith("/METADATA") else file for file in ABOUT
    ]
    return zip_of(recorded([*FILES[: len(FILES) - len(ABOUT)], *about, *more]))


@settings(deadline=None)
@given(FIELDS.flatmap(lambda fields: st.tuples(st.just(fields), st.permutations(fields))))
def test_permuted_metadata_matches_at_metadata(pair):
    fields, permuted = pair
    found = compare(read_wheel(described(fields)), read_wheel(described(permuted)))
    assert found.level == ("bitwise" if fields == permuted else "metadata")


@settings(deadline=None)
@given(FIELDS.flatmap(lambda fields: st.tuples(st.just(fields), st.permutations(fields))), st.data())
def test_one_other_character_in_a_value_never_matches(pair, data):
    fields, permuted = pair
    place = data.draw(st.integers(0, len(permuted) - 1))
    name, value = permuted[place]
    at = data.draw(st.integers(0, len(value) - 1))
    other = data.draw(VALUES.map(lambda text: text[0]).filter(lambda char: char != value[at]))
    changed = [*permuted]
    changed[place] = (name, value[:at] + other + value[at + 1 :])
    if sorted(changed) == sorted(fields):
        return
    assert not compare(read_wheel(described(fields)), read_wheel(described(changed))).matches


CONTENTS = st.sampled_from([b"", b"a", b"a\n", b"b"])
PATHS = st.sampled_from(
    ["demo/a.py", "demo/METADATA", "demo/RECORD", "demo-1.0.data/purelib/x.py", "top_level.txt", "demo/WHEEL"]
)
PAYLOADS = st.dictionaries(PATHS, st.tuples(CONTENTS, st.sampled_from([0o100644, 0o100755])), max_size=4)


@settings(deadline=None)
@given(PAYLOADS, PAYLOADS)
def test_no_match_at_metadata_with_another_payload(ours, theirs):
    pair = [
        read_wheel(
            described(
                [("Name", "demo"), ("Version", "1.0")][:: 1 - 2 * number],  # in another order
                more=[File(path, content, mode=mode) for path, (content, mode) in payload.items()],
            )
        )
        for number, payload in enumerate((ours, theirs))
    ]
    found = compare(*pair)
    if found.matches:
        assert found.comparison.published.payload_digest == found.comparison.rebuilt.payload_digest
    assert (found.level == "metadata") == (ours == theirs)


# What readers of METADATA disagree about, and what they agree about.
TOKENS = st.lists(
    st.sampled_from(
        ["Name: a\n", "Name: b\n", "name: c\n", "Requires-Dist: x\n", "Requires-Dist: y\n", " more\n", "\tmore\n", "\n",
         "\r", "\r\n", " \r\n", "\x0c", "\x85", "\u2028", ": x\n", "no field\n", "a b: c\n", "From x: y\n", "From x\n",
         "Ü: x\n", "Summary: s", "\ufeff", " : x\n"]
    ), max_size=7,
)  # fmt: skip


def as_read(text):
    """What pip and others that use `email` make of METADATA: the first value of each field, and all of them."""
    message = HeaderParser().parsestr(text.replace("\r\n", "\n"))  # a rule of its own equates the two
    names = {name.lower() for name in message}
    multiple = {name: sorted(message.get_all(name)) for name in names}
    return (
        {name: message[name] for name in names if name != "requires-dist"},
        multiple,
        message.get_payload().rstrip("\n"),
    )


@settings(deadline=None, max_examples=600)
@given(TOKENS.flatmap(lambda tokens: st.tuples(st.just(tokens), st.permutations(tokens))))
def test_whatever_is_equated_is_read_alike(pair):
    texts = ["".join(tokens) for tokens in pair]
    files = [
        [replace(f, content=text.encode()) if f.name.endswith("/METADATA") else f for f in FILES]
        for text in texts
    ]
    if compare(*(read_wheel(zip_of(made)) for made in files)).matches:
        assert as_read(texts[0]) == as_read(texts[1])
