import dataclasses

import pytest

from tests.mangling import flips, prefixes
from tests.signed_log import Log, key, node
from witness import note
from witness.errors import Malformed, Unverified
from witness.note import Note
from witness.signing.named import LogSigner
from witness.tlog import contradiction
from witness.tlog.checkpoint import Checkpoint, open_checkpoint
from witness.tlog.contradiction import (
    MAX_CONTRADICTION,
    Fork,
    OutOfTurn,
    Rollback,
    TwoEntries,
    encode,
    find,
    parse,
)
from witness.tlog.merkle import leaf_hash
from witness.tlog.proof import Proof

NODE, OTHER = node(), node("node-b")
KEY, COSIGNER = NODE.log.key, NODE.cosigner.key


def history(*batches):
    """The readers of a log after each batch of entries, appended an hour apart."""
    log, readers = Log.new(), []
    for number, batch in enumerate(batches, 1):
        log.append([entry.encode() for entry in batch], at=3600 * number)
        readers.append(log.reader())
    return readers


HONEST = history("abc", "defg")
LIAR = history("abX", "defg")


def fork():
    reader = LIAR[1]
    return Fork(KEY, HONEST[0].signed, reader.signed, reader.root_at(3), reader.consistency(3))


def two_entries():
    leaves = leaf_hash(b"c"), leaf_hash(b"X")
    return TwoEntries(KEY, leaves, (HONEST[1].proof(2), LIAR[0].proof(2)))


def cosigned(tree, at, by=NODE):
    text = tree.text
    return note.encode(Note(text, (NODE.log.sign(text), by.cosigner.sign(text, at))))


def rollback():
    first, second = HONEST[1].checkpoint, HONEST[0].checkpoint
    return Rollback(KEY, COSIGNER, cosigned(first, 100), cosigned(second, 101))


def out_of_turn():
    """The log's key named another one after 3 entries, and signed 7 all the same."""
    small, large = HONEST
    heir = LogSigner(KEY.name, key("heir"), NODE.log.succeeded(3, key("heir").public_key))
    text = small.checkpoint.text
    return OutOfTurn(KEY, note.encode(Note(text, heir.lines(text))), large.signed)


ALL = [fork(), two_entries(), rollback(), out_of_turn()]


@pytest.mark.parametrize("evidence", ALL, ids=lambda item: type(item).__name__)
def test_it_proves_and_round_trips(evidence):
    assert "node-a.example" in evidence.prove()
    data = encode(evidence)
    assert parse(data) == evidence
    assert len(data) < 8192


@pytest.mark.parametrize("evidence", ALL, ids=lambda item: type(item).__name__)
def test_nothing_else_proves_it(evidence):
    """No prefix parses, and a byte that is changed leaves nothing that holds, or the same accusation."""
    data = encode(evidence)
    for other in prefixes(data):
        with pytest.raises(Malformed):
            parse(other)
    for other in flips(data, masks=(0x01,)):
        try:
            changed = parse(other)
            proven = changed.prove()
        except (Malformed, Unverified):
            continue
        # A line by a key that plays no part may be anything.
        assert (proven, changed.log_key) == (evidence.prove(), KEY)


def test_same_size():
    found = find(HONEST[0].verified, LIAR[0].verified, (HONEST[0].signed, LIAR[0].signed), KEY)
    assert isinstance(found, Fork)
    assert "two different trees of 3 entries" in found.prove()


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_an_honest_log_is_not_accused(first, second):
    one, other = HONEST[first], HONEST[second]
    opened = [open_checkpoint(reader.signed, KEY, [COSIGNER]) for reader in (one, other)]
    assert find(*opened, (one.signed, other.signed), KEY, [COSIGNER]) is None


def test_an_honest_log_cannot_be_framed():
    small, large = HONEST
    proof = large.consistency(3)
    leaf = leaf_hash(b"c")
    for framed in (
        Fork(KEY, small.signed, large.signed, small.checkpoint.root, proof),
        Fork(KEY, small.signed, large.signed, bytes(32), proof),
        Fork(KEY, small.signed, large.signed, large.checkpoint.root, ()),
        Fork(KEY, large.signed, small.signed, small.checkpoint.root, proof),
        Fork(KEY, small.signed, small.signed, bytes(32), ()),
        Fork(OTHER.log.key, small.signed, LIAR[0].signed, LIAR[0].checkpoint.root, ()),
        TwoEntries(KEY, (leaf, leaf), (large.proof(2), small.proof(2))),
        TwoEntries(KEY, (leaf, leaf_hash(b"b")), (large.proof(2), small.proof(1))),
        TwoEntries(KEY, (leaf, leaf_hash(b"X")), (large.proof(2), small.proof(2))),
        Rollback(KEY, COSIGNER, cosigned(small.checkpoint, 100), cosigned(large.checkpoint, 101)),
        Rollback(KEY, COSIGNER, cosigned(large.checkpoint, 101), cosigned(small.checkpoint, 100)),
        Rollback(KEY, COSIGNER, cosigned(large.checkpoint, 100), cosigned(small.checkpoint, 100)),
        Rollback(KEY, COSIGNER, cosigned(large.checkpoint, 1), cosigned(small.checkpoint, 2, OTHER)),
        Rollback(KEY, OTHER.cosigner.key, cosigned(large.checkpoint, 1), cosigned(small.checkpoint, 2)),
        OutOfTurn(KEY, small.signed, large.signed),
        OutOfTurn(KEY, out_of_turn().first, small.signed),
        OutOfTurn(OTHER.log.key, out_of_turn().first, large.signed),
    ):
        with pytest.raises(Unverified):
            framed.prove()


def test_a_forged_signature_accuses_nobody():
    text = Checkpoint(KEY.name, 3, bytes(32)).text
    forged = note.encode(Note(text, (dataclasses.replace(OTHER.log.sign(text), name=KEY.name),)))
    with pytest.raises(Unverified):
        Fork(KEY, HONEST[0].signed, forged, bytes(32), ()).prove()


def test_rollback_is_found_whichever_came_first():
    large, small = cosigned(HONEST[1].checkpoint, 100), cosigned(HONEST[0].checkpoint, 101)
    for pair in ((large, small), (small, large)):
        opened = [open_checkpoint(data, KEY, [COSIGNER]) for data in pair]
        found = find(*opened, pair, KEY, [COSIGNER])
        assert found == Rollback(KEY, COSIGNER, large, small)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[]", "unknown kind"),
        (b"{}", "unknown kind"),
        (encode(fork()).replace(b'"kind":"fork"', b'"kind":"rollback"'), "exactly the keys"),
        (encode(fork()).replace(b"evidence.v1", b"evidence.v2"), "unknown kind"),
        (encode(fork()).replace(b'"proof":[', b'"proof":[1,'), "not a string"),
        (encode(two_entries()).replace(b'"leafHash"', b'"leafhash"'), "canonical|exactly leafHash"),
        (b" " * (MAX_CONTRADICTION + 1), "more than the"),
    ],
)
def test_what_is_no_evidence(data, message):
    with pytest.raises(Malformed, match=message):
        parse(data)


def test_a_proof_has_a_bound():
    long = dataclasses.replace(fork(), proof=(bytes(32),) * 64)
    with pytest.raises(Malformed, match="list of hashes"):
        parse(encode(long))


def test_the_media_type_is_ours():
    assert contradiction.MEDIA_TYPE.startswith("application/vnd.wheelwitness.")
    assert isinstance(two_entries().proofs[0], Proof)
