"""Signers of notes: a key and the name that it signs under, which a configuration gives (c2sp.org/signed-note)."""

from dataclasses import dataclass

from witness.keys import PublicKey
from witness.note import Signature, VerifierKey
from witness.signing.interface import CosignerSigner, Ed25519Signer, Sealer, Signer
from witness.signing.sealing import KeySealer
from witness.tlog.cosignature import CosignerKey
from witness.tlog.succession import Succession, begin, extend


@dataclass(frozen=True, slots=True)
class LogSigner:
    """Signs the checkpoints of the log whose origin is `name` by the newest of its keys. `succession` leads there."""

    name: str
    signer: Ed25519Signer
    succession: Succession | None = None

    @property
    def key(self) -> VerifierKey:
        """What readers know the log by: its first key."""
        return VerifierKey(self.name, self.succession.first if self.succession else self.signer.public_key)

    @property
    def newest(self) -> VerifierKey:
        """The key that signs."""
        return VerifierKey(self.name, self.signer.public_key)

    def sign(self, text: str) -> Signature:
        """The signature of the note text `text`."""
        return self.newest.sign(text, self.signer.sign)

    def lines(self, text: str) -> tuple[Signature, ...]:
        """The signature, and what leads to its key."""
        return (self.sign(text), *((self.succession.line,) if self.succession else ()))

    def succeeded(self, size: int, new: PublicKey) -> Succession:
        """What leads to `new` from a tree of `size` entries on. Raises `Malformed` if it cannot be the next key."""
        if self.succession is None:
            return begin(self.newest, size, new, self.signer.sign)
        return extend(self.succession, size, new, self.signer.sign)


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
