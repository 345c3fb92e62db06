"""The format of commitments: one text for each value, and digests that tell nothing."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mangling import flips, prefixes
from witness import canonical, commitment
from witness.commitment import MEDIA_TYPE, WINDOWS, Commitments, Opening, blind, commit, end_of_window
from witness.errors import Malformed
from witness.limits import MAX_COMMITMENTS, MAX_ENTRY
from witness.tlog.proof import Proof

MIDNIGHT = datetime(2026, 5, 2, tzinfo=UTC)
DIGESTS = tuple(sorted(blind(bytes(32), b"%d" % number) for number in range(3)))
ENTRY = commitment.encode(Commitments(DIGESTS, MIDNIGHT))
GOOD = {"commitments": list(DIGESTS), "mediaType": MEDIA_TYPE, "revealNotBefore": "2026-05-02T00:00:00Z"}


def test_round_trip():
    assert commitment.parse(ENTRY) == Commitments(DIGESTS, MIDNIGHT)
    assert canonical.dumps(GOOD) == ENTRY
    assert commitment.is_commitments(ENTRY)


def test_the_largest_is_an_entry_and_no_larger_is_read():
    many = [blind(bytes(32), b"%d" % number) for number in range(MAX_COMMITMENTS + 1)]
    full = commitment.encode(commit(many[1:], MIDNIGHT))
    assert len(full) < MAX_ENTRY // 8
    assert len(commitment.parse(full).digests) == MAX_COMMITMENTS
    with pytest.raises(Malformed):
        commitment.encode(commit(many, MIDNIGHT))


def test_prefixes_are_refused():
    for data in prefixes(ENTRY):
        with pytest.raises(Malformed):
            commitment.parse(data)


def test_whatever_parses_is_written_back():
    for data in flips(ENTRY):
        try:
            parsed = commitment.parse(data)
        except Malformed:
            continue
        assert parsed != commitment.parse(ENTRY)
        assert commitment.encode(parsed) == data


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"more": 1}, "exactly"),
        ({"mediaType": "text/plain"}, "mediaType"),
        ({"commitments": []}, "not from 1"),
        ({"commitments": {}}, "not from 1"),
        ({"commitments": [DIGESTS[0], DIGESTS[0]]}, "twice"),
        ({"commitments": list(DIGESTS[::-1])}, "order"),
        ({"commitments": [DIGESTS[0].upper()]}, "lower-case"),
        ({"commitments": [1]}, "lower-case"),
        ({"revealNotBefore": 1}, "not a string"),
        ({"revealNotBefore": "2026-05-02T00:00:01Z"}, "whole hour"),
        ({"revealNotBefore": "2026-05-02T00:30:00Z"}, "whole hour"),
        ({"revealNotBefore": "2026-05-02T00:00:00+00:00"}, "whole hour"),
        ({"revealNotBefore": "2026-05-02T24:00:00Z"}, "no time"),
        ({"revealNotBefore": "2026-02-30T00:00:00Z"}, "no time"),
        ({"revealNotBefore": "0000-01-01T00:00:00Z"}, "no time"),
    ],
)
def test_what_is_no_entry_of_commitments(change, message):
    with pytest.raises(Malformed, match=message):
        commitment.parse(canonical.dumps(GOOD | change))


def test_nothing_but_a_whole_hour_is_written():
    with pytest.raises(Malformed, match="whole hour"):
        commitment.encode(Commitments(DIGESTS, MIDNIGHT + timedelta(seconds=1)))
    elsewhere = timezone(timedelta(hours=5))
    assert commitment.encode(Commitments(DIGESTS, MIDNIGHT.astimezone(elsewhere))) == ENTRY


@given(
    st.binary(min_size=32, max_size=32),
    st.binary(max_size=40),
    st.binary(min_size=32, max_size=32),
    st.binary(),
)
def test_a_digest_is_of_one_salt_and_one_statement(salt, payload, other_salt, other_payload):
    same = blind(salt, payload) == blind(other_salt, other_payload)
    assert same == ((salt, payload) == (other_salt, other_payload))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_salt_has_one_length(length):
    with pytest.raises(ValueError, match="salt"):
        blind(bytes(length), b"")


DECADE = st.timedeltas(timedelta(0), timedelta(days=3650)).map(lambda since: MIDNIGHT + since)


@given(DECADE, st.sampled_from(WINDOWS))
def test_every_window_leaves_a_quarter_of_itself_for_cosigners(now, hours):
    end, window = end_of_window(now, hours), timedelta(hours=hours)
    assert window / 4 <= end - now < window * 5 / 4
    midnight = end.replace(hour=0)
    assert (end - midnight) % window == timedelta(0)
    assert (end.minute, end.second, end.microsecond, end.tzinfo) == (0, 0, 0, UTC)


@pytest.mark.parametrize(
    ("now", "hours", "end"),
    [
        ("2026-05-01T00:00:00Z", 24, "2026-05-02T00:00:00Z"),
        ("2026-05-01T18:00:00Z", 24, "2026-05-02T00:00:00Z"),
        ("2026-05-01T18:00:01Z", 24, "2026-05-03T00:00:00Z"),
        ("2026-05-01T11:59:59Z", 1, "2026-05-01T13:00:00Z"),
        ("2026-05-01T07:00:00Z", 6, "2026-05-01T12:00:00Z"),
        ("2026-05-02T01:30:00+02:00", 24, "2026-05-03T00:00:00Z"),
    ],
)
def test_ends_of_windows(now, hours, end):
    assert end_of_window(datetime.fromisoformat(now), hours) == datetime.fromisoformat(end)


PROOF = Proof(
    0, (), b"log/a\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n\xe2\x80\x94 log/a AAAAAAA=\n"
)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"more": 1}, "exactly"),
        ({"salt": "AAAA"}, "3 bytes"),
        ({"salt": 1}, "not a string"),
        ({"entry": "e30="}, "exactly commitments"),
        ({"entry": "AB=="}, "canonical"),
        ({"tlogProof": ""}, "not in the form"),
        ({"tlogProof": None}, "not a string"),
    ],
)
def test_what_is_no_opening(change, message):
    opening = Opening(ENTRY, bytes(32), PROOF)
    assert Opening.parse(opening.wire()) == opening
    with pytest.raises(Malformed, match=message):
        Opening.parse(opening.wire() | change)
