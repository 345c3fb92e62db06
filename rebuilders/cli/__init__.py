"""The program `rebuilder`: one module a command, thin."""
