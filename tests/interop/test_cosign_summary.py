"""A signed summary, checked by cosign (sigstore/cosign). Skipped where there is no `cosign` on PATH."""

import shutil
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.integration.trusted_nodes import NOW, WHEEL, key_file
from witness import summary
from witness.digest import sha256_hex
from witness.summary import Accepted, Summary

COSIGN = shutil.which("cosign")
KEY = key_file("a gate")
CONTENT = b"the bytes of a wheel"


@pytest.mark.skipif(COSIGN is None, reason="no cosign on PATH")
@pytest.mark.parametrize(("content", "holds"), [(CONTENT, True), (b"other bytes", False)])
def test_cosign_reads_a_summary(tmp_path, content, holds):
    accepted = Accepted(WHEEL, sha256_hex(CONTENT), "reproduced", "bitwise")
    told = Summary(NOW, (("policy.toml", "a" * 64),), (accepted,))
    (tmp_path / "summary.json").write_bytes(summary.sign(told, KEY.public_key, KEY.sign))
    (tmp_path / WHEEL).write_bytes(content)
    key = Ed25519PublicKey.from_public_bytes(KEY.public_key.raw)
    (tmp_path / "key.pem").write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    argv = [
        COSIGN, "verify-blob-attestation", "--key", "key.pem", "--signature", "summary.json", "--insecure-ignore-tlog",
        "--type", summary.PREDICATE_TYPE, WHEEL,
    ]  # fmt: skip
    done = subprocess.run(
        argv, cwd=tmp_path, env={"HOME": str(tmp_path)}, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode == 0) == holds, done.stderr
