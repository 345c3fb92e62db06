"""Sigstore: observations signed without a key of one's own, in a name that an identity provider vouches for."""
