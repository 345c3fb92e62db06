"""The Signer seam and its implementations. Nothing that runs strangers' code may import this."""
