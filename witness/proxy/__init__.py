"""A package index in front of the user's, which offers what his policy accepts."""
