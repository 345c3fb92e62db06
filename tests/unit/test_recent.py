"""What was parsed is not parsed again while it is remembered, and no more than so many bytes are."""

import pytest

from witness.errors import Malformed
from witness.recent import recent


def parser(limit):
    calls = []

    @recent(limit)
    def parse(data):
        calls.append(data)
        if not data:
            raise Malformed("empty")
        return [data]

    return parse, calls


def test_a_value_is_made_once():
    parse, calls = parser(10)
    first = parse(b"abc")
    assert parse(b"abc") is first
    assert parse(b"abd") == [b"abd"]
    assert calls == [b"abc", b"abd"]


def test_it_begins_anew_when_it_is_full():
    parse, calls = parser(10)
    for data in (b"12345", b"67890", b"x", b"67890", b"x", b"12345"):
        assert parse(data) == [data]
    assert calls == [b"12345", b"67890", b"x", b"67890", b"12345"]


def test_what_was_refused_is_refused_again():
    parse, calls = parser(3)
    for _ in range(2):
        with pytest.raises(Malformed):
            parse(b"")
    assert calls == [b"", b""]
