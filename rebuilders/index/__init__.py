"""Where published files come from: an index, a directory, and wrappers that keep the same interface."""
