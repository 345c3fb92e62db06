"""Where a build runs: interpreters, build requirements locked by hash, environments cached by content."""
