"""Nodes for tests: real keys, real signatures, real logs, in memory or as a published site. Nothing is mocked."""

import base64
import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from witness import dsse, note, statement
from witness.bundle import Bundle
from witness.canonical import dumps
from witness.digest import sha256_hex
from witness.observation import Observation
from witness.policy import Policy, TrustedWitness
from witness.publish import publish_outbox
from witness.signing.keyfile import KeyFile
from witness.signing.named import CheckpointCosigner, LogSigner, NodeSigners
from witness.statement import Statement
from witness.store.directory import DirectoryStore
from witness.tlog.checkpoint import Checkpoint
from witness.tlog.merkle import inclusion_ranges, leaf_hash, root_hash
from witness.tlog.proof import Proof
from witness.verification import VerifiedObservation, WitnessIdentity, verify_bundle
from witness.wheel.reader import read_wheel

NOW = datetime(2026, 6, 1, tzinfo=UTC)
WHEEL = "demo-1.0-py3-none-any.whl"
SHA = sha256_hex(b"the published wheel")
SDIST = sha256_hex(b"the sdist")
HELD = "what the wheel holds"


def key_file(seed: str) -> KeyFile:
    """The same key for the same seed."""
    return KeyFile(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest()))


@dataclass(frozen=True)
class Node:
    """A witness: `name` run by `operator`."""

    name: str
    operator: str

    @property
    def signers(self) -> NodeSigners:
        return NodeSigners(
            name=self.name,
            observations=key_file(f"{self.name} observations"),
            log=LogSigner(f"{self.name}.example/log", key_file(f"{self.name} log")),
            cosigner=CheckpointCosigner(f"{self.name}.example/cosigner", key_file(f"{self.name} cosigner")),
        )

    @property
    def identity(self) -> WitnessIdentity:
        signers = self.signers
        return WitnessIdentity(
            name=self.name,
            operator=self.operator,
            log_key=signers.log.key,
            keys=(signers.observations.public_key,),
            cosigner_key=signers.cosigner.key,
        )

    def toml(self, url: str) -> str:
        """Its table in a policy."""
        identity = self.identity
        return (
            f'\n[[witness]]\nname = "{self.name}"\noperator = "{self.operator}"\nurl = "{url}"\n'
            f'log-key = "{identity.log_key.text}"\nkeys = ["{identity.keys[0].text}"]\n'
            f'cosigner-key = "{identity.cosigner_key.text}"\n'
        )

    def bundle(self, stated: Statement, *, index: int = 0, cosigned_by: Sequence["Node"] = ()) -> Bundle:
        """`stated` as an entry, as `bundle_of` has it."""
        return self.bundle_of(statement.encode(stated), index=index, cosigned_by=cosigned_by)

    def bundle_of(self, payload: bytes, *, index: int = 0, cosigned_by: Sequence["Node"] = ()) -> Bundle:
        """`payload`, whatever it says, as entry `index`, the last one, of a log that `cosigned_by` cosigned."""
        signers = self.signers
        entry = dsse.encode(dsse.seal(payload, signers.observations.public_key, signers.observations.sign))
        leaves = [leaf_hash(b"%d" % number) for number in range(index)] + [leaf_hash(entry)]
        hashes = tuple(root_hash(leaves[low:high]) for low, high in inclusion_ranges(index, index + 1))
        text = Checkpoint(signers.log.name, index + 1, root_hash(leaves)).text
        at = int(NOW.timestamp())
        cosignatures = [node.signers.cosigner.sign(text, at) for node in cosigned_by]
        signed = note.encode(note.Note(text, (signers.log.sign(text), *cosignatures)))
        return Bundle(entry, Proof(index, hashes, signed))

    def verified(
        self, stated: Statement, *, index: int = 0, cosigned_by: Sequence["Node"] = ()
    ) -> VerifiedObservation:
        """What a consumer has who verified that bundle, knowing the keys of `cosigned_by`."""
        known = [(node.operator, node.signers.cosigner.key) for node in cosigned_by]
        return verify_bundle(self.bundle(stated, index=index, cosigned_by=cosigned_by), self.identity, known)

    def publish(self, directory: Path, stated: Sequence[Statement]) -> Path:
        """Publishes `stated` on this node's site, by the same code as a real node, and returns the site."""
        outbox, site = directory / f"{self.name}-outbox", directory / f"{self.name}-site"
        outbox.mkdir(exist_ok=True)
        for item in stated:
            data = statement.encode(item)
            (outbox / f"{sha256_hex(data)}.json").write_bytes(data)
        published = publish_outbox(
            outbox, DirectoryStore(site), directory / f"{self.name}-state", self.signers, now=NOW
        )
        assert not published.refused
        return site


