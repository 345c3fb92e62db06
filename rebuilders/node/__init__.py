"""A node: what it has been asked to rebuild, who does it, who signs, and what is served."""
