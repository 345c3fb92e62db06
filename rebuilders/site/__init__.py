"""The pages of a node, or of several, for people: static files, made from verified logs. Holds no key, runs no build."""
