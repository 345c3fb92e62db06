"""A node's append-only log as static files: written by one, verified by anyone."""
