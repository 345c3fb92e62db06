"""What was claimed about a wheel, and whom to believe: formats, comparison, log, policy and verdict."""

__version__ = "0.1.0"