ALPHA = Node("alpha", "Operator A")
BETA = Node("beta", "Operator B")
GAMMA = Node("gamma", "Operator C")


def policy(*nodes: Node, **changes: Any) -> Policy:
    """A policy that trusts `nodes`."""
    values: dict[str, Any] = {
        "threshold": 2,
        "veto": 1,
        "cosigners": 0,
        "max_age_days": 400,
        "accept": frozenset({"bitwise", "archive"}),
        "witnesses": tuple(TrustedWitness(node.identity, f"https://{node.name}.example/") for node in nodes),
    }
    return Policy(**(values | changes))


def stated(
    node: Node,
    result: str = "match",
    level: str | None = "bitwise",
    *,
    sha256: str = SHA,
    filename: str = WHEEL,
    sdist: str = SDIST,
    exact: bool | None = None,
    payload: str = HELD,
    method: str = "rebuild",
    finished: datetime = NOW - timedelta(days=1),
    paths: Sequence[str] = ("demo/__init__.py",),
    other: str = "other payload",
    attempts: int = 1,
    recipe: str = "recipe",
) -> Statement:
    """A statement by `node`. `level` is that of a match, and ignored otherwise."""
    value: dict[str, Any] = {
        "purl": "pkg:pypi/demo@1.0",
        "method": method,
        "result": result,
        "source": _resource("demo-1.0.tar.gz", sdist),
        "published": {"size": 1000},
        "builder": {"name": node.name, "tool": {"name": "rebuilder", "version": "0.1.0"}},
        "attempt": {"count": attempts, "startedAt": _time(finished), "finishedAt": _time(finished)},
    }
    if result in ("match", "mismatch"):
        level = level if result == "match" else None
        rebuilt = sha256 if level == "bitwise" else sha256_hex(f"rebuilt by {node.name}".encode())
        value |= {
            "rebuilt": _resource(filename, rebuilt),
            "recipe": {"sha256": sha256_hex(recipe.encode())},
            "environment": {
                "interpreter": "CPython 3.12.0",
                "platform": "linux-x86_64",
                "requirements": [{"name": "hatchling", "version": "1.27.0", "sha256": sha256_hex(b"h")}],
                "variables": {"SOURCE_DATE_EPOCH": "0"},
            },
            "comparison": _comparison(level, payload, exact, paths, other),
        }
    else:
        value["failure"] = {"phase": "build", "cause": "backend-error", "detail": "no \x1b[31mcompiler"}
    if level is not None and result == "match":
        value["level"] = level
    if method == "static":
        for key in ("rebuilt", "recipe", "environment"):
            value.pop(key, None)
        value["attempt"]["count"] = 0
    return Statement(filename, sha256, Observation.model_validate_json(dumps(value)))


def _comparison(
    level: str | None, payload: str, exact: bool | None, paths: Sequence[str], other: str
) -> dict[str, Any]:
    held = read_wheel(wheel())
    ours = {"payloadDigest": held.payload_digest, "distInfoDigest": held.dist_info_digest}
    if payload != HELD:
        ours["payloadDigest"] = sha256_hex(payload.encode())
    theirs = dict(ours)
    if level in (None, "content"):
        theirs["payloadDigest"] = sha256_hex(other.encode())
    elif level == "metadata":
        theirs["distInfoDigest"] = sha256_hex(b"other dist-info")
    value: dict[str, Any] = {
        "ruleSet": "rules/1",
        "archiveExact": level == "bitwise" or (level == "archive" if exact is None else exact),
        "published": ours,
        "rebuilt": theirs,
        "recordDigest": sha256_hex(b"record"),
    }
    if level is None:
        value |= {
            "differences": [{"path": path, "kind": "changed"} for path in paths],
            "differencesTotal": len(paths),
        }
    if level in ("metadata", "content"):
        value["rules"] = [{"id": "generator", "path": "WHEEL", "published": "a", "rebuilt": "b"}]
    return value


def wheel(content: bytes = b"VERSION = 1\n") -> bytes:
    """The bytes of a tiny wheel of demo 1.0."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        members = {
            "demo/__init__.py": content,
            "demo-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n",
            "demo-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "demo-1.0.dist-info/RECORD": f"demo/__init__.py,sha256={digest},{len(content)}\n".encode(),
        }
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def _resource(name: str, sha256: str) -> dict[str, Any]:
    return {"name": name, "digest": {"sha256": sha256}}


def _time(value: datetime) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")
