import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from tests.mangling import flips, prefixes
from tests.signed_log import key, node
from witness import note
from witness.base64text import encode_base64
from witness.errors import Malformed, Unverified
from witness.keys import MlDsaKey
from witness.note import Note, VerifierKey
from witness.tlog.checkpoint import Checkpoint, open_checkpoint
from witness.tlog.cosignature import MAX_TIME, CosignerKey, message, time_of
from witness.tlog.merkle import EMPTY_ROOT
from witness.tlog.proof import HEADER, Proof

NODE = node()
TREE = Checkpoint("node-a.example/log", 5, bytes(range(32)))
ROOT = encode_base64(TREE.root)
AT = 1_700_000_000


def signed(tree=TREE, *, at=AT):
    text = tree.text
    return note.encode(Note(text, (NODE.log.sign(text), NODE.cosigner.sign(text, at))))


def test_text_round_trip():
    assert TREE.text == f"node-a.example/log\n5\n{ROOT}\n"
    assert Checkpoint.parse(TREE.text) == TREE
    extended = Checkpoint("o", 0, EMPTY_ROOT, ("one", "two"))
    assert Checkpoint.parse(extended.text) == extended


def test_prefixes_are_refused():
    for text in prefixes(TREE.text.encode()):
        with pytest.raises(Malformed):
            Checkpoint.parse(text.decode())


def test_whatever_parses_is_written_back():
    for text in flips(TREE.text.encode()):
        try:
            parsed = Checkpoint.parse(text.decode("latin-1"))
        except Malformed:
            continue
        assert parsed != TREE
        assert parsed.text == text.decode("latin-1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"o\n05\n{ROOT}\n", "canonical form"),
        (f"o\n+5\n{ROOT}\n", "canonical form"),
        (f"o\n-5\n{ROOT}\n", "canonical form"),
        (f"o\n\u0665\n{ROOT}\n", "canonical form"),
        (f"o\n{2**63}\n{ROOT}\n", "canonical form"),
        (f"o\n0\n{ROOT}\n", "empty tree"),
        ("o\n5\nAAAA\n", "root of 3 bytes"),
        ("o\n5\n\n", "none of them empty"),
        (f"\n5\n{ROOT}\n", "none of them empty"),
        (f"o\n5\n{ROOT}\n\nx\n", "none of them empty"),
        (f"o\n5\n{ROOT}", "none of them empty"),
    ],
)
def test_what_is_no_checkpoint(text, message):
    with pytest.raises(Malformed, match=message):
        Checkpoint.parse(text)


def test_a_signed_checkpoint_is_opened():
    opened = open_checkpoint(signed(), NODE.log.key, [NODE.cosigner.key])
    assert opened.checkpoint == TREE
    assert [(item.key, item.at) for item in opened.cosignatures] == [(NODE.cosigner.key, AT)]
    assert open_checkpoint(signed(), NODE.log.key).cosignatures == ()


def test_no_flipped_byte_of_a_signed_checkpoint_opens():
    text = TREE.text
    data = note.encode(Note(text, (NODE.log.sign(text),)))
    for other in flips(data):
        with pytest.raises((Malformed, Unverified)):
            open_checkpoint(other, NODE.log.key, [NODE.cosigner.key])


def test_a_log_signs_for_its_own_origin_only():
    elsewhere = Checkpoint("node-b.example/log", 5, TREE.root)
    with pytest.raises(Unverified, match=r"of the log 'node-b\.example/log'"):
        open_checkpoint(signed(elsewhere), NODE.log.key)


def test_cosigners_do_not_stand_in_for_the_log():
    data = note.encode(Note(TREE.text, (NODE.cosigner.sign(TREE.text, AT),)))
    with pytest.raises(Unverified, match="not signed by the log"):
        open_checkpoint(data, NODE.log.key, [NODE.cosigner.key])


def test_a_plain_signature_is_no_cosignature():
    """One key under one name in both roles: the algorithm tells them apart."""
    held = key("both")
    log_key, cosigner = VerifierKey("o", held.public_key), CosignerKey("o", held.public_key)
    assert log_key.key_hash != cosigner.key_hash
    text = Checkpoint("o", 5, TREE.root).text
    plain = log_key.sign(text, held.sign)
    disguised = note.Signature("o", cosigner.key_hash, plain.data)
    with pytest.raises(Unverified, match="does not hold"):
        open_checkpoint(note.encode(Note(text, (plain, disguised))), log_key, [cosigner])


def test_what_a_cosigner_signs():
    """The example of c2sp.org/tlog-cosignature."""
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    assert message(text, 1679315147) == b"cosignature/v1\ntime 1679315147\n" + text.encode()


def test_cosignature_layout():
    cosignature = NODE.cosigner.sign(TREE.text, AT)
    assert cosignature.data[:8] == AT.to_bytes(8, "big")
    assert len(cosignature.data) == 72
    assert time_of(cosignature) == AT
    NODE.cosigner.key.verify(TREE.text, cosignature.data)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda _: b"",
        lambda data: data[:7] + bytes([data[7] ^ 1]) + data[8:],
        lambda data: b"\xff" + data[1:],
        lambda data: (MAX_TIME + 1).to_bytes(8, "big") + data[8:],
    ],
)
def test_changed_cosignatures_do_not_verify(change):
    data = NODE.cosigner.sign(TREE.text, AT).data
    with pytest.raises(Unverified):
        NODE.cosigner.key.verify(TREE.text, change(data))


