"""Sigstore bundles by sigstore-python itself, and the log of a witness that has them as its entries."""

import json
from dataclasses import replace
from functools import cache

from sigstore import dsse
from sigstore.models import ClientTrustConfig
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext

from tests.keyless.instance import Instance
from tests.signed_log import Log, identity, node, observed
from witness import statement
from witness.bundle import Bundle
from witness.keyless import form
from witness.keyless.identity import KeylessIdentity
from witness.verification import WitnessIdentity

NAME = "https://ci.example/operator-a/witness/.ci/witness.yml@refs/heads/main"
NODE = node()
PAYLOAD = statement.encode(observed(1))
FORMS = {"rekor 1": (1, False), "rekor 1 with a time stamp": (1, True), "rekor 2": (2, True)}


class Signed:
    """What the instance's users signed; each thing once."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.entry = cache(self._entry)

    @property
    def identity(self) -> KeylessIdentity:
        return KeylessIdentity(NAME, self.instance.url)

    @property
    def witness(self) -> WitnessIdentity:
        return replace(identity(NODE), keys=(), sigstore=self.identity)

    def context(self, form_: str) -> SigningContext:
        version, stamps = FORMS[form_]
        config = json.dumps(self.instance.trust_config(version, stamps=stamps))
        return SigningContext.from_trust_config(ClientTrustConfig.from_json(config))

    def _entry(self, form_: str = "rekor 1", payload: bytes = PAYLOAD, name: str = NAME) -> bytes:
        with self.context(form_).signer(IdentityToken(self.instance.token(name))) as signer:
            return form.canonical_form(signer.sign_dsse(dsse.Statement(payload)).to_json())

    def artifact(self, data: bytes) -> bytes:
        """A bundle around the signature of a file, which is no envelope."""
        with self.context("rekor 2").signer(IdentityToken(self.instance.token(NAME))) as signer:
            return signer.sign_artifact(data).to_json().encode()


def logged(entry: bytes) -> Bundle:
    """`entry` in the witness's log, after another."""
    log = Log.new(NODE)
    log.append([b"another", entry])
    return Bundle(entry, log.reader().proof(1))
