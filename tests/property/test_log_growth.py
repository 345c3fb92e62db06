"""A log that grows at random, with every invariant checked after each step, and round trips of every format."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.signed_log import Log, key, node
from witness import bundle, dsse, note
from witness.base64text import decode_base64, encode_base64
from witness.bundle import Bundle
from witness.errors import Malformed
from witness.keys import PublicKey
from witness.log import journal
from witness.log.journal import Batch
from witness.log.reader import check_log, fetch_from
from witness.note import Note, Signature, VerifierKey
from witness.tlog.checkpoint import Checkpoint
from witness.tlog.cosignature import MAX_TIME, CosignerKey
from witness.tlog.merkle import EMPTY_ROOT, leaf_hash, root_hash, verify_consistency, verify_inclusion
from witness.tlog.proof import Proof
from witness.tlog.tiles import pack_entries, unpack_entries

HASHES = st.binary(min_size=32, max_size=32)
LINES = st.text(st.characters(min_codepoint=0x20, exclude_categories=["Cs"]), min_size=1, max_size=20)
NAMES = LINES.filter(lambda text: "+" not in text and not any(char.isspace() for char in text))
KEYS = HASHES.map(PublicKey)
CHECKPOINTS = st.builds(
    Checkpoint, LINES, st.integers(1, 2**63 - 1), HASHES, st.lists(LINES, max_size=3).map(tuple)
) | st.builds(Checkpoint, LINES, st.just(0), st.just(EMPTY_ROOT))
SIGNATURES = st.builds(
    Signature, NAMES, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=100)
)
NOTES = st.builds(
    Note,
    st.one_of(
        CHECKPOINTS.map(lambda tree: tree.text),
        st.lists(LINES | st.just("")).map("\n".join).map(lambda t: t + "\n"),
    ),
    st.lists(SIGNATURES, min_size=1, max_size=5).map(tuple),
)
PROOFS = st.builds(
    Proof,
    st.integers(0, 2**63 - 1),
    st.lists(HASHES, max_size=63).map(tuple),
    NOTES.map(note.encode),
    st.none() | st.binary(max_size=20),
)
ENTRIES = st.lists(st.binary(max_size=50), max_size=10).map(tuple)


@settings(deadline=None, max_examples=15)
@given(st.lists(st.one_of(st.integers(1, 5), st.integers(200, 600)), min_size=1, max_size=6), st.data())
def test_a_growing_log_keeps_every_promise(batches, data):
    log = Log.new()
    entries: list[bytes] = []
    history = [(0, EMPTY_ROOT)]
    for count in batches:
        batch = [b"%d" % (len(entries) + number) for number in range(count)]
        log.append(batch)
        entries += batch
        tree = check_log(fetch_from(log.store), log.signers.log.key, [log.signers.cosigner.key]).checkpoint
        assert tree.size == len(entries)
        assert tree.root == root_hash([leaf_hash(entry) for entry in entries])
        reader = log.reader()
        assert list(reader.entries()) == entries
        for size, root in history:
            verify_consistency(size, root, tree.size, tree.root, reader.consistency(size))
        for index in data.draw(st.lists(st.integers(0, len(entries) - 1), max_size=5)):
            verify_inclusion(
                leaf_hash(entries[index]), index, tree.size, reader.proof(index).hashes, tree.root
            )
        history.append((tree.size, tree.root))


@given(NOTES)
def test_notes(value):
    """signed-note: the text ends at the last blank line."""
    data = note.encode(value)
    assert note.parse(data) == value
    assert note.encode(note.parse(data)) == data


@given(CHECKPOINTS)
def test_checkpoints(value):
    assert Checkpoint.parse(value.text) == value


@given(PROOFS)
def test_proofs(value):
    assert Proof.parse(value.text) == value


@given(st.binary(max_size=200), PROOFS)
def test_bundles(entry, proof):
    value = Bundle(entry, proof)
    assert bundle.parse(bundle.encode(value)) == value
    assert bundle.parse_shard(bundle.encode_shard([value, value])) == (value, value)


@given(
    st.binary(max_size=200),
    st.binary(min_size=64, max_size=64),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=128),
)
def test_envelopes(payload, signature, key_id):
    value = dsse.Envelope(payload, signature, key_id)
    assert dsse.parse(dsse.encode(value)) == value


@given(NAMES, KEYS)
def test_vkeys(name, public_key):
    for kind in (VerifierKey, CosignerKey):
        value = kind(name, public_key)
        assert kind.parse(value.text) == value
    assert PublicKey.parse(public_key.text) == public_key


@given(st.binary(max_size=100), st.text(max_size=20))
def test_base64(data, text):
    assert decode_base64(encode_base64(data), what="x") == data
    try:
        decoded = decode_base64(text, what="x")
    except Malformed:
        return
    assert encode_base64(decoded) == text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50), st.integers(0, MAX_TIME))
def test_signatures_hold(text, at):
    signers = node()
    signers.log.key.verify(text, signers.log.sign(text).data)
    signers.cosigner.key.verify(text, signers.cosigner.sign(text, at).data)
    held = key("x")
    held.public_key.verify(text.encode(), held.sign(text.encode()))


@given(ENTRIES)
def test_bundles_of_entries(entries):
    assert unpack_entries(pack_entries(entries)) == entries


@given(NOTES, NOTES, st.integers(0, 2**53 - 1), ENTRIES.filter(len))
def test_journals(previous, checkpoint, first, entries):
    value = Batch(note.encode(previous), note.encode(checkpoint), first, entries)
    assert journal.parse(journal.encode(value)) == value


@given(st.binary(max_size=300))
def test_no_parser_raises_anything_else(data):
    for parse in (note.parse, dsse.parse, bundle.parse, bundle.parse_shard, journal.parse, unpack_entries):
        try:
            parse(data)
        except Malformed:
            continue
    for read in (Proof.parse, Checkpoint.parse, PublicKey.parse, VerifierKey.parse, CosignerKey.parse):
        try:
            assert read(data.decode("latin-1")).text == data.decode("latin-1")
        except Malformed:
            continue
