"""Durable bytes by path: the seam under a log and a node's site."""
