import json

import pytest
import rfc8785

from tests.mangling import flips, prefixes
from tests.signed_log import a_line
from witness import bundle
from witness.errors import Malformed
from witness.limits import MAX_SHARD

LINE = a_line()


def changed(**changes):
    value = json.loads(LINE)
    value.update(changes)
    return rfc8785.dumps({name: item for name, item in value.items() if item is not None})


def test_round_trip():
    assert bundle.encode(bundle.parse(LINE)) == LINE
    assert list(json.loads(LINE)) == ["entry", "kind", "mediaType", "tlogProof"]


def test_prefixes_are_refused():
    for data in prefixes(LINE):
        with pytest.raises(Malformed):
            bundle.parse(data)


def test_whatever_parses_is_written_back():
    original = bundle.parse(LINE)
    for data in flips(LINE, masks=(0x01,)):
        try:
            parsed = bundle.parse(data)
        except Malformed:
            continue
        assert parsed != original
        assert bundle.encode(parsed) == data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"{}", "exactly entry"),
        (b"[]", "exactly entry"),
        (changed(more=1), "exactly entry"),
        (changed(kind="sigstore"), "kind"),
        (changed(mediaType="text/plain"), "mediaType"),
        (changed(entry=1), "entry is not a string"),
        (changed(entry="AB=="), "canonical"),
        (changed(entry="AAAA" * 21846), "65538 bytes"),
        (changed(tlogProof=None), "exactly entry"),
        (changed(tlogProof=[]), "tlogProof is not a string"),
        (changed(tlogProof=""), "not in the form"),
        (changed(entry="AAAA" * 70_000), "more than the 262144"),
        (LINE + b"\n", "canonical form"),
        (json.dumps(json.loads(LINE)).encode(), "canonical form"),
    ],
)
def test_what_is_no_bundle(data, message):
    with pytest.raises(Malformed, match=message):
        bundle.parse(data)


def outcome(data):
    try:
        return bundle.parse(data)
    except Malformed:
        return None


def variants():
    yield from flips(LINE, masks=(0x01, 0x20, 0x80))
    for at in range(0, len(LINE), 7):
        for new in (b'"', b"\\", b"\\n", b"\\u0041", b"\n", b"\xc3\xa9", b"\xed\xa0\x80", b" ", b"="):
            yield LINE[:at] + new + LINE[at:]
            yield LINE[:at] + new + LINE[at + len(new) :]


def test_a_line_of_the_usual_form_is_read_as_any_other(monkeypatch):
    assert bundle._usual(LINE) == json.loads(LINE)
    at_once = [outcome(data) for data in variants()]
    monkeypatch.setattr(bundle, "_usual", lambda line: None)
    assert at_once == [outcome(data) for data in variants()]
    assert any(at_once)


def test_a_hostile_line_takes_no_longer_than_its_length_says():
    at = LINE.index(b'"tlogProof":"') + len(b'"tlogProof":"')
    for filling in (b"a", b"\\n", b"\\na", b"a\\n"):
        with pytest.raises(Malformed):
            bundle.parse(LINE[:at] + filling * (100_000 // len(filling)) + b'"')


def test_shard_round_trip():
    one = bundle.parse(LINE)
    data = bundle.encode_shard([one, one])
    assert data == (LINE + b"\n") * 2
    assert bundle.parse_shard(data) == (one, one)


def test_prefixes_of_a_shard_are_refused():
    for data in prefixes(LINE + b"\n"):
        with pytest.raises(Malformed):
            bundle.parse_shard(data)


@pytest.mark.parametrize("data", [b"", b"\n", LINE, LINE + b"\n\n", b"\n" + LINE + b"\n", LINE + b"\r\n"])
def test_what_is_no_shard(data):
    with pytest.raises(Malformed):
        bundle.parse_shard(data)


def test_a_shard_is_bounded_before_it_is_read():
    with pytest.raises(Malformed, match=f"more than the {MAX_SHARD}"):
        bundle.parse_shard(b"\n" * (MAX_SHARD + 1))
