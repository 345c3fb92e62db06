"""The seams to private keys, a file here, an HSM or a cloud's key service elsewhere, and to signing without one."""

from typing import Protocol, runtime_checkable

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
