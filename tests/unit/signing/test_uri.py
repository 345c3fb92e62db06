"""Signers by URI: what they make is checked before it leaves, and what they need to know is never shown."""

import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.signed_log import ecdsa_key, key
from witness.errors import Incomplete, InputError
from witness.signing.uri import UriSigner, open_uri, read_secret

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
BOTH = pytest.mark.parametrize("held", [key("a"), ecdsa_key("a")], ids=["ed25519", "ecdsa-p256"])
PIN = "1234-secret"


def no_pin():
    raise InputError("no PIN")


def kept(tmp_path, held):
    path = tmp_path / "key.pem"
    path.write_bytes(held._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return f"file2:{path}"


@BOTH
def test_a_file_of_the_library(tmp_path, held):
    pytest.importorskip("securesystemslib", reason="the extra `signers` is not installed")
    signer = open_uri(kept(tmp_path, held), held.public_key, no_pin)
    for number in range(20):  # half of all ECDSA signatures have the higher s to begin with
        message = b"%d" % number
        held.public_key.verify(message, signer.sign(message))
    assert signer.public_key == held.public_key
    assert repr(signer) == f"UriSigner(file2:, {held.public_key.text})"


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("", "not a kind of signer"),
        ("no scheme", "not a kind of signer"),
        ("../x:y", "not a kind of signer"),
        ("gnupg:0123", "not a kind of signer"),
        ("nonsense:x", "no such kind of signer"),
        ("file2:/nowhere/key.pem", "cannot be opened"),
        ("hsm:two", "cannot be opened"),
    ],
)
def test_what_cannot_be_opened(uri, words):
    pytest.importorskip("securesystemslib", reason="the extra `signers` is not installed")
    with pytest.raises(InputError, match=words):
        open_uri(uri, ecdsa_key("a").public_key, no_pin)


def test_the_key_of_another_file_is_refused(tmp_path):
    pytest.importorskip("securesystemslib", reason="the extra `signers` is not installed")
    with pytest.raises((InputError, Incomplete)):
        open_uri(kept(tmp_path, key("a")), key("b").public_key, no_pin).sign(b"message")


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "securesystemslib.signer", None)
    with pytest.raises(InputError, match="needs securesystemslib") as caught:
        open_uri("hsm:2", ecdsa_key("a").public_key, no_pin)
    assert "wheelwitness[node,hsm]" in caught.value.hint


class Device:
    """A back end that answers as a test says."""

    def __init__(self, answer):
        self.answer = answer

    def sign(self, message):
        answer = self.answer(message) if callable(self.answer) else self.answer
        if isinstance(answer, Exception):
            raise answer
        return type("Signature", (), {"signature": answer})()


def signer(answer, *, held=None):
    return UriSigner(Device(answer), (held or ecdsa_key("a")).public_key, "hsm", lambda: PIN)


def test_the_higher_s_of_a_device_is_put_right():
    held = ecdsa_key("a")

    def higher(message):
        r, s = decode_dss_signature(held.sign(message))
        return encode_dss_signature(r, ORDER - s).hex()

    made = signer(higher).sign(b"message")
    held.public_key.verify(b"message", made)


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "00" * 64,
        key("a").sign(b"message").hex(),
        ecdsa_key("b").sign(b"message").hex(),
        ecdsa_key("a").sign(b"another message").hex(),
    ],
)
def test_a_signature_that_does_not_hold_never_leaves(answer):
    with pytest.raises(Incomplete, match="not by ecdsa-p256:"):
        signer(answer).sign(b"message")
    with pytest.raises(Incomplete, match="not by ed25519:"):
        signer(answer, held=key("c")).sign(b"message")


@pytest.mark.parametrize(
    "answer",
    [RuntimeError(f"login with {PIN} failed"), "no hex", None, ValueError("\x1b[31m" + PIN), KeyError(PIN)],
)
def test_an_error_of_the_device_is_one_line_without_the_pin(answer):
    with pytest.raises(Incomplete, match="signer hsm: cannot sign") as caught:
        signer(answer).sign(b"message")
    shown = str(caught.value)
    assert PIN not in shown
    assert shown.isprintable()
    assert caught.value.__cause__ is None


def test_a_pin_that_cannot_be_had_is_the_operators_to_mend():
    with pytest.raises(InputError, match="no PIN"):
        signer(lambda _: no_pin()).sign(b"message")


def test_a_pin_in_a_file(tmp_path):
    path = tmp_path / "pin"
    path.touch(mode=0o600)
    path.write_text(f"{PIN}\n")
    assert read_secret(path) == PIN
    path.chmod(0o640)
    with pytest.raises(InputError, match="open to others"):
        read_secret(path)


@pytest.mark.parametrize("data", [b"", b"\n", b"12\n34\n", b"\xff", b"1\x00"])
def test_what_is_no_pin(tmp_path, data):
    path = tmp_path / "pin"
    path.touch(mode=0o600)
    path.write_bytes(data)
    with pytest.raises(InputError, match="not a PIN"):
        read_secret(path)
