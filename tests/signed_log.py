"""A node's signers, its log, and statements that differ in a number: real keys from a seed, nothing is mocked."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from witness import bundle, dsse, statement
from witness.bundle import Bundle
from witness.digest import sha256_hex
from witness.log.journal import Journal
from witness.log.reader import LogReader, fetch_from
from witness.log.writer import LogWriter
from witness.observation import Attempt, Builder, Failure, Observation, Published, Tool
from witness.signing.keyfile import EcdsaKeyFile, KeyFile
from witness.signing.named import CheckpointCosigner, LogSigner, NodeSigners
from witness.statement import Statement
from witness.store.memory import MemoryStore
from witness.verification import WitnessIdentity

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def key(seed: str) -> KeyFile:
    return KeyFile(Ed25519PrivateKey.from_private_bytes(sha256(seed.encode()).digest()))


def ecdsa_key(seed: str) -> EcdsaKeyFile:
    return EcdsaKeyFile(
        ec.derive_private_key(int.from_bytes(sha256(seed.encode()).digest()[:31]), ec.SECP256R1())
    )


def node(name: str = "node-a") -> NodeSigners:
    return NodeSigners(
        name=name,
        observations=key(f"{name} observations"),
        log=LogSigner(f"{name}.example/log", key(f"{name} log")),
        cosigner=CheckpointCosigner(f"{name}.example/cosigner", key(f"{name} cosigner")),
    )


def identity(signers: NodeSigners, operator: str = "Operator A") -> WitnessIdentity:
    return WitnessIdentity(
        name=signers.name,
        operator=operator,
        log_key=signers.log.key,
        keys=(signers.observations.public_key,),
        cosigner_key=signers.cosigner.key,
    )


def observed(number: int = 0, *, by: str = "node-a", artifact: int | None = None) -> Statement:
    """Statement `number`, about the artifact of that number unless another is named."""
    artifact = number if artifact is None else artifact
    at = NOON - timedelta(days=30) + timedelta(seconds=number)
    observation = Observation(
        purl=f"pkg:pypi/demo@{artifact}",
        method="rebuild",
        result="build-failed",
        published=Published(size=artifact),
        builder=Builder(name=by, tool=Tool(name="rebuilder", version="1")),
        attempt=Attempt(count=1, started_at=at, finished_at=at),
        failure=Failure(phase="build", cause="compiler", detail=f"number {number}"),
    )
    filename = f"demo-{artifact}-py3-none-any.whl"
    return Statement(filename, sha256_hex(filename.encode()), observation)


def put_in(outbox: Path, data: bytes) -> str:
    """Writes `data` to the outbox as a rebuilder does, and returns the file's name."""
    name = f"{sha256_hex(data)}.json"
    unfinished = outbox / f".{name}.unfinished"
    unfinished.write_bytes(data)
    unfinished.replace(outbox / name)
    return name


@dataclass
class Log:
    """A node's log in memory, with what its writer keeps."""

    signers: NodeSigners
    store: MemoryStore
    journal: MemoryStore

    @classmethod
    def new(cls, signers: NodeSigners | None = None) -> "Log":
        return cls(signers or node(), MemoryStore(), MemoryStore())

    def writer(self) -> LogWriter:
        return LogWriter(self.store, Journal(self.journal), self.signers.log, self.signers.cosigner)

    def append(self, entries: list[bytes], *, at: int = int(NOON.timestamp())) -> None:
        writer = self.writer()
        writer.append(entries, at=at)
        writer.settle()

    def reader(self) -> LogReader:
        return LogReader.open(fetch_from(self.store), self.signers.log.key, [self.signers.cosigner.key])


def bundled(signers: NodeSigners, payloads: list[bytes], *, wanted: int = 0) -> Bundle:
    """The bundle of one of `payloads` after all of them were signed and logged in one batch."""
    entries = [
        dsse.encode(dsse.seal(payload, signers.observations.public_key, signers.observations.sign))
        for payload in payloads
    ]
    log = Log.new(signers)
    log.append(entries)
    return Bundle(entries[wanted], log.reader().proof(wanted))


def a_line(signers: NodeSigners | None = None) -> bytes:
    """A bundle's line, in a log of five."""
    payloads = [statement.encode(observed(number)) for number in range(5)]
    return bundle.encode(bundled(signers or node(), payloads, wanted=3))
