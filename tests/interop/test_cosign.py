"""Our envelopes, checked by cosign (sigstore/cosign): what we sign is an attestation that others can read.

Needs a `cosign` on PATH, and is skipped where there is none.
"""

import base64
import shutil
import subprocess

import pytest

from tests.integration.trusted_nodes import ALPHA, stated
from tests.signed_log import ecdsa_key, key
from witness import dsse, statement
from witness.digest import sha256_hex
from witness.statement import PREDICATE_TYPE

COSIGN = shutil.which("cosign")
WHEEL = b"the bytes of a wheel"

pytestmark = pytest.mark.skipif(COSIGN is None, reason="no cosign on PATH")


@pytest.fixture(params=["ed25519", "ecdsa-p256"])
def signer(request):
    return {"ed25519": key, "ecdsa-p256": ecdsa_key}[request.param]("cosign")


def ask(tmp_path, signer, artifact=WHEEL, *, key=None):
    """The exit status and the words of cosign about an observation of `WHEEL`, held against `artifact`."""
    payload = statement.encode(stated(ALPHA, sha256=sha256_hex(WHEEL)))
    files = {"entry": dsse.encode(dsse.seal(payload, signer.public_key, signer.sign)), "artifact": artifact}
    files["key.pem"] = pem((key or signer).public_key)
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    argv = [
        COSIGN, "verify-blob-attestation", "--key", "key.pem", "--signature", "entry", "--insecure-ignore-tlog",
        "--type", PREDICATE_TYPE, "artifact",
    ]  # fmt: skip
    done = subprocess.run(
        argv,
        cwd=tmp_path,
        env={"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


def pem(public_key):
    text = base64.encodebytes(public_key.spki).decode().replace("\n", "")
    return f"-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n".encode()


def test_cosign_reads_our_envelopes(tmp_path, signer):
    status, said = ask(tmp_path, signer)
    assert (status, "Verified OK" in said) == (0, True), said


def test_cosign_refuses_another_artifact_and_another_key(tmp_path, signer):
    status, said = ask(tmp_path, signer, b"other bytes")
    assert status != 0
    assert "digest" in said
    assert ask(tmp_path, signer, key=ecdsa_key("another"))[0] != 0
