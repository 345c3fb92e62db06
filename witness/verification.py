"""From a bundle to a `VerifiedObservation`: every signature and proof checked, or an error that says what failed.

This is the only way to a `VerifiedObservation`, and that is the only thing that may reach a verdict. Pure: what to
make of the time of a checkpoint, or of too few cosigners, is for the policy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from witness import commitment, statement
from witness.bundle import Bundle
from witness.commitment import CLOCKS, Committed, Opening
from witness.entry import Authority, PinnedKeys
from witness.errors import InputError, Unverified
from witness.escape import printable
from witness.keyless.identity import KeylessIdentity
from witness.keys import ObservationKey
from witness.note import KeyMaterial, VerifierKey
from witness.statement import Statement
from witness.tlog.checkpoint import Checkpoint, open_checkpoint
from witness.tlog.cosignature import CosignerKey
from witness.tlog.merkle import leaf_hash, verify_inclusion
from witness.tlog.proof import Proof

_SEAL: Final = object()
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class WitnessIdentity:
    """Whom a consumer believes to be a witness: who runs it, its log, and the keys of its observations.

    One without keys signs in the name `sigstore`, and is verified with an `Authority` for that.
    """

    name: str
    operator: str
    log_key: VerifierKey
    keys: tuple[ObservationKey, ...]
    cosigner_key: CosignerKey | None = None
    sigstore: KeylessIdentity | None = None


@dataclass(frozen=True, slots=True)
class VerifiedObservation:
    """An observation that `signer` signed for `witness` and that is entry `log_index` of its log.

    Attributes:
        signer: the id of a key, or the name that Sigstore vouches for.
        cosigned_by: operators, other than the witness's own, whose cosignature of `checkpoint` held.
        checkpoint_time: the newest time of a cosignature that held, the node's own among them, in UTC.
        committed: what its bundle proves of an earlier commitment, None if it holds none.
    """

    witness: WitnessIdentity
    statement: Statement
    signer: str
    log_index: int
    checkpoint: Checkpoint
    cosigned_by: frozenset[str]
    checkpoint_time: datetime | None
    committed: Committed | None
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise TypeError("a VerifiedObservation is only made by BundleVerifier")


def verify_bundle(
    bundle: Bundle,
    witness: WitnessIdentity,
    cosigners: Sequence[tuple[str, CosignerKey]],
    authority: Authority | None = None,
) -> VerifiedObservation:
    """`BundleVerifier(witness, cosigners).verify(bundle, authority)`, for one bundle."""
    return BundleVerifier(witness, cosigners).verify(bundle, authority)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A checkpoint that its log signed, and when its cosigners say that they saw it, in UTC.

    `vouched` are operators other than the witness's own, and when each first cosigned; `own` is when the witness's own
    cosigner first did, and `newest` when any of them last did.
    """

    tree: Checkpoint
    vouched: Mapping[str, datetime]
    own: datetime | None
    newest: datetime | None


class BundleVerifier:
    """Verifies bundles of `witness`, from any thread. `cosigners` are pairs of an operator and one key of his.

    The bundles of one batch share a checkpoint, whose signatures are most of the work of verifying a bundle: it is
    opened once.
    """

    def __init__(self, witness: WitnessIdentity, cosigners: Sequence[tuple[str, CosignerKey]]) -> None:
        """Raises `InputError` if two operators share a cosigner key, so that one signature would count twice."""
        self._witness = witness
        self._pinned = PinnedKeys(witness.keys)
        self._owners = _owners(witness, cosigners)
        own = () if witness.cosigner_key is None else (witness.cosigner_key,)
        self._known = (*(key for _, key in cosigners), *own)
        self._open = lru_cache(maxsize=64)(self._opened)

    def verify(self, bundle: Bundle, authority: Authority | None = None) -> VerifiedObservation:
        """The observation in `bundle`, made by the witness.

        `authority` says who may speak for the witness: its `keys`, if nothing else is given.

        Raises:
            Malformed: the entry, the statement or the checkpoint breaks its format.
            Unverified: something does not hold: the signature, the builder's name, the log's origin or signature, a
                cosignature by a known key, the proof that the entry is in the log, or the commitment that comes with
                it.
        """
        witness, index = self._witness, bundle.proof.index
        envelope = (authority or self._pinned).open(bundle.entry, index)
        observed = statement.parse(envelope.payload)
        name = observed.observation.builder.name
        if name != witness.name:
            raise Unverified(f"statement: made by {printable(name)!r}, not by {printable(witness.name)!r}")
        opened, opening = self._proven(bundle.entry, bundle.proof), bundle.opening
        return VerifiedObservation(
            witness=witness,
            statement=observed,
            signer=envelope.signer,
            log_index=index,
            checkpoint=opened.tree,
            cosigned_by=frozenset(opened.vouched),
            checkpoint_time=opened.newest,
            committed=self._committed(opening, index, envelope.payload, opened) if opening else None,
            seal=_SEAL,
        )

    def _committed(self, opening: Opening, index: int, payload: bytes, opened: _Opened) -> Committed:
        """What `opening` proves about `payload`, entry `index`, which others saw in the log of `opened`."""
        commitments = commitment.parse(opening.entry)
        if commitment.blind(opening.salt, payload) not in commitments.digests:
            raise Unverified("commitment: to something else than this statement")
        if opening.proof.index >= index:
            raise Unverified("commitment: not before its statement in the log")
        before = self._proven(opening.entry, opening.proof)
        revealed = min(opened.vouched.values(), default=None)
        return Committed(
            log_index=opening.proof.index,
            not_before=commitments.not_before,
            own_time=before.own,
            cosigned=tuple(sorted(before.vouched.items(), key=lambda item: (item[1], item[0]))),
            early=revealed is not None and revealed + CLOCKS < commitments.not_before,
        )

    def _proven(self, entry: bytes, proof: Proof) -> _Opened:
        """The checkpoint under which `proof` has `entry`."""
        opened = self._open(proof.checkpoint)
        tree = opened.tree
        verify_inclusion(leaf_hash(entry), proof.index, tree.size, proof.hashes, tree.root)
        return opened

    def _opened(self, data: bytes) -> _Opened:
        opened = open_checkpoint(data, self._witness.log_key, self._known)
        times: dict[str, datetime] = {}
        for item in opened.cosignatures:
            at, operator = _time(item.at), self._owners[item.key.public_key]
            times[operator] = min(times.get(operator, at), at)
        times.pop(self._witness.operator, None)
        own = [item.at for item in opened.cosignatures if item.key == self._witness.cosigner_key]
        newest = max((item.at for item in opened.cosignatures), default=None)
        return _Opened(
            opened.checkpoint,
            MappingProxyType(times),
            own=_time(min(own)) if own else None,
            newest=None if newest is None else _time(newest),
        )


def _owners(witness: WitnessIdentity, cosigners: Sequence[tuple[str, CosignerKey]]) -> dict[KeyMaterial, str]:
    owners: dict[KeyMaterial, str] = {}
    for operator, key in cosigners:
        if owners.setdefault(key.public_key, operator) != operator:
            raise InputError(f"cosigner key {key.text}: listed for two operators", hint="remove one of them")
    # Whoever else a policy says that the node's own key belongs to: nobody vouches for his own log.
    if witness.cosigner_key is not None:
        owners[witness.cosigner_key.public_key] = witness.operator
    return owners


def _time(seconds: int) -> datetime:
    """In UTC. The C library of Windows refuses years after 3000."""
    return _EPOCH + timedelta(seconds=seconds)
