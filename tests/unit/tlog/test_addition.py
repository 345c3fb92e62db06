import pytest

from tests.mangling import flips, prefixes
from tests.signed_log import node
from witness import note
from witness.base64text import encode_base64
from witness.errors import Malformed
from witness.note import Note
from witness.tlog.addition import (
    MAX_ADDITION,
    Addition,
    encode_lines,
    encode_size,
    parse_lines,
    parse_size,
)
from witness.tlog.checkpoint import Checkpoint

NODE = node()
TEXT = Checkpoint("node-a.example/log", 5, bytes(range(32))).text
SIGNED = note.encode(Note(TEXT, (NODE.log.sign(TEXT),)))
HASH = bytes(range(32))
ADDITION = Addition(3, (HASH, bytes(32)), SIGNED)


def test_the_form_of_a_request():
    """The layout of c2sp.org/tlog-witness: old size, hashes, a blank line, the checkpoint."""
    lines = f"old 3\n{encode_base64(HASH)}\n{encode_base64(bytes(32))}\n\n"
    assert ADDITION.data == lines.encode() + SIGNED
    assert Addition.parse(ADDITION.data) == ADDITION
    first = Addition(0, (), SIGNED)
    assert Addition.parse(first.data) == first


def test_every_prefix_of_a_request_is_refused():
    for data in prefixes(ADDITION.data):
        with pytest.raises(Malformed):
            Addition.parse(data)


def test_whatever_parses_is_written_back():
    for data in flips(ADDITION.data, masks=(0x01, 0x20, 0x80)):
        try:
            parsed = Addition.parse(data)
        except Malformed:
            continue
        assert parsed != ADDITION
        assert parsed.data == data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"old 3\n", "no checkpoint"),
        ("old \u0663\n\n".encode() + SIGNED, "no checkpoint"),
        (b"old 03\n\n" + SIGNED, "canonical form"),
        (b"new 3\n\n" + SIGNED, "does not begin"),
        (b"old 3\nAAAA\n\n" + SIGNED, "not 32 bytes"),
        (b"old 3\n" + encode_base64(HASH).encode() * 2 + b"\n\n" + SIGNED, "not Base64"),
        (b"old 3\n" + (encode_base64(HASH).encode() + b"\n") * 64 + b"\n" + SIGNED, "64 hashes"),
        (b"old 3\n\nno note", "note"),
        (b"x" * (MAX_ADDITION + 1), "more than the"),
    ],
)
def test_what_is_no_request(data, message):
    with pytest.raises(Malformed, match=message):
        Addition.parse(data)


def test_answers():
    lines = (NODE.cosigner.sign(TEXT, 7), NODE.cosigner.sign(TEXT, 8))
    data = encode_lines(lines)
    assert parse_lines(data) == lines
    for other in prefixes(encode_lines(lines[:1])):
        with pytest.raises(Malformed):
            parse_lines(other)
    for other in flips(data, masks=(0x01, 0x20)):
        try:
            parsed = parse_lines(other)
        except Malformed:
            continue
        assert parsed != lines
        assert encode_lines(parsed) == other


def test_sizes():
    assert parse_size(encode_size(20)) == 20
    for data in (b"", b"20", b"020\n", b"-1\n", b"20\n\n", b"2" * 30 + b"\n", b"\xff\n"):
        with pytest.raises(Malformed):
            parse_size(data)
