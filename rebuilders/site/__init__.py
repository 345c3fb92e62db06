"""The pages of a node, or of several, for people: static files, from verified logs. Holds no key, runs no build."""
