import copy
import dataclasses

import pytest

from tests.mangling import flips
from tests.signed_log import NOON, a_line, bundled, identity, key, node, observed
from witness import bundle, note, statement
from witness.bundle import Bundle
from witness.errors import InputError, Malformed, Unverified
from witness.note import Note
from witness.signing.named import CheckpointCosigner, NodeSigners
from witness.tlog.proof import Proof
from witness.verification import VerifiedObservation, verify_bundle

NODE = node()
WITNESS = identity(NODE)
BUNDLE = bundle.parse(a_line(NODE))
PEERS = {name: CheckpointCosigner(f"{name}.example/cosigner", key(f"peer {name}")) for name in ("b", "c")}
LATER = int(NOON.timestamp()) + 60


def resigned(change, source=BUNDLE):
    """`source` with the lines of its checkpoint changed by `change(parsed note)`."""
    parsed = change(note.parse(source.proof.checkpoint))
    return dataclasses.replace(
        source, proof=dataclasses.replace(source.proof, checkpoint=note.encode(parsed))
    )


def cosigned(*peers, at=LATER, text=None):
    def change(parsed):
        added = tuple(PEERS[peer].sign(text or parsed.text, at) for peer in peers)
        return Note(parsed.text, parsed.signatures + added)

    return resigned(change)


def test_a_good_bundle():
    verified = verify_bundle(BUNDLE, WITNESS, [])
    assert verified.witness == WITNESS
    assert verified.statement == observed(3)
    assert verified.log_index == 3
    assert verified.checkpoint.size == 5
    assert verified.checkpoint.origin == "node-a.example/log"
    assert verified.signer == NODE.observations.public_key.key_id
    assert verified.cosigned_by == frozenset()
    assert verified.checkpoint_time == NOON


def test_cosigners_count_by_operator():
    known = [("Operator B", PEERS["b"].key), ("Operator C", PEERS["c"].key)]
    verified = verify_bundle(cosigned("b", "c"), WITNESS, known)
    assert verified.cosigned_by == {"Operator B", "Operator C"}
    assert verified.checkpoint_time.timestamp() == LATER
    assert verify_bundle(cosigned("b", "c"), WITNESS, known[:1]).cosigned_by == {"Operator B"}
    assert verify_bundle(cosigned("b"), WITNESS, known[1:]).cosigned_by == frozenset()


def test_nobody_cosigns_his_own_log():
    known = [("Operator A", PEERS["b"].key), ("Operator B", NODE.cosigner.key)]
    verified = verify_bundle(cosigned("b"), WITNESS, known)
    assert verified.cosigned_by == frozenset()


def test_two_keys_of_one_operator_are_one():
    known = [("Operator B", PEERS["b"].key), ("Operator B", PEERS["c"].key)]
    assert verify_bundle(cosigned("b", "c"), WITNESS, known).cosigned_by == {"Operator B"}


def test_a_key_of_two_operators_is_an_error():
    known = [("Operator B", PEERS["b"].key), ("Operator C", PEERS["b"].key)]
    with pytest.raises(InputError, match="two operators"):
        verify_bundle(cosigned("b"), WITNESS, known)


def test_a_bad_cosignature_by_a_known_cosigner_rejects():
    wrong = cosigned("b", text="node-a.example/log\n6\nanother\n")
    assert verify_bundle(wrong, WITNESS, []).cosigned_by == frozenset()
    with pytest.raises(Unverified, match=r"signature by b\.example/cosigner does not hold"):
        verify_bundle(wrong, WITNESS, [("Operator B", PEERS["b"].key)])


def test_without_any_cosignature_there_is_no_time():
    bare = resigned(lambda parsed: Note(parsed.text, parsed.signatures[:1]))
    assert verify_bundle(bare, WITNESS, []).checkpoint_time is None


def test_a_cosignature_alone_is_not_the_logs_signature():
    bare = resigned(lambda parsed: Note(parsed.text, parsed.signatures[1:]))
    with pytest.raises(Unverified, match="not signed by the log"):
        verify_bundle(bare, WITNESS, [])


def other(**changes):
    return dataclasses.replace(WITNESS, **changes)


