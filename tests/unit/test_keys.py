import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key
from hypothesis import given
from hypothesis import strategies as st

from tests.mangling import flips, prefixes
from tests.signed_log import ecdsa_key, key
from witness.base64text import decode_base64, encode_base64
from witness.errors import Malformed, Unverified
from witness.keys import EcdsaKey, PublicKey, check_signature_form, low_s, parse_key

KEY = key("a").public_key
ECDSA = ecdsa_key("a").public_key
BOTH = pytest.mark.parametrize("known", [KEY, ECDSA], ids=["ed25519", "ecdsa-p256"])
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # SEC 2, section 2.4.2


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


@given(st.binary(max_size=9), st.integers(0, 12), st.text("AQgwBZz09+/=\n-", max_size=3))
def test_base64_that_is_read_is_what_would_be_written(data, at, new):
    text = encode_base64(data)
    text = text[:at] + new + text[at + len(new) :]
    try:
        found = decode_base64(text, what="field")
    except Malformed:
        return
    assert encode_base64(found) == text


@BOTH
def test_text_round_trip(known):
    assert known.text.startswith({PublicKey: "ed25519:", EcdsaKey: "ecdsa-p256:"}[type(known)])
    assert parse_key(known.text) == known
    assert type(known).parse(known.text) == known


@BOTH
def test_prefixes_of_a_key_are_refused(known):
    for text in prefixes(known.text.encode()):
        with pytest.raises(Malformed):
            parse_key(text.decode())


@BOTH
def test_a_flipped_byte_is_another_key_or_none(known):
    for text in flips(known.text.encode()):
        try:
            other = parse_key(text.decode("latin-1"))
        except Malformed:
            continue
        assert other != known
        assert other.text.encode() == text


@BOTH
def test_key_id_is_the_digest_of_the_spki(known):
    spki = load_der_public_key(known.spki).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert known.key_id == hashlib.sha256(spki).hexdigest()


@pytest.mark.parametrize("text", ["", "rsa:AAAA", "ecdsa-p384:AAAA", KEY.text.upper(), KEY.text + "\n"])
def test_other_texts_are_no_keys(text):
    with pytest.raises(Malformed, match="key"):
        parse_key(text)


def test_a_kind_reads_its_own_keys_alone():
    for kind, text in ((PublicKey, ECDSA.text), (EcdsaKey, KEY.text)):
        with pytest.raises(Malformed, match="does not begin"):
            kind.parse(text)


FIELD = 2**256 - 2**224 + 2**192 + 2**96 - 1  # SEC 2, section 2.4.2
GENERATOR = bytes.fromhex("036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296")


def test_points_in_another_form_or_beside_the_curve_are_refused():
    assert EcdsaKey(GENERATOR).raw == GENERATOR
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), GENERATOR)
    uncompressed = point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    # The y that belongs to x = 5 squared is a square, that of x = 1 is none; so x + p would be a second text of x = 5.
    assert EcdsaKey(b"\x02" + (5).to_bytes(32)).raw[-1] == 5
    for raw in (
        b"",
        b"\0",
        uncompressed,
        uncompressed[:33],
        b"\x05" + GENERATOR[1:],
        GENERATOR + b"\0",
        b"\x02" + (1).to_bytes(32),
        b"\x02" + (5 + FIELD).to_bytes(32),
        b"\x02" + FIELD.to_bytes(32),
        b"\x02" + b"\xff" * 32,
    ):
        with pytest.raises(Malformed):
            EcdsaKey(raw)


def test_keys_of_another_curve_are_refused():
    with pytest.raises(Malformed, match="secp384r1"):
        EcdsaKey.of(ec.generate_private_key(ec.SECP384R1()).public_key())


def signed():
    signature = ecdsa_key("a").sign(b"message")
    return signature, *decode_dss_signature(signature)


def test_of_the_two_signatures_of_one_value_the_lower_counts():
    signature, r, s = signed()
    ECDSA.verify(b"message", signature)
    assert s <= ORDER // 2
    higher = encode_dss_signature(r, ORDER - s)
    load_der_public_key(ECDSA.spki).verify(higher, b"message", ec.ECDSA(SHA256()))
    assert low_s(higher) == low_s(signature) == signature
    with pytest.raises(Unverified):
        ECDSA.verify(b"message", higher)
    with pytest.raises(Malformed, match="higher s"):
        check_signature_form(higher)


def number(data):
    return b"\x02" + bytes([len(data)]) + data


def sequence(*parts, length=None):
    body = b"".join(parts)
    return b"\x30" + (bytes([len(body)]) if length is None else length) + body


def test_other_texts_of_a_signature_are_refused():
    _, r, s = signed()
    r_bytes, s_bytes = (value.to_bytes(33) for value in (r, s))  # one leading zero, at least
    plain = number(r_bytes.lstrip(b"\0") if r_bytes[1] < 0x80 else r_bytes), number(s_bytes[1:])
    assert sequence(*plain)
    for other in (
        b"",
        sequence(),
        sequence(number(b"\0"), number(b"\x01")),
        sequence(number(b"\x01"), number(b"\0")),
        sequence(number(b"\x01"), number(b"\xff")),
        encode_dss_signature(ORDER, 1),
        encode_dss_signature(1, ORDER),
        encode_dss_signature(1, 2**400),
        sequence(number(b"\0" + r_bytes), number(s_bytes[1:])),
        sequence(*plain, length=b"\x81" + bytes([sum(map(len, plain))])),
        sequence(*plain, b"\x05\0"),
        sequence(*plain) + b"\0",
        sequence(*plain, length=b"\x80") + b"\0\0",
    ):
        with pytest.raises(Malformed, match="neither"):
            check_signature_form(other)
        with pytest.raises(Unverified):
            ECDSA.verify(b"message", other)


def test_no_mangled_ecdsa_signature_verifies():
    signature, _, _ = signed()
    for other in (*prefixes(signature), *flips(signature), bytes(64), key("a").sign(b"message")):
        with pytest.raises(Unverified):
            ECDSA.verify(b"message", other)
    with pytest.raises(Unverified, match=ECDSA.text[:20]):
        ECDSA.verify(b"another message", signature)


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
