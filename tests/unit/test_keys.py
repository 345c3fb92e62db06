import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.mangling import flips, prefixes
from tests.signed_log import key
from witness.base64text import decode_base64, encode_base64
from witness.errors import Malformed, Unverified
from witness.keys import PublicKey

KEY = key("a").public_key


@pytest.mark.parametrize(
    "text",
    [
        "AA",
        "AA=",
        "AA===",
        "AAA",
        "AB==",
        "AAB=",
        "AA==\n",
        " AA==",
        "A A==",
        "-_==",
        "AA==AA==",
        "AA==x",
        "é===",
    ],
)
def test_base64_has_one_text_for_a_value(text):
    with pytest.raises(Malformed, match="field: "):
        decode_base64(text, what="field")


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0", b"\0\0\0", bytes(range(256))])
def test_base64_round_trip(data):
    assert decode_base64(encode_base64(data), what="field") == data


def test_text_round_trip():
    assert KEY.text.startswith("ed25519:")
    assert PublicKey.parse(KEY.text) == KEY


def test_prefixes_of_a_key_are_refused():
    for text in prefixes(KEY.text.encode()):
        with pytest.raises(Malformed):
            PublicKey.parse(text.decode())


def test_a_flipped_byte_is_another_key_or_none():
    for text in flips(KEY.text.encode()):
        try:
            other = PublicKey.parse(text.decode("latin-1"))
        except Malformed:
            continue
        assert other != KEY
        assert other.text.encode() == text


def test_key_id_is_the_digest_of_the_spki():
    spki = Ed25519PublicKey.from_public_bytes(KEY.raw).public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    assert KEY.key_id == hashlib.sha256(spki).hexdigest()


@pytest.mark.parametrize("size", [0, 31, 33])
def test_keys_of_another_length_are_refused(size):
    with pytest.raises(Malformed, match=f"of {size} bytes"):
        PublicKey(bytes(size))


def test_rfc_8032_vector():
    """RFC 8032 section 7.1, test 2."""
    public = PublicKey(bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"))
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    public.verify(b"\x72", signature)
    with pytest.raises(Unverified):
        public.verify(b"\x73", signature)


@pytest.mark.parametrize("change", [lambda s: s[:-1], lambda s: s + b"\0", lambda _: b"", lambda s: s[::-1]])
def test_other_signatures_do_not_verify(change):
    signature = key("a").sign(b"message")
    KEY.verify(b"message", signature)
    with pytest.raises(Unverified, match=KEY.text[:20]):
        KEY.verify(b"message", change(signature))
