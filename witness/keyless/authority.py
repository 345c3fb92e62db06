"""Who may speak for a witness that has no key: whoever had a certificate for its name when he signed.

sigstore-python checks the certificate, its chain at the time of signing, the promise of the log of certificates, the
entry in Rekor with its proof and checkpoint, and the signature. It reads no network and no clock for it. What it
leaves to its callers is done here and by `witness.statement`: one form, one payload type, one signature, our type of
predicate, one subject. The name of the statement's builder, and the log of the witness, are for
`witness.verification`.
"""

from typing import TYPE_CHECKING

from witness.dsse import Opened
from witness.errors import Unverified
from witness.escape import printable
from witness.keyless import form
from witness.keyless.identity import KeylessIdentity
from witness.statement import PAYLOAD_TYPE

if TYPE_CHECKING:
    from sigstore.verify import Verifier


class Keyless:
    """An `Authority` (witness.entry): one identity, vouched for by the instance that `verifier` trusts."""

    def __init__(self, identity: KeylessIdentity, verifier: "Verifier") -> None:
        from sigstore.verify.policy import Identity

        self._name = identity
        self._wanted = Identity(identity=identity.name, issuer=identity.issuer)
        self._verifier = verifier

    def open(self, entry: bytes, index: int) -> Opened:
        """See `Authority.open`."""
        from sigstore.models import Bundle

        del index
        form.check(entry)
        try:
            kind, payload = self._verifier.verify_dsse(Bundle.from_json(entry), self._wanted)
        except Exception as error:  # noqa: BLE001 - hostile certificates end in errors of half a dozen libraries
            said = " ".join(str(error).split()) or type(error).__name__
            raise Unverified(f"Sigstore bundle: {printable(said, limit=300)}") from None
        if kind != PAYLOAD_TYPE:
            raise Unverified(f"Sigstore bundle: payloadType is not {PAYLOAD_TYPE}")
        return Opened(payload, self._name.text)
