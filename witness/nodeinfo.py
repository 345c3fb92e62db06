"""`node.json`: what a node says of itself. Anybody can write one, so it is something to look at, never to believe.

Keys that this program does not know are left alone: a newer node may have more to say.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from witness.canonical import loads
from witness.digest import sha256_hex
from witness.errors import Malformed
from witness.keyless.identity import KeylessIdentity
from witness.keys import parse_key
from witness.limits import KIB
from witness.note import VerifierKey
from witness.tlog.cosignature import CosignerKey
from witness.verification import WitnessIdentity

MAX_NODE: Final = 64 * KIB
SCHEMA: Final = "node/1"
_MAX_NAME: Final = 200
_MAX_KEYS: Final = 20

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """What a node claims to be. `url` is where it says that it is served, or empty."""

    identity: WitnessIdentity
    url: str

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key as a policy has it: of observations, of the log, and of its cosignatures. Of a node that signs in a
        name, `sigstore:`, the name, a blank and who vouches for it stand for the first.
        """
        cosigner, signer = self.identity.cosigner_key, self.identity.sigstore
        return (
            *(key.text for key in self.identity.keys),
            *([] if signer is None else [f"sigstore:{signer.name} {signer.issuer}"]),
            self.identity.log_key.text,
            *([] if cosigner is None else [cosigner.text]),
        )


def fingerprint(key: str) -> str:
    """SHA-256 of a key's text in groups of four digits, to be compared by people."""
    digest = sha256_hex(key.encode())
    return " ".join(digest[start : start + 4] for start in range(0, 64, 4))


def software_of(data: bytes) -> str:
    """The program and its version that the node in `data` says it runs, in a few words; empty if it says none."""
    try:
        told = loads(data, what="node.json", limit=MAX_NODE)["software"]
        words = [told["name"], told["version"]]
    except (Malformed, KeyError, TypeError):
        return ""
    return " ".join(word[:60] for word in words if isinstance(word, str) and word.isprintable())


def parse(data: bytes) -> NodeInfo:
    """The node in `data`.

    Raises:
        Malformed: larger than the limit, not JSON, or not a node with keys that can be read.
    """
    value = loads(data, what="node.json", limit=MAX_NODE)
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise Malformed(f"node.json: not of schema {SCHEMA}")
    signer = _signer(value)
    keys = value.get("keys", [] if signer else None)
    if not isinstance(keys, list) or bool(keys) == bool(signer) or len(keys) > _MAX_KEYS:
        raise Malformed(f"node.json: keys: not a list of 1 to {_MAX_KEYS}, or sigstore besides")
    cosigner = value.get("cosignerKey")
    identity = WitnessIdentity(
        name=_name(value, "name"),
        operator=_name(value, "operator"),
        log_key=_key("logKey", VerifierKey.parse, value.get("logKey")),
        keys=tuple(_key("keys", parse_key, key) for key in keys),
        cosigner_key=None if cosigner is None else _key("cosignerKey", CosignerKey.parse, cosigner),
        sigstore=signer,
    )
    url = value.get("url")
    return NodeInfo(identity, url if isinstance(url, str) and url.isprintable() else "")


def _signer(value: dict[str, Any]) -> KeylessIdentity | None:
    told = value.get("sigstore")
    if told is None:
        return None
    if not isinstance(told, dict):
        raise Malformed("node.json: sigstore: not an object")
    # In which instance of Sigstore to believe is for the policy to say: the public one, if it says nothing.
    return KeylessIdentity(_name(told, "identity"), _name(told, "issuer"))


def _name(value: dict[str, Any], key: str) -> str:
    name = value.get(key)
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or len(name) > _MAX_NAME:
        raise Malformed(f"node.json: {key}: not a printable name of at most {_MAX_NAME} characters")
    return name


def _key(where: str, parse_key: Callable[[str], K], text: Any) -> K:
    if not isinstance(text, str):
        raise Malformed(f"node.json: {where}: not a key")
    try:
        return parse_key(text)
    except Malformed as error:
        raise Malformed(f"node.json: {where}: {error}") from None
