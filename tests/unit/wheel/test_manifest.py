"""The digests that nodes agree on. The expected values are spelled out: whoever changes them changes the format."""

import hashlib
from dataclasses import replace
from itertools import permutations

import pytest

from witness.wheel.manifest import Member, dist_info_digest, payload_digest, record_digest

INFO = "demo-1.0.dist-info"
A = hashlib.sha256(b"a").hexdigest()
B = hashlib.sha256(b"bb").hexdigest()
MEMBERS = (
    Member("demo/é.py", executable=False, size=1, sha256=A),
    Member("demo/run.sh", executable=True, size=2, sha256=B),
    Member(f"{INFO}/METADATA", executable=False, size=1, sha256=A),
    Member(f"{INFO}/RECORD", executable=False, size=2, sha256=B),
    Member(f"{INFO}/RECORD.jws", executable=False, size=2, sha256=B),
)
DIGESTS = (payload_digest, dist_info_digest, record_digest)


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_formats():
    payload = f"wheelwitness-payload-v1\nx 2 {B} demo/run.sh\n- 1 {A} demo/é.py\n"
    assert payload_digest(MEMBERS, INFO) == sha256(payload)
    about = f"wheelwitness-dist-info-v1\n- 1 {A} {INFO}/METADATA\n- 2 {B} {INFO}/RECORD\n- 2 {B} {INFO}/RECORD.jws\n"
    assert dist_info_digest(MEMBERS, INFO) == sha256(about)
    record = f"wheelwitness-record-v1\n1 {A} {INFO}/METADATA\n2 {B} demo/run.sh\n1 {A} demo/é.py\n"
    assert record_digest(MEMBERS, INFO) == sha256(record)


def test_the_digests_of_this_example_never_change():
    assert [digest(MEMBERS, INFO)[:16] for digest in DIGESTS] == EXPECTED
    assert [digest((), INFO)[:16] for digest in DIGESTS] == EXPECTED_OF_NOTHING


EXPECTED = ["651ff9161aa1fb10", "7be05d9bef85ad0a", "c58873a07a902a9c"]
EXPECTED_OF_NOTHING = ["62da40e871aef3fa", "9132f6ab9d699c27", "1be88c830dabc679"]


@pytest.mark.parametrize("digest", DIGESTS)
def test_the_order_of_members_does_not_matter(digest):
    assert len({digest(order, INFO) for order in permutations(MEMBERS)}) == 1


@pytest.mark.parametrize(
    "change", [{"path": "demo/other"}, {"executable": True}, {"size": 9}, {"sha256": "0" * 64}], ids=str
)
def test_each_field_of_the_payload_matters(change):
    changed = (replace(MEMBERS[0], **change), *MEMBERS[1:])
    assert payload_digest(changed, INFO) != payload_digest(MEMBERS, INFO)
    assert dist_info_digest(changed, INFO) == dist_info_digest(MEMBERS, INFO)
    # File systems may not keep exec bits.
    same = record_digest(changed, INFO) == record_digest(MEMBERS, INFO)
    assert same == ("executable" in change)


@pytest.mark.parametrize("index", [2, 3, 4])
def test_dist_info_is_apart(index):
    changed = list(MEMBERS)
    changed[index] = replace(MEMBERS[index], sha256="0" * 64)
    assert dist_info_digest(changed, INFO) != dist_info_digest(MEMBERS, INFO)
    assert payload_digest(changed, INFO) == payload_digest(MEMBERS, INFO)
    assert (record_digest(changed, INFO) == record_digest(MEMBERS, INFO)) == (index > 2)


def test_a_name_that_begins_alike_is_not_inside():
    member = Member(f"{INFO}-more/x", executable=False, size=1, sha256=A)
    assert payload_digest((member,), INFO) != payload_digest((), INFO)
    assert dist_info_digest((member,), INFO) == dist_info_digest((), INFO)
