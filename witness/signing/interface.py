"""The seams to private keys, a file here, an HSM or a cloud's key service elsewhere, and to signing without one."""

from typing import Protocol, runtime_checkable

from witness.keys import ObservationKey, PublicKey
from witness.note import KeyMaterial


class Signer(Protocol):
    """Holds one private key for observations, and never shows it: not in `repr`, not in an error."""

    @property
    def public_key(self) -> ObservationKey:
        """The public half. The same for as long as the signer lives."""

    def sign(self, message: bytes) -> bytes:
        """The signature of all of `message`: Ed25519's 64 bytes (RFC 8032, without prehash or context), or ECDSA's DER
        with the lower s, over SHA-256.

        `public_key.verify(message, sign(message))` returns. May be called from several threads.

        Raises:
            Incomplete: the key cannot be reached now, or what holds it made a signature that does not verify.
        """


class Ed25519Signer(Signer, Protocol):
    """A `Signer` whose key is an Ed25519 one, as logs and cosigners need it (c2sp.org/signed-note)."""

    @property
    def public_key(self) -> PublicKey:
        """See `Signer.public_key`."""


class CosignerSigner(Protocol):
    """Holds one private key of a cosigner, as `Signer` does: Ed25519, or ML-DSA-44 (c2sp.org/tlog-cosignature)."""

    @property
    def public_key(self) -> KeyMaterial:
        """See `Signer.public_key`."""

    def sign(self, message: bytes) -> bytes:
        """The signature of all of `message`: Ed25519's, or that of ML-DSA with an empty context, another each time.

        Raises:
            Incomplete: as `Signer.sign`.
        """


@runtime_checkable
class Sealer(Protocol):
    """Signs a node's observations, in whatever form."""

    def seal(self, statement: bytes) -> bytes:
        """An entry of a log that says `statement` in the node's name. Another one each time, perhaps.

        Raises:
            Incomplete: whoever is needed for it cannot be reached now.
            InputError: not as long as the configuration is what it is.
            Malformed: the entry would be larger than one may be.
        """
