"""`make bench`, second table: the log as it grows from a thousand entries to a million, beside Go's x/mod/sumdb.

Appends go to a disk, flushed, with a journal and two signatures for each batch, as a node does it. Go's numbers for
appending and proving are its arithmetic alone, in memory, without files or signatures. Where both check the log, they
do the same: read every file, hash every entry, compare every tile, and verify the checkpoint's signatures; Go starts a
process for it. Go's are only there if a Go toolchain is (`make interop` gets one).
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from witness.log.reader import LogReader, check_log, fetch_from
from witness.log.writer import LogWriter, open_writer
from witness.signing.keyfile import KeyFile
from witness.signing.named import CheckpointCosigner, LogSigner
from witness.store.directory import DirectoryStore
from witness.tlog.proof import verify_proof

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tests.interop import go_reference

SIZES = (1_000, 10_000, 100_000, 1_000_000)
BATCH = 1024  # entries at a time, the most that a node appends at once
ENTRY = 200  # bytes
PROOFS = 200


def log_rows(sizes: tuple[int, ...] = SIZES) -> dict[str, dict[str, float]]:
    """A row for each size, with the same log grown on."""
    log = LogSigner("bench.example/log", _key("log"))
    cosigner = CheckpointCosigner("bench.example/cosigner", _key("cosigner"))
    with tempfile.TemporaryDirectory(prefix="wheelwitness-bench-log-") as directory:
        root = Path(directory)
        store = DirectoryStore(root / "site")
        go = _go(root, [log.key.text, cosigner.key.text])
        rows = {}
        with open_writer(store, root / "state", log, cosigner) as writer:
            for size in sizes:
                rows[f"{size:,} entries"] = _row(writer, store, log, size) | go(size)
    return rows


def _row(writer: LogWriter, store: DirectoryStore, log: LogSigner, size: int) -> dict[str, float]:
    start = writer.checkpoint.size
    grown = _timed(lambda: _grow(writer, start, size - 8))
    singly = _timed(lambda: [_grow(writer, at, at + 1) for at in range(size - 8, size)])
    fetch = fetch_from(store)
    indexes = [number * 7919 % size for number in range(PROOFS)]
    cold = _timed(lambda: [LogReader.open(fetch, log.key).proof(index) for index in indexes[:20]]) / 20
    reader = LogReader.open(fetch, log.key)
    warm = _timed(lambda: [reader.proof(index) for index in indexes]) / PROOFS
    proofs = [(index, reader.proof(index)) for index in indexes]
    verified = (
        _timed(lambda: [verify_proof(proof, _entry(index), log.key) for index, proof in proofs]) / PROOFS
    )
    return {
        "appended/s": (size - 8 - start) / grown,
        "ms/append": singly / 8 * 1e3,
        "bytes/proof": sum(len(proof.text) for _, proof in proofs) / PROOFS,
        "ms/cold proof": cold * 1e3,
        "µs/warm proof": warm * 1e6,
        "µs/verification": verified * 1e6,
        "checked/s": size / _timed(lambda: check_log(fetch, log.key)),
    }


def _grow(writer: LogWriter, start: int, stop: int) -> None:
    for low in range(start, stop, BATCH):
        writer.append([_entry(index) for index in range(low, min(low + BATCH, stop))], at=1_800_000_000)
        writer.settle()


def _entry(index: int) -> bytes:
    return index.to_bytes(8, "big") * (ENTRY // 8)


def _go(root: Path, keys: list[str]) -> Callable[[int], dict[str, float]]:
    toolchain = go_reference.toolchain()
    if toolchain is None:
        print("no Go toolchain, so nothing of Go's is measured: `make interop` gets one", file=sys.stderr)
        return lambda _size: {}
    directory = root / "go"
    directory.mkdir()
    program = go_reference.build(toolchain, directory)

    def measure(size: int) -> dict[str, float]:
        done = subprocess.run(
            [program, "time", str(size), "2000"], capture_output=True, text=True, check=True
        )
        appending, proving = map(float, done.stdout.split())
        check = [program, "log", str(root / "site"), *keys]
        checking = _timed(lambda: subprocess.run(check, capture_output=True, check=True))
        return {
            "Go: appended/s": 1e6 / appending,
            "Go: µs/proof": proving,
            "Go: checked/s": size / checking,
        }

    return measure


def _timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _key(seed: str) -> KeyFile:
    return KeyFile(Ed25519PrivateKey.from_private_bytes(sha256(seed.encode()).digest()))
