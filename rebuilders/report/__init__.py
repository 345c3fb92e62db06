"""A comparison or a rebuild as a directory for people: pages, and the same in JSON."""
