import pytest

from tests.mangling import flips, prefixes
from tests.signed_log import key
from witness import note
from witness.errors import Malformed, Unverified
from witness.keys import PublicKey
from witness.limits import MAX_CHECKPOINT
from witness.note import Note, Signature, VerifierKey

# The example of golang.org/x/mod/sumdb/note.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
).encode()


def signer(name):
    held = key(name)
    verifier = VerifierKey(name, held.public_key)
    return verifier, lambda text: verifier.sign(text, held.sign)


ANNA, anna_signs = signer("anna")
BERT, bert_signs = signer("bert")
TEXT = "one\n\nthree\n"


def test_the_example_of_x_mod():
    verifier = VerifierKey.parse(PETER)
    opened = note.open_note(note.parse(PETERS), [verifier])
    assert opened.text.endswith("what your problem is.\n")
    assert [signature.name for signature in opened.signatures] == ["PeterNeumann"]
    assert verifier.text == PETER
    assert note.encode(opened) == PETERS


def test_a_note_with_blank_lines_is_divided_at_the_last():
    data = note.encode(Note(TEXT, (anna_signs(TEXT),)))
    assert note.parse(data).text == TEXT
    assert note.open_note(note.parse(data), [ANNA]).text == TEXT


def test_prefixes_are_refused():
    for data in prefixes(PETERS):
        with pytest.raises(Malformed):
            note.parse(data)


def test_no_flipped_byte_verifies():
    verifier = VerifierKey.parse(PETER)
    for data in flips(PETERS):
        with pytest.raises((Malformed, Unverified)):
            note.open_note(note.parse(data), [verifier])


def test_whatever_parses_is_written_back():
    kept = 0
    for data in flips(PETERS):
        try:
            parsed = note.parse(data)
        except Malformed:
            continue
        assert note.encode(parsed) == data
        kept += 1
    assert kept > 0


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no signatures"),
        (b"text\n", "no signatures"),
        (b"text\n\n", "no signatures"),
        (b"text\n\n\n", "no signatures"),
        ("text\n\n— anna AAAAAAA=\n\n".encode(), "no signatures"),
        (b"text\n\n- anna AAAAAAA=\n", "begin with a dash"),
        ("text\n\n—  AAAAAAA=\n".encode(), "no name"),
        ("text\n\n— a+b AAAAAAA=\n".encode(), "no name"),
        ("text\n\n— a\u00a0b AAAAAAA=\n".encode(), "no name"),
        ("text\n\n— anna\n".encode(), "is empty"),
        ("text\n\n— anna AAAAAA==\n".encode(), "is empty"),
        ("text\n\n— anna AAAAAAA= \n".encode(), "not Base64"),
        ("text\n\n— anna AAAAAAB=\n".encode(), "canonical"),
        ("te\rxt\n\n— anna AAAAAAA=\n".encode(), "control character"),
        (b"te\xffxt\n\n\xe2\x80\x94 anna AAAAAAA=\n", "UTF-8"),
        (b"x" * MAX_CHECKPOINT + b"\n", "bytes, more than"),
        (b"text\n\n" + "— anna AAAAAAA=\n".encode() * 101, "101 signatures"),
    ],
)
def test_what_is_no_note(data, message):
    with pytest.raises(Malformed, match=message):
        note.parse(data)


def test_unknown_keys_are_ignored():
    parsed = Note(TEXT, (bert_signs("another text\n"), anna_signs(TEXT)))
    assert note.open_note(parsed, [ANNA]).signatures == (anna_signs(TEXT),)


def test_a_bad_signature_by_a_known_key_rejects_the_note():
    parsed = Note(TEXT, (anna_signs(TEXT), bert_signs("another text\n")))
    with pytest.raises(Unverified, match="signature by bert does not hold"):
        note.open_note(parsed, [ANNA, BERT])


def test_a_repeated_signature_is_checked_too():
    parsed = Note(TEXT, (anna_signs(TEXT), anna_signs("another text\n")))
    with pytest.raises(Unverified, match="signature by anna does not hold"):
        note.open_note(parsed, [ANNA])


def test_a_key_is_known_by_name_and_hash():
    other = VerifierKey("anna", BERT.public_key)
    signed = anna_signs(TEXT)
    with pytest.raises(Unverified, match="not signed by any known key"):
        note.open_note(Note(TEXT, (signed,)), [other])
    forged = Signature("anna", other.key_hash, signed.data)
    with pytest.raises(Unverified, match="does not hold"):
        note.open_note(Note(TEXT, (forged,)), [other, ANNA])


def test_nobody_known_is_not_opened():
    with pytest.raises(Unverified, match="not signed by any known key"):
        note.open_note(Note(TEXT, (anna_signs(TEXT),)), [])


def test_prefixes_and_flips_of_a_vkey_are_refused():
    for data in [*prefixes(PETER.encode()), *flips(PETER.encode())]:
        with pytest.raises(Malformed):
            VerifierKey.parse(data.decode("latin-1"))


@pytest.mark.parametrize("algorithm", [0x00, 0x02, 0x04, 0x06])
def test_vkeys_of_other_algorithms_are_refused(algorithm):
    text = note.format_vkey("anna", algorithm, ANNA.public_key)
    with pytest.raises(Malformed, match="not of algorithm 0x01"):
        VerifierKey.parse(text)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "a\x00b", "a\u2003b"])
def test_names_that_cannot_be_written(name):
    with pytest.raises(Malformed, match="no name"):
        VerifierKey(name, PublicKey(bytes(32)))


def test_hostile_names_are_shown_escaped():
    with pytest.raises(Malformed) as caught:
        note.check_name("a\x1b[31m")
    assert "\x1b" not in str(caught.value)


def test_names_are_what_the_specification_says():
    """Not empty, no white space, no plus; and no controls, nor halves of surrogate pairs."""
    refused = []
    for point in range(0x110000):
        try:
            note.check_name(f"a{chr(point)}b")
        except Malformed:
            refused.append(point)
    assert refused == [
        point
        for point in range(0x110000)
        if chr(point).isspace() or chr(point) == "+" or point < 0x20 or 0xD800 <= point <= 0xDFFF
    ]
