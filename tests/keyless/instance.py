"""A Sigstore instance of one's own on 127.0.0.1, from memory: identity provider, Fulcio with its log of certificates,
Rekor 1 and 2, and a time-stamping authority. Every signature, proof and check is real.
"""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from urllib.parse import parse_qs, urlsplit

import jwt
import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from tests.keyless.authorities import ECDSA, Authority, Issuing, Stamping, new_key, sha256, spki
from witness.keys import PublicKey
from witness.note import VerifierKey
from witness.tlog.merkle import inclusion_ranges, leaf_hash, root_hash

AUDIENCE = "sigstore"
CERTIFICATES, REKOR_1, REKOR_2 = "/api/v2/signingCert", "/api/v1/log/entries", "/api/v2/log/entries"
STAMPS, AMBIENT = "/api/v1/timestamp", "/ambient"


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Instance:
    """The services at `url`; use `serving`.

    Attributes:
        asked: the path of every request, in order.
        broken: paths that are answered with 503.
        spared: how many requests to a path of `broken` are answered all the same, before it breaks.
        stuck: paths that are not answered before `unstick` is set.
        ambient: the identity that the endpoint of a CI gives tokens for.
    """

    def __init__(self, url: str = "") -> None:
        self.url = url
        self.asked: list[str] = []
        self.broken: set[str] = set()
        self.spared: dict[str, int] = {}
        self.stuck: set[str] = set()
        self.unstick = Event()
        self.ambient = ""
        self.since = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        self.issuing = Issuing(Authority.root("root", self.since).below("fulcio", self.since))
        stamping = Authority.root("stamping root", self.since).below("stamping", self.since, stamps_time=True)
        self.stamping = Stamping(stamping)
        self._oidc, self._rekor_1, self._rekor_2 = new_key(), new_key(), Ed25519PrivateKey.generate()
        # A proof with hashes in it, from the first entry on.
        self._leaves = {1: [leaf_hash(b"first"), leaf_hash(b"second")], 2: [leaf_hash(b"first")]}
        self._lock = Lock()

    @property
    def name(self) -> str:
        return urlsplit(self.url).netloc

    def token(self, identity: str, *, ttl: int = 600, issuer: str = "") -> str:
        """An identity token; it says that it was made an hour before its end."""
        now = int(time.time())
        claims = {
            "iss": issuer or self.url,
            "sub": identity,
            "aud": AUDIENCE,
            "iat": now - 5,
            "exp": now + ttl,
        }
        return jwt.encode(claims, self._oidc, algorithm="ES256")

    def answer(self, path: str, headers, body: bytes) -> tuple[int, bytes]:
        parts = urlsplit(path)
        if parts.path in self.stuck:
            self.unstick.wait(60)
        if parts.path in self.broken:
            left = self.spared.get(parts.path, 0)
            if left == 0:
                return 503, b"{}"
            self.spared[parts.path] = left - 1
        match parts.path:
            case _ if parts.path == CERTIFICATES:
                return 201, self._certificates(headers, body)
            case _ if parts.path == REKOR_1:
                return 201, json.dumps(self._log_1(json.loads(body))).encode()
            case _ if parts.path == REKOR_2:
                return 201, json.dumps(self._log_2(json.loads(body))).encode()
            case _ if parts.path == STAMPS:
                return 201, self.stamping.answer(body)
            case _ if parts.path == AMBIENT and headers["Authorization"] == "bearer let me":
                assert parse_qs(parts.query)["audience"] == [AUDIENCE]
                return 200, json.dumps({"value": self.token(self.ambient)}).encode()
        return 404, b"{}"

    def _certificates(self, headers, body: bytes) -> bytes:
        """Fulcio: the token must be ours, and whoever asks must have the private key."""
        token = headers["Authorization"].removeprefix("Bearer ")
        claims = jwt.decode(
            token, self._oidc.public_key(), algorithms=["ES256"], audience=AUDIENCE, issuer=self.url
        )
        asked = x509.load_pem_x509_csr(base64.b64decode(json.loads(body)["certificateSigningRequest"]))
        assert asked.is_signature_valid
        certificate = self.issuing.certify(asked.public_key(), claims["sub"], claims["iss"])
        chain = [certificate, *self.issuing.authority.chain]
        texts = [item.public_bytes(Encoding.PEM).decode() for item in chain]
        return json.dumps({"signedCertificateEmbeddedSct": {"chain": {"certificates": texts}}}).encode()

    def _append(self, version: int, body: bytes) -> tuple[int, int, bytes, list[bytes]]:
        """Index, size, root and proof of a new entry."""
        with self._lock:
            leaves = self._leaves[version]
            leaves.append(leaf_hash(body))
            index, size = len(leaves) - 1, len(leaves)
            proof = [root_hash(leaves[low:high]) for low, high in inclusion_ranges(index, size)]
            return index, size, root_hash(leaves), proof

    def _log_1(self, entry) -> dict:
        proposed = entry["spec"]["proposedContent"]
        envelope = json.loads(proposed["envelope"])

        def digest(data: bytes) -> dict:
            return {"algorithm": "sha256", "value": sha256(data).hex()}

        signatures = zip(envelope["signatures"], proposed["verifiers"], strict=True)
        entry["spec"] = {
            "envelopeHash": digest(proposed["envelope"].encode()),
            "payloadHash": digest(base64.b64decode(envelope["payload"])),
            "signatures": [{"signature": item["sig"], "verifier": verifier} for item, verifier in signatures],
        }
        body, log_id = rfc8785.dumps(entry), sha256(spki(self._rekor_1)).hex()
        index, size, root, proof = self._append(1, body)
        promised = {"body": b64(body), "integratedTime": int(time.time()), "logID": log_id, "logIndex": index}
        text = f"{self.name} - 1\n{size}\n{b64(root)}\n"
        line = b64(bytes.fromhex(log_id)[:4] + self._rekor_1.sign(text.encode(), ECDSA))
        told = {
            "signedEntryTimestamp": b64(self._rekor_1.sign(rfc8785.dumps(promised), ECDSA)),
            "inclusionProof": {
                "logIndex": index,
                "treeSize": size,
                "rootHash": root.hex(),
                "hashes": [item.hex() for item in proof],
                "checkpoint": f"{text}\n\N{EM DASH} {self.name} {line}\n",
            },
        }
        return {sha256(body).hex(): promised | {"verification": told}}

    def _log_2(self, request) -> dict:
        asked = request["hashedRekordRequestV002"]
        data = {"algorithm": "SHA2_256", "digest": asked["digest"]}
        spec = {"hashedRekordV002": {"data": data, "signature": asked["signature"]}}
        body = rfc8785.dumps({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": spec})
        index, size, root, proof = self._append(2, body)
        text = f"{self.name}\n{size}\n{b64(root)}\n"
        key = VerifierKey(self.name, PublicKey(self._rekor_2.public_key().public_bytes_raw()))
        return {
            "logIndex": str(index),
            "logId": {"keyId": b64(self._log_id_2())},
            "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"},
            "integratedTime": "0",
            "inclusionPromise": None,
            "canonicalizedBody": b64(body),
            "inclusionProof": {
                "logIndex": str(index),
                "treeSize": str(size),
                "rootHash": b64(root),
                "hashes": [b64(item) for item in proof],
                "checkpoint": {"envelope": f"{text}\n{key.sign(text, self._rekor_2.sign).line}"},
            },
        }

    def _log_id_2(self) -> bytes:
        return sha256(self.name.encode() + b"\n\x01" + self._rekor_2.public_key().public_bytes_raw())

    def trusted_root(self) -> dict:
        """Whom verifiers must believe."""
        rekor_1 = self._log(self._rekor_1, "PKIX_ECDSA_P256_SHA_256", sha256(spki(self._rekor_1)))
        certificates = self.issuing.log_key
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [rekor_1, self._log(self._rekor_2, "PKIX_ED25519", self._log_id_2())],
            "certificateAuthorities": [self._authority(self.issuing.authority)],
            "ctlogs": [self._log(certificates, "PKIX_ECDSA_P256_SHA_256", sha256(spki(certificates)))],
            "timestampAuthorities": [self._authority(self.stamping.authority)],
        }

    def trust_config(self, *versions: int, stamps: bool = True) -> dict:
        """The trusted root, and where to sign: at Rekor of one of `versions`, by default 1 and 2."""
        rekors = [self._service(version, "") for version in versions or (1, 2)]
        return {
            "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
            "trustedRoot": self.trusted_root(),
            "signingConfig": {
                "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
                "caUrls": [self._service(1, "")],
                "oidcUrls": [self._service(1, "")],
                "rekorTlogUrls": rekors,
                "rekorTlogConfig": {"selector": "ANY"},
                "tsaUrls": [self._service(1, STAMPS)] if stamps else [],
                "tsaConfig": {"selector": "ANY"},
            },
        }

    def _service(self, version: int, path: str) -> dict:
        return {"url": self.url + path, "majorApiVersion": version, "validFor": self._valid, "operator": "o"}

    @property
    def _valid(self) -> dict:
        return {"start": self.since.isoformat().replace("+00:00", "Z")}

    def _authority(self, authority: Authority) -> dict:
        chain = [{"rawBytes": b64(item.public_bytes(Encoding.DER))} for item in authority.chain]
        return {
            "subject": {"commonName": "c", "organization": "o"},
            "uri": self.url,
            "certChain": {"certificates": chain},
            "validFor": self._valid,
        }

    def _log(self, key, details: str, log_id: bytes) -> dict:
        return {
            "baseUrl": self.url,
            "hashAlgorithm": "SHA2_256",
            "logId": {"keyId": b64(log_id)},
            "publicKey": {"rawBytes": b64(spki(key)), "keyDetails": details, "validFor": self._valid},
        }


@contextmanager
def serving() -> Iterator[Instance]:
    instance = Instance()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self.respond()

        def do_POST(self) -> None:
            self.respond()

        def respond(self) -> None:
            instance.asked.append(urlsplit(self.path).path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                status, answer = instance.answer(self.path, self.headers, body)
            except (AssertionError, ValueError, jwt.InvalidTokenError) as error:
                status, answer = 400, json.dumps({"message": repr(error)}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        instance.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield instance
        finally:
            server.shutdown()
            thread.join()
