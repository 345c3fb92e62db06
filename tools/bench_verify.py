"""`make bench`, last table: what a consumer waits for: `wheelwitness check` of 500 pins, by five witnesses' copies.

A new process on one core, from local copies: interpreter and imports, requirements, reading, parsing, signatures of
observations, logs and cosigners, proofs, verdicts and the report. By wall clock, and by CPU time, which other work on
the machine changes less; the fastest of the rounds. `µs/bundle` is parsing and verifying alone, in a process that is
warm, by CPU time. Bundles are as long as those of a small wheel. `shared`: the bundles of a node have one checkpoint,
cosigned by four peers, as after `rebuilder cosign`; `own`: each has one of its own, as when every observation is
published by itself and never cosigned.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from witness import bundle, dsse, note, statement
from witness.bundle import Bundle
from witness.config import load_policy
from witness.observation import (
    Attempt,
    Builder,
    Comparison,
    Digests,
    DigestSet,
    Environment,
    Observation,
    Published,
    Requirement,
    Resource,
    Tool,
)
from witness.signing.keyfile import KeyFile
from witness.signing.named import CheckpointCosigner, LogSigner, NodeSigners
from witness.statement import Statement
from witness.tlog.checkpoint import Checkpoint
from witness.tlog.merkle import inclusion_ranges, leaf_hash, root_hash
from witness.tlog.proof import Proof
from witness.verification import BundleVerifier

ARTIFACTS = 500
NODES = 5
AGO = datetime.now(UTC) - timedelta(days=3)
PROGRAM = "from witness.cli.main import main; main()"


@dataclass(frozen=True)
class Shape:
    """How many witnesses saw each artifact, and whether the bundles of a node share a checkpoint."""

    seen_by: int
    shared: bool

    @property
    def name(self) -> str:
        """For the table."""
        return f"{ARTIFACTS * self.seen_by} bundles, checkpoints {'shared' if self.shared else 'own'}"


SHAPES = tuple(Shape(seen_by, shared) for seen_by in (1, NODES) for shared in (True, False))


def verify_rows(rounds: int) -> dict[str, dict[str, float]]:
    """A row for each shape."""
    return {shape.name: _row(shape, rounds) for shape in SHAPES}


def _row(shape: Shape, rounds: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="wheelwitness-bench-verify-") as directory:
        root = Path(directory)
        size = write_world(shape, root)
        whole = [_run(root) for _ in range(rounds)]
        each = min(_verify(root) for _ in range(rounds))
    bundles = ARTIFACTS * shape.seen_by
    return {
        "s": min(wall for wall, _ in whole),
        "CPU s": min(used for _, used in whole),
        "µs/bundle": each / bundles * 1e6,
        "bytes/bundle": size / bundles,
    }


def _run(root: Path) -> tuple[float, float]:
    """Seconds by wall clock and of CPU time that a check takes whose user has checked nothing before."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(root),
        "WHEELWITNESS_POLICY": str(root / "policy.toml"),
        "WHEELWITNESS_STATE": str(root / "state"),
    }
    shutil.rmtree(root / "state", ignore_errors=True)
    core = min(os.sched_getaffinity(0))
    used, started = os.times(), time.perf_counter()
    subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, "check", "requirements.txt", "--quiet"],
        cwd=root,
        env=environment,
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    wall, now = time.perf_counter() - started, os.times()
    return wall, now.children_user + now.children_system - used.children_user - used.children_system


def _verify(root: Path) -> float:
    loaded = load_policy(root / "policy.toml")
    cosigners = loaded.policy.cosigners_known
    lines = [
        (verifier, path.read_bytes()[:-1])
        for witness in loaded.policy.witnesses
        for verifier in (BundleVerifier(witness.identity, cosigners),)
        for path in Path(loaded.location(witness)).rglob("*.jsonl")
    ]
    started = time.process_time()
    for verifier, line in lines:
        verifier.verify(bundle.parse(line))
    return time.process_time() - started


def write_world(shape: Shape, root: Path) -> int:
    """Copies of five nodes, a policy and requirements in `root`; how many bytes all bundles have."""
    nodes = [_signers(number) for number in range(NODES)]
    total = 0
    for number, signers in enumerate(nodes):
        seen = [artifact for artifact in range(ARTIFACTS) if (artifact - number) % NODES < shape.seen_by]
        entries = [_entry(signers, artifact) for artifact in seen]
        peers = [other for other in nodes if other is not signers] if shape.shared else []
        for artifact, item in zip(seen, _bundles(signers, entries, peers, shared=shape.shared), strict=True):
            path = root / signers.name / bundle.shard_path(_digest(artifact))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bundle.encode(item) + b"\n")
            total += path.stat().st_size
    (root / "policy.toml").write_text(_policy(nodes, shape))
    (root / "requirements.txt").write_text(
        "".join(f"demo-{n}==1.0 --hash=sha256:{_digest(n)}\n" for n in range(ARTIFACTS))
    )
    return total


