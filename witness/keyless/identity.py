"""Who signs without a key: a name and its issuer. Data alone, for policies."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeylessIdentity:
    """A name as certificates of a Sigstore instance have it.

    Attributes:
        name: the certificate's subject alternative name: an e-mail address, or a URI such as that of a workflow.
        issuer: the identity provider that vouches for it, a URL.
        trust: the instance: a file with its trusted root, relative to the policy; empty for the public one.
    """

    name: str
    issuer: str
    trust: str = ""

    @property
    def text(self) -> str:
        """For people."""
        return f"{self.name} (by {self.issuer})"

    def shares(self, other: "KeylessIdentity") -> bool:
        """Whether the two may be one party. Providers differ in whether case matters, so it does not here."""
        return _folded(self.name) == _folded(other.name) and _folded(self.issuer) == _folded(other.issuer)


def _folded(text: str) -> str:
    return text.casefold().rstrip("/")