@pytest.mark.parametrize("at", [-1, MAX_TIME + 1])
def test_times_that_cannot_be_signed(at):
    with pytest.raises(ValueError, match="no time"):
        NODE.cosigner.sign(TREE.text, at)


def test_cosigner_vkey_round_trip():
    cosigner = NODE.cosigner.key
    assert CosignerKey.parse(cosigner.text) == cosigner
    with pytest.raises(Malformed, match="not of algorithm 0x04"):
        CosignerKey.parse(NODE.log.key.text)


PROOF = Proof(3, (bytes(32), bytes(range(32))), signed())


def test_proof_round_trip():
    assert Proof.parse(PROOF.text) == PROOF
    with_extra = Proof(0, (), signed(), b"extra")
    assert Proof.parse(with_extra.text) == with_extra
    assert "extra ZXh0cmE=\nindex 0\n\n" in with_extra.text


def test_prefixes_of_a_proof_are_refused():
    once = note.encode(Note(TREE.text, (NODE.log.sign(TREE.text),)))
    for text in prefixes(Proof(3, PROOF.hashes, once).text.encode()):
        with pytest.raises(Malformed):
            Proof.parse(text.decode(errors="replace"))


def test_whatever_parses_as_a_proof_is_written_back():
    for data in flips(PROOF.text.encode(), masks=(0x01, 0x20)):
        text = data.decode(errors="surrogateescape")
        try:
            parsed = Proof.parse(text)
        except Malformed:
            continue
        assert parsed != PROOF
        assert parsed.text == text


HEAD = f"{HEADER}\nindex 0\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not in the form"),
        (f"{HEADER}\n\nx", "no index"),
        (f"{HEADER}\nindex 01\n\nx", "canonical form"),
        (f"{HEADER}\nindex 0\nextra AAAA\n\nx", "hash: not Base64"),
        (f"{HEADER}\nextra ?\nindex 0\n\nx", "extra: not Base64"),
        (f"{HEAD}AAAA\n\nx", "not 32 bytes"),
        (f"{HEAD}{(ROOT + chr(10)) * 64}\nx", "64 hashes"),
        (f"{HEAD}\nno note", "note"),
        (f"{HEAD}\n\udc80", "not text"),
        ("x" * 100_000, "characters, more than"),
    ],
)
def test_what_is_no_proof(text, message):
    with pytest.raises(Malformed, match=message):
        Proof.parse(text)


def test_ml_dsa_cosigners_are_understood():
    """Algorithm 0x06: binds the cosigner's name, and not the extension lines."""
    held = MLDSA44PrivateKey.from_seed_bytes(bytes(32))
    cosigner = CosignerKey("pq.example", MlDsaKey(held.public_key().public_bytes_raw()))
    assert CosignerKey.parse(cosigner.text) == cosigner
    signature = cosigner.sign(TREE.text, AT, held.sign)
    assert len(signature.data) == 8 + 2420
    data = note.encode(Note(TREE.text, (NODE.log.sign(TREE.text), signature)))
    opened = open_checkpoint(data, NODE.log.key, [cosigner, NODE.cosigner.key])
    assert [(item.key, item.at) for item in opened.cosignatures] == [(cosigner, AT)]
    cosigner.verify(TREE.text + "extension\n", signature.data)
    renamed = CosignerKey("other.example", cosigner.public_key)
    for wrong in (
        lambda: renamed.verify(TREE.text, signature.data),
        lambda: cosigner.verify(Checkpoint(TREE.origin, 6, TREE.root).text, signature.data),
        lambda: cosigner.verify(TREE.text, bytes(8) + signature.data[8:]),
        lambda: cosigner.verify(TREE.text, signature.data[:-1]),
        lambda: cosigner.verify("no checkpoint\n", signature.data),
    ):
        with pytest.raises(Unverified):
            wrong()


def test_every_bit_of_an_ml_dsa_cosignature_counts():
    """Its time is signed too. No byte of it may be another, and none may be missing."""
    held = MLDSA44PrivateKey.from_seed_bytes(bytes(32))
    cosigner = CosignerKey("pq.example", MlDsaKey(held.public_key().public_bytes_raw()))
    data = cosigner.sign(TREE.text, AT, held.sign).data
    for at in range(len(data)):
        changed = data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :]
        with pytest.raises(Unverified):
            cosigner.verify(TREE.text, changed)
    for length in (0, 8, 72, len(data) - 1):
        with pytest.raises(Unverified):
            cosigner.verify(TREE.text, data[:length])
    with pytest.raises(Unverified):
        cosigner.verify(TREE.text, data + b"\0")
    # One that does not hold makes the whole checkpoint one that is not believed.
    line = note.Signature(cosigner.name, cosigner.key_hash, data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(Unverified, match="does not hold"):
        open_checkpoint(
            note.encode(Note(TREE.text, (NODE.log.sign(TREE.text), line))), NODE.log.key, [cosigner]
        )


@pytest.mark.parametrize("length", [1311, 1313])
def test_an_ml_dsa_key_of_another_length_is_none(length):
    with pytest.raises(Malformed, match="ML-DSA-44 key of"):
        MlDsaKey(bytes(length))
    assert CosignerKey("pq.example", MlDsaKey(bytes(1312))).text.startswith("pq.example+")
