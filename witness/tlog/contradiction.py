"""Evidence that a log, or a cosigner, contradicts itself: a file that convicts whoever held the key, and nobody else.

Whoever has the file can check it with nothing but what is in it; whether the key is that of a log he believes is his
to compare. An honest log cannot be framed: everything rests on signatures by its key, and on hashes that lead to them.

- `Fork`: two signed trees, and a proof that the larger begins with another tree than the smaller is.
- `TwoEntries`: two signed trees with different entries at one index.
- `Rollback`: a cosigner who vouched for a smaller tree after a larger one.
- `OutOfTurn`: a log that named two successors of one of its keys, or signed by one that it had replaced.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from witness import canonical
from witness.base64text import decode_base64, encode_base64
from witness.errors import Malformed, Unverified
from witness.escape import printable
from witness.limits import KIB, MAX_CHECKPOINT
from witness.note import VerifierKey
from witness.tlog.checkpoint import Checkpoint, VerifiedCheckpoint, open_checkpoint
from witness.tlog.cosignature import CosignerKey
from witness.tlog.merkle import HASH_BYTES, verify_consistency, verify_inclusion
from witness.tlog.proof import MAX_HASHES, Proof
from witness.tlog.succession import quarrel

MEDIA_TYPE: Final = "application/vnd.wheelwitness.log-evidence.v1+json"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MAX_CONTRADICTION: Final = 4 * MAX_CHECKPOINT + 32 * KIB


@dataclass(frozen=True, slots=True)
class Fork:
    """The checkpoint `first`, and `second` of the same size or a larger one: `proof` leads from `root` to it."""

    log_key: VerifierKey
    first: bytes
    second: bytes
    root: bytes
    proof: tuple[bytes, ...]

    def prove(self) -> str:
        """See `Contradiction`."""
        first = open_checkpoint(self.first, self.log_key).checkpoint
        second = open_checkpoint(self.second, self.log_key).checkpoint
        verify_consistency(first.size, self.root, second.size, second.root, self.proof)
        if self.root == first.root:
            raise Unverified("log evidence: the second tree begins with the first, as it should")
        if first.size == second.size:
            return f"{_shown(first)} signed two different trees of {first.size} entries"
        return (
            f"{_shown(first)} signed a tree of {second.size} entries that does not begin with the tree "
            f"of {first.size} entries that it signed"
        )


@dataclass(frozen=True, slots=True)
class TwoEntries:
    """The leaf hashes at one index in two signed trees, with their proofs, which have the same index."""

    log_key: VerifierKey
    leaves: tuple[bytes, bytes]
    proofs: tuple[Proof, Proof]

    def prove(self) -> str:
        """See `Contradiction`."""
        for leaf, proof in zip(self.leaves, self.proofs, strict=True):
            tree = open_checkpoint(proof.checkpoint, self.log_key).checkpoint
            verify_inclusion(leaf, proof.index, tree.size, proof.hashes, tree.root)
        if self.proofs[0].index != self.proofs[1].index or self.leaves[0] == self.leaves[1]:
            raise Unverified("log evidence: not two entries at one index")
        return f"{printable(self.log_key.name)} has two different entries at index {self.proofs[0].index}"


@dataclass(frozen=True, slots=True)
class Rollback:
    """Checkpoints of one log that `cosigner_key` cosigned: `second` later than `first`, though it is smaller."""

    log_key: VerifierKey
    cosigner_key: CosignerKey
    first: bytes
    second: bytes

    def prove(self) -> str:
        """See `Contradiction`."""
        keys = [self.cosigner_key]
        first = open_checkpoint(self.first, self.log_key, keys)
        second = open_checkpoint(self.second, self.log_key, keys)
        # Of several cosignatures in either, those that contradict each other, if any do.
        before = min((item.at for item in first.cosignatures), default=None)
        after = max((item.at for item in second.cosignatures), default=None)
        if before is None or after is None:
            raise Unverified("log evidence: not cosigned by the key that it names")
        if not (before < after and first.checkpoint.size > second.checkpoint.size):
            raise Unverified("log evidence: the later tree is not the smaller one")
        return (
            f"{printable(self.cosigner_key.name)} cosigned {first.checkpoint.size} entries of "
            f"{_shown(first.checkpoint)} at {_time(before)}, and {second.checkpoint.size} at {_time(after)}"
        )


@dataclass(frozen=True, slots=True)
class OutOfTurn:
    """Checkpoints of one log whose keys contradict each other (witness.tlog.succession)."""

    log_key: VerifierKey
    first: bytes
    second: bytes

    def prove(self) -> str:
        """See `Contradiction`."""
        first, second = (open_checkpoint(signed, self.log_key) for signed in (self.first, self.second))
        said = quarrel((first.checkpoint.size, first.links), (second.checkpoint.size, second.links))
        if said is None:
            raise Unverified("log evidence: the keys of the two trees follow each other, as they should")
        return f"{_shown(first.checkpoint)} {said}"


Contradiction: TypeAlias = Fork | TwoEntries | Rollback | OutOfTurn
"""`prove()` says what the evidence proves, or raises `Unverified` (`Malformed` for what is no checkpoint)."""


def find(
    first: VerifiedCheckpoint,
    second: VerifiedCheckpoint,
    signed: tuple[bytes, bytes],
    log_key: VerifierKey,
    cosigners: Sequence[CosignerKey] = (),
) -> Contradiction | None:
    """What two checkpoints of one log prove without its tiles. `signed` are the notes that they were opened from."""
    one, other = first.checkpoint, second.checkpoint
    if one.size == other.size and one.root != other.root:
        return Fork(log_key, *signed, other.root, ())
    if quarrel((one.size, first.links), (other.size, second.links)):
        return OutOfTurn(log_key, *signed)
    if one.size < other.size:
        first, second, signed = second, first, (signed[1], signed[0])
    if first.checkpoint.size == second.checkpoint.size:
        return None
    for key in cosigners:
        before = [item.at for item in first.cosignatures if item.key == key]
        after = [item.at for item in second.cosignatures if item.key == key]
        if before and after and min(before) < max(after):
            return Rollback(log_key, key, *signed)
    return None


def encode(evidence: Contradiction) -> bytes:
    """The file, RFC 8785 JSON. `parse(encode(evidence)) == evidence`."""
    value: dict[str, Any] = {"logKey": evidence.log_key.text, "mediaType": MEDIA_TYPE}
    match evidence:
        case Fork():
            value |= {"kind": "fork", "first": evidence.first.decode(), "second": evidence.second.decode()}
            value |= {"root": encode_base64(evidence.root), "proof": list(map(encode_base64, evidence.proof))}
        case TwoEntries():
            sides = zip(("first", "second"), evidence.leaves, evidence.proofs, strict=True)
            value["kind"] = "two-entries"
            value |= {
                side: {"leafHash": encode_base64(leaf), "tlogProof": proof.text}
                for side, leaf, proof in sides
            }
        case Rollback():
            value |= {"kind": "rollback", "cosignerKey": evidence.cosigner_key.text}
            value |= {"first": evidence.first.decode(), "second": evidence.second.decode()}
        case OutOfTurn():
            value["kind"] = "out-of-turn"
            value |= {"first": evidence.first.decode(), "second": evidence.second.decode()}
    return canonical.dumps(value)


def parse(data: bytes) -> Contradiction:
    """The evidence in a file, not yet proven.

    Raises:
        Malformed: too large, not canonical JSON, unknown or missing keys, or a part that is not what it should be.
    """
    value = canonical.loads_canonical(data, what="log evidence", limit=MAX_CONTRADICTION)
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind not in _KINDS or value.get("mediaType") != MEDIA_TYPE:
        raise Malformed(f"log evidence: not {MEDIA_TYPE}, or of an unknown kind")
    log_key = VerifierKey.parse(_text(value, "logKey"))
    if kind == "two-entries":
        _check_keys(value, "first", "second")
        sides = tuple(map(_side, (value["first"], value["second"])))
        return TwoEntries(log_key, (sides[0][0], sides[1][0]), (sides[0][1], sides[1][1]))
    if kind == "out-of-turn":
        _check_keys(value, "first", "second")
        return OutOfTurn(log_key, _text(value, "first").encode(), _text(value, "second").encode())
    if kind == "rollback":
        _check_keys(value, "cosignerKey", "first", "second")
        cosigner = CosignerKey.parse(_text(value, "cosignerKey"))
        return Rollback(log_key, cosigner, _text(value, "first").encode(), _text(value, "second").encode())
    _check_keys(value, "first", "second", "root", "proof")
    proof = value["proof"]
    if not isinstance(proof, list) or len(proof) > MAX_HASHES:
        raise Malformed("log evidence: proof is not a list of hashes")
    hashes = tuple(map(_hash, proof))
    first, second = _text(value, "first").encode(), _text(value, "second").encode()
    return Fork(log_key, first, second, _hash(value["root"]), hashes)


_KINDS: Final = ("fork", "two-entries", "rollback", "out-of-turn")


def _check_keys(value: Mapping[str, Any], *names: str) -> None:
    if set(value) != {"kind", "logKey", "mediaType", *names}:
        raise Malformed(f"log evidence: not exactly the keys of a {value['kind']}")


def _side(value: Any) -> tuple[bytes, Proof]:
    if not isinstance(value, dict) or set(value) != {"leafHash", "tlogProof"}:
        raise Malformed("log evidence: not exactly leafHash and tlogProof")
    return _hash(value["leafHash"]), Proof.parse(_text(value, "tlogProof"))


def _hash(text: Any) -> bytes:
    if not isinstance(text, str):
        raise Malformed("log evidence: a hash that is not a string")
    value = decode_base64(text, what="log evidence: hash")
    if len(value) != HASH_BYTES:
        raise Malformed(f"log evidence: a hash that is not {HASH_BYTES} bytes long")
    return value


def _text(value: Mapping[str, Any], key: str) -> str:
    text = value.get(key)
    if not isinstance(text, str):
        raise Malformed(f"log evidence: {key} is not a string")
    return text


def _shown(tree: Checkpoint) -> str:
    return printable(tree.origin)


def _time(at: int) -> str:
    return (_EPOCH + timedelta(seconds=at)).strftime("%Y-%m-%dT%H:%M:%SZ")
