"""An instance of OSS Rebuild for tests: its bundles, in the form in which its own code writes them, signed by a key."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from witness import dsse
from witness.digest import sha256_hex
from witness.keys import EcdsaKey
from witness.ossrebuild.rebuild import GOOGLE, RebuildService
from witness.policy import TrustedService
from witness.sources.rebuilds import path_of

KEY_ID = "gcpkms://projects/demo/locations/global/keyRings/ring/cryptoKeys/signing-key/cryptoKeyVersions/1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
COMMIT = "0123456789abcdef0123456789abcdef01234567"
WHEEL = "demo-1.0-py3-none-any.whl"
FINISHED = datetime(2026, 5, 30, 12, 0, 0, tzinfo=UTC)
Change = Callable[[dict[str, Any], dict[str, Any]], None]


def private_key(seed: str = "service") -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:31]), ec.SECP256R1())


def go_json(value: Any) -> bytes:
    """As Go's encoder writes it: compact, in the order of fields, with three characters escaped for HTML."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").encode()


def statements(
    filename: str, sha256: str, rebuilt: str, *, finished: datetime, builder: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What it says of a file: that two files are equivalent, and how the one was built."""
    project, version = filename.split("-")[:2]
    target = f"https://files.example/packages/12/34/{filename}"
    service = {
        "prebuildSource": {"repository": "https://git.example/service", "ref": "v1"},
        "serviceSource": {"repository": "https://git.example/service", "ref": "v2"},
    }
    equivalence = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": filename, "digest": {"sha256": sha256}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "https://docs.oss-rebuild.dev/builds/ArtifactEquivalence@v0.1",
                "externalParameters": {"candidate": f"rebuild/{filename}", "target": target},
                "internalParameters": service,
                "resolvedDependencies": [
                    {"name": f"rebuild/{filename}", "digest": {"sha256": rebuilt}},
                    {"name": target, "digest": {"sha256": sha256}},
                ],
            },
            "runDetails": {
                "builder": {"id": builder},
                "metadata": {"invocationId": "b3a7"},
                "byproducts": [
                    {"name": f"stabilized/{filename}", "digest": {"sha256": sha256_hex(b"stabilized")}}
                ],
            },
        },
    }
    rebuild = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": f"rebuild/{filename}", "digest": {"sha256": rebuilt}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "https://docs.oss-rebuild.dev/builds/Rebuild@v0.1",
                "externalParameters": {
                    "artifact": filename,
                    "ecosystem": "pypi",
                    "package": project.replace("_", "-"),
                    "version": version,
                },
                "internalParameters": service,
                "resolvedDependencies": [
                    {"name": "git+https://git.example/demo", "digest": {"sha1": COMMIT}},
                    {"name": "docker.example/alpine", "digest": {"sha256": sha256_hex(b"image")}},
                ],
            },
            "runDetails": {
                "builder": {"id": builder},
                "metadata": {
                    "invocationId": "b3a7",
                    "startedOn": (finished - timedelta(minutes=1)).isoformat().replace("+00:00", "Z"),
                    "finishedOn": finished.isoformat().replace("+00:00", ".123456789Z"),
                },
                "byproducts": [
                    {"name": name, "content": base64.b64encode(f"{name} <&>".encode()).decode()}
                    for name in ("build.json", "Dockerfile", "steps.json")
                ],
            },
        },
    }
    return equivalence, rebuild


@dataclass(frozen=True)
class Service:
    """`name`, run by `operator`, with the key of `seed`."""

    name: str = "oss-rebuild"
    operator: str = "Google"
    seed: str = "service"
    payload_type: str = PAYLOAD_TYPE

    @property
    def identity(self) -> RebuildService:
        return RebuildService(self.name, self.operator, (EcdsaKey.of(private_key(self.seed).public_key()),))

    def trusted(self, *accept: str) -> TrustedService:
        return TrustedService(self.identity, "https://rebuilds.example/", frozenset(accept))

    def toml(self, url: str, *accept: str) -> str:
        """Its table in a policy."""
        levels = ", ".join(f'"{level}"' for level in accept)
        return (
            f'\n[[witness]]\nkind = "oss-rebuild"\nname = "{self.name}"\noperator = "{self.operator}"\n'
            f'url = "{url}"\nkeys = ["{self.identity.keys[0].text}"]\naccept = [{levels}]\n'
        )

    def sealed(self, payload: bytes, *, high_s: bool = False, key_id: str = KEY_ID) -> bytes:
        """An envelope's line."""
        signature = private_key(self.seed).sign(
            dsse.authenticated(payload, self.payload_type), ec.ECDSA(SHA256())
        )
        r, s = decode_dss_signature(signature)
        s = max(s, ORDER - s) if high_s else min(s, ORDER - s)
        return go_json(
            {
                "payloadType": self.payload_type,
                "payload": base64.b64encode(payload).decode(),
                "signatures": [
                    {"keyid": key_id, "sig": base64.b64encode(encode_dss_signature(r, s)).decode()}
                ],
            }
        )

    def bundle(
        self,
        sha256: str,
        filename: str = WHEEL,
        *,
        rebuilt: str | None = None,
        finished: datetime = FINISHED,
        builder: str = GOOGLE,
        change: Change = lambda *_: None,
        high_s: bool = False,
    ) -> bytes:
        """Its bundle about a file that came out as `rebuilt`, as the same file if nothing is said."""
        both = statements(filename, sha256, rebuilt or sha256, finished=finished, builder=builder)
        change(*both)
        return b"".join(self.sealed(go_json(item), high_s=high_s) + b"\n" for item in both)

    def publish(self, root: Path, sha256: str, filename: str = WHEEL, **more: Any) -> Path:
        """Puts its bundle where it belongs below `root`."""
        path = root.joinpath(*path_of(filename))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.bundle(sha256, filename, **more))
        return path