@pytest.mark.parametrize(
    ("witness", "message"),
    [
        (other(name="node-b"), "made by 'node-a', not by 'node-b'"),
        (other(keys=()), "any of the 0 keys"),
        (other(keys=(node("node-b").observations.public_key,)), "any of the 1 keys"),
        (other(log_key=node("node-b").log.key), "of the log 'node-a.example/log'"),
        (other(log_key=dataclasses.replace(NODE.log.key, public_key=key("x").public_key)), "not signed"),
    ],
)
def test_another_witness_did_not_make_it(witness, message):
    with pytest.raises(Unverified, match=message):
        verify_bundle(BUNDLE, witness, [])


def replaced(**changes):
    return dataclasses.replace(BUNDLE, proof=dataclasses.replace(BUNDLE.proof, **changes))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (replaced(index=2), "another root"),
        (replaced(index=5), "no entry 5"),
        (replaced(hashes=BUNDLE.proof.hashes[:-1]), "too short"),
        (replaced(hashes=(*BUNDLE.proof.hashes, bytes(32))), "too long"),
        (replaced(hashes=BUNDLE.proof.hashes[::-1]), "another root"),
    ],
)
def test_proofs_that_do_not_hold(source, message):
    with pytest.raises(Unverified, match=message):
        verify_bundle(source, WITNESS, [])


def test_a_proof_of_another_entry():
    """Two good bundles of one log, and the proof of one with the entry of the other."""
    payloads = [statement.encode(observed(n)) for n in range(5)]
    first = bundled(NODE, payloads, wanted=0)
    with pytest.raises(Unverified, match="another root"):
        verify_bundle(Bundle(first.entry, BUNDLE.proof), WITNESS, [])


@pytest.mark.parametrize("payload", [b"{}", b"", statement.encode(observed(1)) + b" "])
def test_signed_things_that_are_no_statement(payload):
    with pytest.raises(Malformed, match="statement"):
        verify_bundle(bundled(NODE, [payload]), WITNESS, [])


def test_a_log_that_signs_something_else():
    text = "node-a.example/log\nfive\n\n"
    wrong = resigned(lambda _: Note(text, (NODE.log.sign(text),)))
    with pytest.raises(Malformed, match="checkpoint"):
        verify_bundle(wrong, WITNESS, [])


def test_no_flipped_byte_says_anything_else():
    """A flip may hide the node's own cosignature, whose key is then unknown; nothing else may pass."""
    original = verify_bundle(BUNDLE, WITNESS, [])
    passed = 0
    for data in flips(bundle.encode(BUNDLE), masks=(0x01,)):
        try:
            verified = verify_bundle(bundle.parse(data), WITNESS, [])
        except (Malformed, Unverified):
            continue
        assert verified.checkpoint_time is None
        assert (verified.statement, verified.log_index) == (original.statement, original.log_index)
        assert verified.checkpoint == original.checkpoint
        passed += 1
    # The name of the cosigner, and the four bytes of its key hash.
    assert passed < len(NODE.cosigner.name) + 8


def test_verified_observations_are_not_made_by_hand():
    verified = verify_bundle(BUNDLE, WITNESS, [])
    fields = {field.name: getattr(verified, field.name) for field in dataclasses.fields(verified)}
    with pytest.raises(TypeError, match="only made by BundleVerifier"):
        VerifiedObservation(**fields, seal=object())
    with pytest.raises(TypeError):
        VerifiedObservation(**fields)
    with pytest.raises((TypeError, ValueError)):
        dataclasses.replace(verified, log_index=4)
    with pytest.raises(dataclasses.FrozenInstanceError):
        verified.log_index = 4
    assert copy.copy(verified) == verified


def test_the_signers_of_a_node_are_three():
    assert isinstance(NODE, NodeSigners)
    keys = {NODE.observations.public_key, NODE.log.key.public_key, NODE.cosigner.key.public_key}
    assert len(keys) == 3


def test_the_proof_in_a_bundle_is_c2sp_text():
    lines = BUNDLE.proof.text.split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 3"]
    assert Proof.parse(BUNDLE.proof.text) == BUNDLE.proof
