"""From a statement to the entry of a log: signed with a key, in DSSE."""

from dataclasses import dataclass

from witness import dsse
from witness.signing.interface import Signer


@dataclass(frozen=True, slots=True)
class KeySealer:
    """A `Sealer` with a key."""

    signer: Signer

    def seal(self, statement: bytes) -> bytes:
        """See `Sealer.seal`."""
        return dsse.encode(dsse.seal(statement, self.signer.public_key, self.signer.sign))
