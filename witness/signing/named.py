"""Signers of notes: a key and the name that it signs under, which a configuration gives (c2sp.org/signed-note)."""

from dataclasses import dataclass

from witness.note import Signature, VerifierKey
from witness.signing.interface import CosignerSigner, Ed25519Signer, Sealer, Signer
from witness.signing.sealing import KeySealer
from witness.tlog.cosignature import CosignerKey


@dataclass(frozen=True, slots=True)
class LogSigner:
    """Signs the checkpoints of the log whose origin is `name`."""

    name: str
    signer: Ed25519Signer

    @property
    def key(self) -> VerifierKey:
        """What readers check the signatures with."""
        return VerifierKey(self.name, self.signer.public_key)

    def sign(self, text: str) -> Signature:
        """The signature of the note text `text`."""
        return self.key.sign(text, self.signer.sign)


@dataclass(frozen=True, slots=True)
class CheckpointCosigner:
    """Cosigns checkpoints, of this node's log or another's, under `name`. Its key is used for nothing else."""

    name: str
    signer: CosignerSigner

    @property
    def key(self) -> CosignerKey:
        """What readers check the cosignatures with."""
        return CosignerKey(self.name, self.signer.public_key)

    def sign(self, text: str, at: int) -> Signature:
        """The cosignature of the note text `text` at `at`, in seconds since 1970."""
        return self.key.sign(text, at, self.signer.sign)


@dataclass(frozen=True, slots=True)
class NodeSigners:
    """All that a node signs with: as `name` its observations, and its log's checkpoints twice. Three distinct keys, or
    two, and observations without one; and a second key of its cosigner's, the newer one, for as long as it has both.
    """

    name: str
    observations: Signer | Sealer
    log: LogSigner
    cosigner: CheckpointCosigner
    second: CheckpointCosigner | None = None

    @property
    def cosigners(self) -> tuple[CheckpointCosigner, ...]:
        """Every key that cosigns, the newest at the end: that is the one for others to name."""
        return (self.cosigner,) if self.second is None else (self.cosigner, self.second)

    @property
    def sealer(self) -> Sealer:
        """What makes entries of the log from statements."""
        return self.observations if isinstance(self.observations, Sealer) else KeySealer(self.observations)
