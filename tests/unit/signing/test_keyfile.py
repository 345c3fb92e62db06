import os
import stat

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import (
    MLDSA44PrivateKey,
    MLDSA44PublicKey,
    MLDSA65PrivateKey,
)
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from witness.errors import Incomplete, InputError
from witness.signing import keyfile


def test_created_keys_load(tmp_path):
    path = tmp_path / "log.pem"
    made = keyfile.create(path)
    loaded = keyfile.load(path)
    assert loaded.public_key == made.public_key
    loaded.public_key.verify(b"message", made.sign(b"message"))
    assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----\n")


def test_a_key_file_is_its_owners(tmp_path):
    before = os.umask(0)
    try:
        keyfile.create(tmp_path / "k")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o600


def test_nothing_is_overwritten(tmp_path):
    path = tmp_path / "k"
    keyfile.create(path)
    data = path.read_bytes()
    with pytest.raises(InputError, match="never overwritten"):
        keyfile.create(path)
    assert path.read_bytes() == data


def test_a_dangling_link_is_not_followed(tmp_path):
    (tmp_path / "k").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="there already"):
        keyfile.create(tmp_path / "k")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o602])
def test_open_files_are_refused_with_the_remedy(tmp_path, mode):
    path = tmp_path / "k"
    keyfile.create(path)
    path.chmod(mode)
    with pytest.raises(InputError, match="others than its owner") as caught:
        keyfile.load(path)
    assert f"chmod 600 {path}" in caught.value.hint


def pem(key, encryption=None):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a private key"),
        (b"-----BEGIN PRIVATE KEY-----\n", "not a private key"),
        (pem(generate_private_key(SECP384R1())), "secp384r1, not P-256"),
        (pem(Ed448PrivateKey.generate()), "neither an Ed25519 key nor"),
        (pem(Ed25519PrivateKey.generate(), BestAvailableEncryption(b"password")), "encrypted"),
    ],
)
def test_what_is_no_key(tmp_path, data, message):
    path = tmp_path / "k"
    path.touch(mode=0o600)
    path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        keyfile.load(path)


def test_what_is_no_file(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        keyfile.load(tmp_path / "missing")
    with pytest.raises(InputError, match="regular file"):
        keyfile.load(tmp_path)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(InputError, match="regular file"):
        keyfile.load(tmp_path / "pipe")
    with pytest.raises(InputError, match="cannot write"):
        keyfile.create(tmp_path / "missing" / "k")


def test_the_key_is_never_shown(tmp_path):
    made = keyfile.create(tmp_path / "k")
    secret = (tmp_path / "k").read_text().split("\n")[1]
    assert repr(made) == f"KeyFile({made.public_key.text})"
    assert secret not in repr(made)


def test_a_p256_key_signs_observations_and_no_log(tmp_path):
    path = tmp_path / "k"
    path.touch(mode=0o600)
    path.write_bytes(pem(generate_private_key(SECP256R1())))
    loaded = keyfile.load(path)
    for number in range(20):  # half of all signatures would have the higher s
        loaded.public_key.verify(b"%d" % number, loaded.sign(b"%d" % number))
    assert repr(loaded) == f"EcdsaKeyFile({loaded.public_key.text})"
    with pytest.raises(InputError, match="not an Ed25519 key"):
        keyfile.load_ed25519(path)


def test_an_ml_dsa_key_cosigns_and_does_nothing_else(tmp_path):
    path = tmp_path / "k"
    made = keyfile.create_ml_dsa(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    loaded = keyfile.load_cosigner(path)
    assert loaded.public_key == made.public_key
    loaded.public_key.verify(b"message", made.sign(b"message"))
    assert made.sign(b"message") != made.sign(b"message")
    seed = path.read_text("ascii").split("\n")[1]
    assert repr(made) == f"MlDsaKeyFile({made.public_key.raw[:8].hex()}…)"
    assert seed not in repr(made)
    with pytest.raises(InputError, match="never overwritten"):
        keyfile.create_ml_dsa(path)
    for load, message in (
        (keyfile.load, "neither an Ed25519 key nor"),
        (keyfile.load_ed25519, "not an Ed25519"),
    ):
        with pytest.raises(InputError, match=message):
            load(path)


def test_keys_of_cosigners(tmp_path):
    assert keyfile.create(tmp_path / "k").public_key == keyfile.load_cosigner(tmp_path / "k").public_key
    path = tmp_path / "p256"
    path.touch(mode=0o600)
    path.write_bytes(pem(generate_private_key(SECP256R1())))
    with pytest.raises(InputError, match="not a cosigner's key"):
        keyfile.load_cosigner(path)
    path.write_bytes(pem(MLDSA65PrivateKey.generate()))
    with pytest.raises(InputError, match="nor one of ML-DSA-44"):
        keyfile.load_cosigner(path)


def test_where_openssl_has_no_ml_dsa(tmp_path, monkeypatch):
    """As with the `cryptography` of a distribution with an OpenSSL before 3.5."""
    made = keyfile.create_ml_dsa(tmp_path / "k")
    signature = made.sign(b"message")

    def unsupported(*_):
        raise UnsupportedAlgorithm("ML-DSA-44 is not supported by this backend.")

    monkeypatch.setattr(MLDSA44PrivateKey, "generate", unsupported)
    monkeypatch.setattr(MLDSA44PublicKey, "from_public_bytes", unsupported)
    with pytest.raises(InputError, match="cannot be made here"):
        keyfile.create_ml_dsa(tmp_path / "l")
    assert not (tmp_path / "l").exists()
    with pytest.raises(Incomplete, match="cannot be verified here"):
        made.public_key.verify(b"message", signature)
