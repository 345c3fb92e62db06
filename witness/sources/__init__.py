"""Where bundles about an artifact come from: a node over HTTP, a directory, a file for offline use."""