def _bundles(
    signers: NodeSigners, entries: Sequence[bytes], peers: Sequence[NodeSigners], *, shared: bool
) -> list[Bundle]:
    leaves = [leaf_hash(entry) for entry in entries]
    size, root = len(leaves), root_hash(leaves)
    at = int(AGO.timestamp())
    made = []
    for index, entry in enumerate(entries):
        hashes = tuple(root_hash(leaves[low:high]) for low, high in inclusion_ranges(index, size))
        # A checkpoint of its own: the same tree, with a line that differs.
        extensions = () if shared else (f"bench {index}",)
        text = Checkpoint(signers.log.name, size, root, extensions).text
        lines = (signers.log.sign(text), *(node.cosigner.sign(text, at) for node in (signers, *peers)))
        made.append(Bundle(entry, Proof(index, hashes, note.encode(note.Note(text, lines)))))
    return made


def _entry(signers: NodeSigners, artifact: int) -> bytes:
    key = signers.observations
    said = statement.encode(
        Statement(f"demo_{artifact}-1.0-py3-none-any.whl", _digest(artifact), _observed(signers, artifact))
    )
    return dsse.encode(dsse.seal(said, key.public_key, key.sign))


def _observed(signers: NodeSigners, artifact: int) -> Observation:
    name, same = f"demo_{artifact}-1.0-py3-none-any.whl", _digest(artifact)
    digests = Digests(payload_digest=_hex(f"payload {artifact}"), dist_info_digest=_hex(f"about {artifact}"))
    return Observation(
        purl=f"pkg:pypi/demo-{artifact}@1.0?file_name={name}",
        method="rebuild",
        result="match",
        level="bitwise",
        comparison=Comparison(
            rule_set=f"rules/2:{_hex('rules')}+unicode-15.0.0+zlib-1.3.1",
            archive_exact=True,
            published=digests,
            rebuilt=digests,
            record_digest=_hex(f"record {artifact}"),
        ),
        source=Resource(
            name=f"demo_{artifact}-1.0.tar.gz", digest=DigestSet(sha256=_hex(f"sdist {artifact}"))
        ),
        published=Published(size=20_000 + artifact, upload_time=AGO, index_serial=30_000_000 + artifact),
        rebuilt=Resource(name=name, digest=DigestSet(sha256=same)),
        recipe=DigestSet(sha256=_hex(f"recipe {artifact % 20}")),
        environment=Environment(
            interpreter="CPython 3.12.8",
            platform="linux-x86_64",
            requirements=tuple(
                Requirement(name=one, version="75.8.0", sha256=_hex(one))
                for one in ("setuptools", "wheel", "packaging", "setuptools-scm")
            ),
            variables={"SOURCE_DATE_EPOCH": "1733000000", "PYTHONHASHSEED": "0", "umask": "022"},
        ),
        isolation="bubblewrap+seccomp+cgroup2",
        builder=Builder(name=signers.name, tool=Tool(name="rebuilder", version="0.1.0")),
        attempt=Attempt(count=1, outputs=(same,), started_at=AGO, finished_at=AGO),
    )


def _policy(nodes: Sequence[NodeSigners], shape: Shape) -> str:
    threshold = min(2, shape.seen_by)
    text = f"version = 1\nthreshold = {threshold}\ncosigners = {1 if shape.shared else 0}\n"
    for number, signers in enumerate(nodes):
        text += (
            f'\n[[witness]]\nname = "{signers.name}"\noperator = "Operator {number}"\nurl = "{signers.name}"\n'
            f'log-key = "{signers.log.key.text}"\nkeys = ["{signers.observations.public_key.text}"]\n'
            f'cosigner-key = "{signers.cosigner.key.text}"\n'
        )
    return text


def _signers(number: int) -> NodeSigners:
    name = f"node-{number}"
    return NodeSigners(
        name=name,
        observations=_key(f"{name} observations"),
        log=LogSigner(f"{name}.example/log", _key(f"{name} log")),
        cosigner=CheckpointCosigner(f"{name}.example/cosigner", _key(f"{name} cosigner")),
    )


def _key(seed: str) -> KeyFile:
    return KeyFile(Ed25519PrivateKey.from_private_bytes(sha256(seed.encode()).digest()))


def _digest(artifact: int) -> str:
    return _hex(f"wheel {artifact}")


def _hex(text: str) -> str:
    return sha256(text.encode()).hexdigest()
