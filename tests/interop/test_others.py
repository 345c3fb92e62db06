"""Other people's programs on our log: sigsum-witness cosigns it, spicy verifies our proofs.

They are Debian 13's (packages sigsum-go and litetlog), and are looked for on the PATH; where they are not, these tests
are skipped. Debian's litewitness 0.4.3 is not among them: it panics when it stores a checkpoint.
"""

import hashlib
import os
import shutil
import socket
import subprocess
from dataclasses import replace

import pytest

from tests.signed_log import Log, key, node
from tests.waiting import wait_until
from witness import note
from witness.cosigning import OwnLog, Peer, ask
from witness.errors import Incomplete
from witness.fetch import HttpFetcher
from witness.keys import PublicKey
from witness.signing.named import LogSigner
from witness.store.directory import DirectoryStore
from witness.store.memory import MemoryStore
from witness.tlog.cosignature import CosignerKey


def program(name, package):
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name} on the PATH; Debian 13 has it in the package {package}")
    return found


def run(*argv, check=False):
    return subprocess.run(argv, check=check, capture_output=True, text=True, timeout=30)


def answers(port):
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def cosigner(tmp_path):
    """sigsum-witness, for one log, and that log: sigsum names a log by its key."""
    witness, keys = program("sigsum-witness", "sigsum-go"), program("sigsum-key", "sigsum-go")
    signer = key("sigsum log")
    origin = f"sigsum.org/v1/tree/{hashlib.sha256(signer.public_key.raw).hexdigest()}"
    log = Log(
        replace(node(), log=LogSigner(origin, signer)), DirectoryStore(tmp_path / "site"), MemoryStore()
    )
    (tmp_path / "log.hex").write_text(signer.public_key.raw.hex())
    run(keys, "from-hex", "-k", tmp_path / "log.hex", "-o", tmp_path / "log.pub", check=True)
    run(keys, "generate", "-o", tmp_path / "witness", check=True)
    public = run(keys, "to-hex", "-k", tmp_path / "witness.pub", check=True).stdout.strip()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [witness, "-k", tmp_path / "witness", "--log-key", tmp_path / "log.pub",
         "--state-file", tmp_path / "state", f"127.0.0.1:{port}"],
        env={**os.environ, "GODEBUG": "httpmuxgo121=0"},  # Debian's build takes its own routes for malformed
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_until(lambda: answers(port), seconds=20)
        yield log, f"http://127.0.0.1:{port}", bytes.fromhex(public)
    finally:
        process.terminate()
        process.wait(timeout=10)


@pytest.mark.loopback
@pytest.mark.enable_socket
def test_sigsum_witness_cosigns_a_log_that_grows_and_no_fork_of_it(cosigner, tmp_path):
    log, url, public = cosigner
    name = f"sigsum.org/v1/witness/{hashlib.sha256(public).hexdigest()}"
    own = OwnLog(log.signers.log.key, log.store, tmp_path / "asked")
    theirs = CosignerKey(name, PublicKey(public))
    peer = Peer(url, log.signers.log.key, (theirs,), ask=url)
    fetcher = HttpFetcher()
    try:
        for size in (1, 2, 7, 300):
            grown = log.reader().checkpoint.size if size > 1 else 0
            log.append([b"entry %d" % number for number in range(grown, size)])
            answer = note.parse(ask(own, peer, fetcher))
            (line,) = [item for item in answer.signatures if item.name == name]
            theirs.verify(answer.text, line.data)
        fork = Log(log.signers, DirectoryStore(tmp_path / "fork"), MemoryStore())
        fork.append([b"lie %d" % number for number in range(400)])
        with pytest.raises(Incomplete, match="was answered 422"):
            ask(replace(own, site=fork.store), peer, fetcher)
    finally:
        fetcher.close()


@pytest.mark.parametrize("index", [0, 3, 299])
def test_spicy_verifies_our_proofs(tmp_path, index):
    """Its file is a tlog-proof from before the format had a first line."""
    spicy = program("spicy-litetlog", "litetlog")
    log = Log.new()
    log.append([b"entry %d" % number for number in range(300)])
    (tmp_path / "entry").write_bytes(b"entry %d" % index)
    title, proof = log.reader().proof(index).text.split("\n", 1)
    assert title == "c2sp.org/tlog-proof@v1"
    (tmp_path / "entry.spicy").write_text(proof)
    verify = (spicy, "-verify", log.signers.log.key.text, tmp_path / "entry")
    done = run(*verify)
    assert (done.returncode, "verified" in done.stderr) == (0, True), done.stderr
    assert run(spicy, "-verify", node("node-b").log.key.text, tmp_path / "entry").returncode != 0
    (tmp_path / "entry").write_bytes(b"another entry")
    assert run(*verify).returncode != 0
