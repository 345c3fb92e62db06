"""The parts of a node that runs for good, each a process of its own with no more rights than it needs.

Each module's `main` is the entry point of one: `python -m rebuilders.node.parts.<name> DIR`.
"""
