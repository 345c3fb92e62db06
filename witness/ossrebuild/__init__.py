"""Google OSS Rebuild as one more witness: its attestations, verified."""
