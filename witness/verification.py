"""From a bundle to a `VerifiedObservation`: every signature and proof checked, or an error that says what failed.

This is the only way to a `VerifiedObservation`, and that is the only thing that may reach a verdict. Pure: what to
make of the time of a checkpoint, or of too few cosigners, is for the policy.
"""

from collections.abc import Sequence
from dataclasses import InitVar, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from witness import statement
from witness.bundle import Bundle
from witness.entry import Authority, PinnedKeys
from witness.errors import InputError, Unverified
from witness.escape import printable
from witness.keys import PublicKey
from witness.note import KeyMaterial, VerifierKey
from witness.statement import Statement
from witness.tlog.checkpoint import Checkpoint, VerifiedCheckpoint, open_checkpoint
from witness.tlog.cosignature import CosignerKey
from witness.tlog.merkle import leaf_hash, verify_inclusion

_SEAL: Final = object()


@dataclass(frozen=True, slots=True)
class WitnessIdentity:
    """Whom a consumer believes to be a witness: who runs it, its log, and the keys of its observations."""

    name: str
    operator: str
    log_key: VerifierKey
    keys: tuple[PublicKey, ...]
    cosigner_key: CosignerKey | None = None


@dataclass(frozen=True, slots=True)
class VerifiedObservation:
    """An observation that `signer` signed for `witness` and that is entry `log_index` of its log.

    Attributes:
        signer: the id of a key, or the name that Sigstore vouches for.
        cosigned_by: operators, other than the witness's own, whose cosignature of `checkpoint` held.
        checkpoint_time: the newest time of a cosignature that held, the node's own among them, in UTC.
    """

    witness: WitnessIdentity
    statement: Statement
    signer: str
    log_index: int
    checkpoint: Checkpoint
    cosigned_by: frozenset[str]
    checkpoint_time: datetime | None
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("a VerifiedObservation is only made by verify_bundle")


def verify_bundle(
    bundle: Bundle,
    witness: WitnessIdentity,
    cosigners: Sequence[tuple[str, CosignerKey]],
    authority: Authority | None = None,
) -> VerifiedObservation:
    """The observation in `bundle`, made by `witness`. `cosigners` are pairs of an operator and one key of his.

    `authority` says who may speak for the witness: its `keys`, if nothing else is given.

    Raises:
        Malformed: the entry, the statement or the checkpoint breaks its format.
        Unverified: something does not hold: the signature, the builder's name, the log's origin or signature, a
            cosignature by a known key, or the proof that the entry is in the log.
        InputError: two operators share a cosigner key, so that one signature would count twice.
    """
    opened_entry = (authority or PinnedKeys(witness.keys)).open(bundle.entry, bundle.proof.index)
    observed = statement.parse(opened_entry.payload)
    name = observed.observation.builder.name
    if name != witness.name:
        raise Unverified(f"statement: made by {printable(name)!r}, not by {printable(witness.name)!r}")
    known = tuple(key for _, key in cosigners)
    if witness.cosigner_key is not None:
        known += (witness.cosigner_key,)
    opened = _open_checkpoint(bundle.proof.checkpoint, witness.log_key, known)
    tree = opened.checkpoint
    verify_inclusion(leaf_hash(bundle.entry), bundle.proof.index, tree.size, bundle.proof.hashes, tree.root)
    newest = max((cosignature.at for cosignature in opened.cosignatures), default=None)
    return VerifiedObservation(
        witness=witness,
        statement=observed,
        signer=opened_entry.signer,
        log_index=bundle.proof.index,
        checkpoint=tree,
        cosigned_by=_operators(opened, witness, cosigners),
        checkpoint_time=None if newest is None else datetime.fromtimestamp(newest, UTC),
        seal=_SEAL,
    )


# The entries of one batch share a checkpoint, whose signatures are most of the work of verifying a bundle.
@lru_cache(maxsize=64)
def _open_checkpoint(
    data: bytes, log_key: VerifierKey, cosigners: tuple[CosignerKey, ...]
) -> VerifiedCheckpoint:
    return open_checkpoint(data, log_key, cosigners)


def _operators(
    opened: VerifiedCheckpoint, witness: WitnessIdentity, cosigners: Sequence[tuple[str, CosignerKey]]
) -> frozenset[str]:
    owners: dict[KeyMaterial, str] = {}
    for operator, key in cosigners:
        if owners.setdefault(key.public_key, operator) != operator:
            raise InputError(f"cosigner key {key.text}: listed for two operators", hint="remove one of them")
    # Whoever else a policy says that the node's own key belongs to: nobody vouches for his own log.
    if witness.cosigner_key is not None:
        owners[witness.cosigner_key.public_key] = witness.operator
    signed = {owners[cosignature.key.public_key] for cosignature in opened.cosignatures}
    return frozenset(signed - {witness.operator})
