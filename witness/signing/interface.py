"""The seam to private keys: a file here, an HSM or a cloud's key service elsewhere."""

from typing import Protocol

from witness.keys import PublicKey


class Signer(Protocol):
    """Holds one Ed25519 private key, and never shows it: not in `repr`, not in an error."""

    @property
    def public_key(self) -> PublicKey:
        """The public half. The same for as long as the signer lives."""

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the Ed25519 signature (RFC 8032, without prehash or context) of all of `message`.

        `public_key.verify(message, sign(message))` returns. May be called from several threads.

        Raises:
            Incomplete: the key cannot be reached now.
        """
